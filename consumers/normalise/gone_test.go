package normalise

import (
	"slices"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// TestFoldReactions_Gone: what a younger list does not show is gone, of each emoji of which it names all, in whichever order lists come.
func TestFoldReactions_Gone(t *testing.T) {
	people := func(emoji string, of ...event.AuthorID) (out []event.ReactionPerson) {
		for _, id := range of {
			out = append(out, event.ReactionPerson{Person: event.Person{ID: id}, Emoji: emoji})
		}
		return out
	}
	counts := func(emoji string, n int, more ...event.ReactionCount) []event.ReactionCount {
		return append([]event.ReactionCount{{Emoji: emoji, Count: n}}, more...)
	}
	for name, c := range map[string]struct {
		lists []event.Reactions
		want  []string
	}{
		"a complete list": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 2), People: people("a", "1", "2")},
			{Complete: true, Counts: counts("a", 1), People: people("a", "2")},
		}, []string{"a by 2: 1"}},
		"an emoji of which all are named, beside one of which not": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 2), People: people("a", "1", "2")},
			{Counts: counts("a", 1, event.ReactionCount{Emoji: "b", Count: 9}), People: append(people("a", "2"), people("b", "3")...)},
		}, []string{"a by 2: 1", "b by 3: 1", "b by nobody: 8"}},
		"an emoji that nobody shows any more": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 1), People: people("a", "1")},
			{Counts: counts("b", 9), People: people("b", "3")},
		}, []string{"b by 3: 1", "b by nobody: 8"}},
		"a partial list removes nobody": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 2), People: people("a", "1", "2")},
			{Counts: counts("a", 2), People: people("a", "2")},
		}, []string{"a by 1: 1", "a by 2: 1"}},
		"nor does one that counts nothing": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 2), People: people("a", "1", "2")},
			{People: people("a", "2")},
		}, []string{"a by 1: 1", "a by 2: 1"}},
		"back again": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 1), People: people("a", "1")},
			{Complete: true, Counts: counts("b", 1), People: people("b", "2")},
			{Complete: true, Counts: counts("a", 1), People: people("a", "1")},
		}, []string{"a by 1: 1"}},
		"an empty list": {[]event.Reactions{
			{Complete: true, Counts: counts("a", 1), People: people("a", "1")}, {Complete: true},
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, turned := range []bool{false, true} {
				var events []item
				for i := range c.lists {
					at := event.Known(time.Unix(int64(1000+i), 0), event.PrecisionSecond)
					events = append(events, item{Event: &event.Event{ID: event.ID{byte(i)}, Sent: at, Body: &c.lists[i]}})
				}
				if turned {
					slices.Reverse(events)
				}
				var got []string
				for _, r := range foldReactions(place{}, "m", event.ThingID{}, events, nil) {
					if !r.removed {
						got = append(got, r.emoji+" by "+orNobody(r.person)+": "+string('0'+rune(r.count)))
					}
				}
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("turned round: %v: %q, want %q", turned, got, c.want)
				}
			}
		})
	}
}

func orNobody(person string) string {
	if person == "" {
		return "nobody"
	}
	return person
}
