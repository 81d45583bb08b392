package telegram

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
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

// manyPolls is an export of a chat with n polls, the votes on which are the given ones, and of messages after them.
func manyPolls(n, votes int, more ...string) []byte {
	var messages []string
	for i := range n {
		messages = append(messages, fmt.Sprintf(`{"id": %d, "type": "message", "date": "2024-05-01T12:00:00", "date_unixtime": "%d", "from": "A",
 "from_id": "user1", "text": "", "poll": {"question": "?", "closed": false, "total_voters": %d, "answers": [{"text": "a", "voters": %d, "chosen": false}]}}`,
			i+1, 1714554000+i, votes, votes))
	}
	return chatOf("public_supergroup", append(messages, more...)...)
}

// heldMost is how many polls a cursor holds the results of.
const heldMost = 64

// TestPolls_Many: in a chat of many polls too the results of each are of the time of the newest message.
func TestPolls_Many(t *testing.T) {
	late := func(id int) string {
		return fmt.Sprintf(`{"id": %d, "type": "message", "date": "x", "date_unixtime": "%d", "from": "A", "from_id": "user1", "text": "x"}`, id, 1714640400+id)
	}
	for name, more := range map[string][]string{
		"the last is the newest":  {late(900)},
		"an older one is last":    {late(900), late(5)},
		"broken ones are between": {`{"id": 800, "date`, `["no message"]`, late(900)},
		"the end is missing":      {late(900), `{"id": 901`},
	} {
		for _, n := range []int{heldMost, heldMost + 1, 5 * heldMost} {
			data := manyPolls(n, 9, more...)
			if name == "the end is missing" {
				data = data[:len(data)-10]
			}
			_, all := readAll(t, data, mine())
			results := 0
			for i := range all {
				if all[i].Kind != event.KindPoll {
					continue
				}
				results++
				if want := time.Unix(1714640400+900, 0); !all[i].Sent.At.Equal(want) {
					t.Fatalf("%s: of %d polls the results of %s are of %v, want %v", name, n, all[i].NativeID, all[i].Sent.At, want)
				}
			}
			if results != n {
				t.Errorf("%s: %d results of %d polls", name, results, n)
			}
		}
	}
}

// TestPolls_ManyConform holds a chat of many polls against the suite: going on anywhere emits the results of each once.
func TestPolls_ManyConform(t *testing.T) {
	c := producertest.Case{Path: "x/result.json", Data: manyPolls(2*heldMost, 9), Options: producers.Options{Account: "1001"}, Events: 4*heldMost + 2}
	producertest.Archive(t, definition(9), c)
}
