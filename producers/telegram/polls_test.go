package telegram

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

// TestPolls_TwoExports: a vote taken back between two exports makes later results and the same message.
func TestPolls_TwoExports(t *testing.T) {
	export := func(votes int, more ...string) (*event.Event, *event.Event) {
		poll := fmt.Sprintf(`{"id": 1, "type": "message", "date": "2024-05-01T12:00:00", "date_unixtime": "1714554000", "from": "A",
 "from_id": "user1", "text": "", "poll": {"question": "?", "closed": false, "total_voters": %d, "answers": [{"text": "a", "voters": %d, "chosen": false}]}}`, votes, votes)
		messages, all := readAll(t, chatOf("public_supergroup", append([]string{poll}, more...)...), mine())
		for i := range all {
			if all[i].Kind == event.KindPoll {
				return messages["1"], &all[i]
			}
		}
		t.Fatal("there are no results")
		return nil, nil
	}
	first, ten := export(10)
	second, nine := export(9, `{"id": 2, "type": "message", "date": "2024-05-02T12:00:00", "date_unixtime": "1714640400", "from": "A", "from_id": "user1", "text": "x"}`)
	if diff := cmp.Diff(first.Body, second.Body); diff != "" || first.ID != second.ID {
		t.Errorf("the message differs: %s", diff)
	}
	if !nine.Sent.Later(ten.Sent) || nine.Body.(*event.PollResults).Poll.Options[0].Votes != 9 {
		t.Errorf("of the results %+v and %+v the second are not later", ten, nine)
	}
}
