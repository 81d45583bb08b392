package projection

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
				var events []PendingEvent
				for i := range c.lists {
					at := event.NewInstant(time.Unix(int64(1000+i), 0), event.PrecisionSecond)
					events = append(events, PendingEvent{Event: &event.Event{ID: event.ID{byte(i)}, Sent: at, Body: &c.lists[i]}})
				}
				if turned {
					slices.Reverse(events)
				}
				var got []string
				for _, r := range FoldReactions(ChannelRef{}, "m", event.ThingID{}, events, nil) {
					if !r.Removed {
						got = append(got, r.Emoji+" by "+orNobody(r.Person)+": "+string('0'+rune(r.Count)))
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

// TestFoldReactions_Unreacted: a message that had no reactions as of an instant has none of those that were seen before, but for counts of which
// it is not known as of when they were true.
func TestFoldReactions_Unreacted(t *testing.T) {
	list := func(asOf int64, people ...event.AuthorID) PendingEvent {
		r := &event.Reactions{Counts: []event.ReactionCount{{Emoji: "a", Count: 3}}}
		for _, id := range people {
			r.People = append(r.People, event.ReactionPerson{Person: event.Person{ID: id}, Emoji: "a"})
		}
		return PendingEvent{Event: &event.Event{ID: event.ID{byte(asOf), byte(len(people))}, Kind: event.KindReactions, Body: r, Reading: event.Reading{AsOf: asOf * 1000},
			Sent: event.NewInstant(time.Unix(10, 0), event.PrecisionSecond)}}
	}
	none := func(at int64) PendingEvent { return NoReactions(event.ThingID{1}, at*1000) }
	single := PendingEvent{Event: &event.Event{ID: event.ID{9}, Kind: event.KindReaction, Author: event.Person{ID: "2"}, Sent: event.NewInstant(time.Unix(40, 0), event.PrecisionSecond),
		Body: &event.Reaction{Target: "m", Emoji: "b"}}}
	for name, c := range map[string]struct {
		events []PendingEvent
		want   []string
	}{
		"a younger message":                  {[]PendingEvent{list(20, "1"), none(30)}, nil},
		"an older message":                   {[]PendingEvent{list(20, "1"), none(15)}, []string{"a by 1: 1", "a by nobody: 2"}},
		"as old":                             {[]PendingEvent{list(20, "1"), none(20)}, []string{"a by 1: 1", "a by nobody: 2"}},
		"counts of which the age is open":    {[]PendingEvent{list(0, "1"), none(30)}, []string{"a by 1: 1", "a by nobody: 2"}},
		"between two lists":                  {[]PendingEvent{list(20, "1"), none(30), list(50, "1")}, []string{"a by 1: 1", "a by nobody: 2"}},
		"a reaction that was seen later":     {[]PendingEvent{list(20, "1"), none(30), single}, []string{"b by 2: 1"}},
		"one that was seen before":           {[]PendingEvent{single, none(50)}, nil},
		"of two messages the younger":        {[]PendingEvent{list(20, "1"), none(30), list(25)}, nil},
		"a message that never had reactions": {[]PendingEvent{none(30)}, nil},
	} {
		for turned := range 2 {
			events := slices.Clone(c.events)
			if turned == 1 {
				slices.Reverse(events)
			}
			var got []string
			for _, r := range FoldReactions(ChannelRef{}, "m", event.ThingID{}, events, nil) {
				if !r.Removed {
					got = append(got, r.Emoji+" by "+orNobody(r.Person)+": "+string('0'+rune(r.Count)))
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, turned round %d: %q, want %q", name, turned, got, c.want)
			}
		}
	}
}
