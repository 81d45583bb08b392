package projection

import (
	"slices"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

func TestSnapshot_compare(t *testing.T) {
	t.Parallel()
	at := func(minute, count int, id byte) *snapshot {
		return &snapshot{PendingEvent: &PendingEvent{Event: &event.Event{ID: event.ID{id}}}, Reactions: &event.Reactions{Counts: []event.ReactionCount{{Emoji: "x", Count: count}}},
			at: event.NewInstant(time.Unix(int64(60*minute), 0), event.PrecisionSecond)}
	}
	ordered := []*snapshot{at(3, 1, 1), at(2, 5, 1), at(2, 4, 3), at(2, 4, 2), at(1, 9, 9)}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := a.compare(b), min(max(i-j, -1), 1); got != want {
				t.Errorf("%d beside %d: %d, want %d", i, j, got, want)
			}
		}
	}
	twice := []*snapshot{ordered[4], ordered[2], ordered[2], ordered[0]}
	slices.SortFunc(twice, (*snapshot).compare)
	if !slices.Equal(twice, []*snapshot{ordered[0], ordered[2], ordered[2], ordered[4]}) {
		t.Error("a list that is there twice is out of order")
	}
}
