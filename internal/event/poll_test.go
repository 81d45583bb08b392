package event_test

import (
	"testing"

	"github.com/agrichat/agrichat/internal/event"
)

// TestMerge_PollResults: of two copies of a message that differ in the results of its poll the one with more votes stands, however
// long the numbers, unless the other one is closed.
func TestMerge_PollResults(t *testing.T) {
	copyOf := func(votes int, closed bool) *event.Event {
		e := sample()
		e.Body = &event.Message{Type: event.TypeMessage, Poll: &event.Poll{Question: "?", Closed: closed,
			Options: []event.PollOption{{Text: "a", Votes: votes}, {Text: "b", Votes: 100}}}}
		return e
	}
	for n := range 89 {
		for _, pair := range [][2]*event.Event{{copyOf(n, false), copyOf(n+1, false)}, {copyOf(n+1, false), copyOf(n, true)}} {
			for _, got := range []*event.Event{event.Merge(pair[0], pair[1]), event.Merge(pair[1], pair[0])} {
				if got.Body.(*event.Message).Poll.Compare(pair[1].Body.(*event.Message).Poll) != 0 {
					t.Errorf("%d votes: the older results stand", n)
				}
			}
		}
	}
}
