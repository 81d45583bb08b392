package projection

import (
	"bytes"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/internal/event"
)

// TouchedReactions are the reactors of a message that new single reactions are of.
type TouchedReactions struct {
	*Group
	Message  event.ThingID
	Reactors map[Reactor]event.AuthorID
	Emoji    map[string]struct{}

	observations map[Reactor]reactionObservation
	snapshots    []*snapshot
	latest       *snapshot
}

func NewTouchedReactions(message event.ThingID, g *Group) *TouchedReactions {
	t := &TouchedReactions{Group: g, Message: message, Reactors: map[Reactor]event.AuthorID{}, Emoji: map[string]struct{}{}}
	for i := range g.Events {
		it := &g.Events[i]
		b, is := it.Body.(*event.Reaction)
		if !is || it.Author.ID == "" { // without an id there is no state
			continue
		}
		t.Reactors[Reactor{it.Author.Key(g.Source, g.Namespace), b.Emoji}] = it.Author.ID
		t.Emoji[b.Emoji] = struct{}{}
	}
	return t
}

// RowIDs returns the ids of the rows that may change.
func (t *TouchedReactions) RowIDs() [][16]byte {
	out := make([][16]byte, 0, len(t.Reactors)+len(t.Emoji))
	for who := range t.Reactors {
		out = append(out, namedReactionID(t.ChannelRef, t.NativeID, who))
	}
	for emoji := range t.Emoji {
		out = append(out, unnamedReactionID(t.ChannelRef, t.NativeID, emoji))
	}
	return out
}

// Observe keeps the latest words on the touched reactors, and of the latest snapshot the counts of the touched emoji.
func (t *TouchedReactions) Observe() {
	t.observations, t.snapshots, t.latest = observeReactions(t.ChannelRef, t.Events)
	maps.DeleteFunc(t.observations, func(who Reactor, _ reactionObservation) bool { _, is := t.Reactors[who]; return !is })
	if t.latest == nil {
		return
	}
	part := *t.latest.Reactions
	part.Counts = slices.DeleteFunc(slices.Clone(part.Counts), func(c event.ReactionCount) bool { _, is := t.Emoji[c.Emoji]; return !is })
	t.latest = &snapshot{PendingEvent: t.latest.PendingEvent, Reactions: &part}
}

func CompareReactions(a, b ReactionRow) int { return bytes.Compare(a.Thing[:], b.Thing[:]) }

// CountedEmoji returns the emoji of which the latest snapshot counts reactions.
func (t *TouchedReactions) CountedEmoji() map[string]struct{} {
	if t.latest == nil {
		return nil
	}
	counted := map[string]struct{}{}
	for _, c := range t.latest.Counts {
		counted[c.Emoji] = struct{}{}
	}
	return counted
}

// Fold returns the rows of the touched reactions: others counts, by emoji, the named people who are not touched; stored are the rows
// of the touched ones, and get the names of their channel.
func (t *TouchedReactions) Fold(others map[string]int, stored []ReactionRow) []ReactionRow {
	rows, counts := namedRows(t.ChannelRef, t.NativeID, t.Message, t.observations, t.snapshots)
	for emoji, n := range others {
		counts[emoji] += n
	}
	rows = append(rows, unnamedRows(t.ChannelRef, t.NativeID, t.Message, t.latest, counts)...)
	return append(rows, withdrawn(rows, stored)...)
}
