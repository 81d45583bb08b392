package producers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// PollResults makes the event of what an export shows of a poll: a snapshot of the instant at, which changed is as revisions take it
// (Unnamed). The caller fills in whose it is and seals it.
func PollResults(target event.NativeID, p *event.Poll, at event.Instant, changed time.Time) (event.Event, error) {
	content, err := json.Marshal(p)
	if err != nil {
		return event.Event{}, fmt.Errorf("encoding a poll: %w", err)
	}
	return event.Event{
		Kind: event.KindPoll, NativeID: target, Sent: at, Body: &event.PollResults{Target: target, Poll: *p},
		Revision: event.RevisionAt(changed) + "." + event.Revision(event.Digest("poll", string(content))),
	}, nil
}
