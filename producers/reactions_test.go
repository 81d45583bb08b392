package producers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestNumberRepeats(t *testing.T) {
	counts := func(of ...string) (out []event.ReactionCount) {
		for i, emoji := range of {
			out = append(out, event.ReactionCount{Emoji: emoji, Count: i + 1})
		}
		return out
	}
	ann := []event.ReactionPerson{{Person: event.Person{ID: "ann"}, Emoji: "custom"}}
	for name, tt := range map[string]struct {
		counts, want []event.ReactionCount
		people       []event.ReactionPerson
	}{
		"nothing repeats":                   {counts("a", "b"), counts("a", "b"), nil},
		"three of one name":                 {counts("custom", "a", "custom", "custom"), counts("custom", "a", "custom#2", "custom#3"), nil},
		"two names":                         {counts("x", "y", "y", "x"), counts("x", "y", "y#2", "x#2"), nil},
		"somebody is named under it":        {counts("custom", "custom"), counts("custom", "custom"), ann},
		"somebody is named under another's": {counts("x", "x", "custom", "custom"), counts("x", "x#2", "custom", "custom"), ann},
	} {
		r := &event.Reactions{Counts: tt.counts, People: tt.people}
		producers.NumberRepeats(r)
		if diff := cmp.Diff(tt.want, r.Counts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
