package eventtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/event/eventtest"
)

// TestEvents holds that the generators make every kind of event, sealed, and copies of it with the same id.
func TestEvents(t *testing.T) {
	kinds := map[event.Kind]bool{}
	rapid.Check(t, func(t *rapid.T) {
		e := eventtest.Events().Draw(t, "event")
		kinds[e.Kind] = true
		c := eventtest.Copies(e).Draw(t, "copy")
		if err := c.Seal(); err != nil || c.ID != e.ID || c.Kind != eventtest.KindOf(c.Body) {
			t.Errorf("a copy of %s has the id %s and a body of a %s: %v", e.ID, c.ID, eventtest.KindOf(c.Body), err)
		}
	})
	if len(kinds) != 9 {
		t.Errorf("%d kinds came up, not 9: %v", len(kinds), kinds)
	}
}
