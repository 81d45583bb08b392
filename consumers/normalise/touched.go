package normalise

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// TouchedReactions are the reactors of a message that new single reactions are of.
type TouchedReactions struct {
	*Group
	Message  event.ThingID
	Reactors map[Reactor]event.AuthorID
	Emoji    map[string]struct{}

	observations map[Reactor]reactionObservation
	snapshots    []*Snapshot
	Latest       *Snapshot
}

func NewTouchedReactions(message event.ThingID, g *Group) *TouchedReactions {
	t := &TouchedReactions{Group: g, Message: message, Reactors: map[Reactor]event.AuthorID{}, Emoji: map[string]struct{}{}}
	for i := range g.Events {
		it := &g.Events[i]
		b, is := it.Body.(*event.Reaction)
		if !is || it.Author.ID == "" { // of nobody there is no state
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
	t.observations, t.snapshots, t.Latest = observeReactions(t.ChannelRef, t.Events)
	maps.DeleteFunc(t.observations, func(who Reactor, _ reactionObservation) bool { _, is := t.Reactors[who]; return !is })
	if t.Latest == nil {
		return
	}
	part := *t.Latest.Reactions
	part.Counts = slices.DeleteFunc(slices.Clone(part.Counts), func(c event.ReactionCount) bool { _, is := t.Emoji[c.Emoji]; return !is })
	t.Latest = &Snapshot{PendingEvent: t.Latest.PendingEvent, Reactions: &part}
}

// foldTouchedReactions gives the same rows as a fold of the whole would: the state of one person with one emoji follows from the
// events about both and from the snapshots, and the number of unnamed people from the latest snapshot and the rows of the named.
func (w *work) foldTouchedReactions(ctx context.Context, groups map[event.ThingID]*Group) error {
	var list []*TouchedReactions
	var things [][16]byte
	for _, m := range sortedMapKeys(groups) {
		if t := NewTouchedReactions(m, groups[m]); len(t.Reactors) > 0 {
			list = append(list, t)
			things = append(things, t.RowIDs()...)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := w.addTouched(ctx, groups, list); err != nil {
		return err
	}
	for _, t := range list {
		t.Observe()
	}
	things = sortedKeys(things)
	named, err := w.namedBeside(ctx, list, things)
	if err != nil {
		return err
	}
	old, err := w.reactions(ctx, "reactions_by_id", things)
	if err != nil {
		return err
	}
	for _, t := range list {
		rows, counts := NamedRows(t.ChannelRef, t.NativeID, t.Message, t.observations, t.snapshots)
		for emoji, n := range named[t.Message] {
			counts[emoji] += n
		}
		stored := placed(t.ChannelRef, old[t.Message])
		rows = append(rows, UnnamedRows(t.ChannelRef, t.NativeID, t.Message, t.Latest, counts)...)
		w.compareReactions(append(rows, Withdrawn(rows, stored)...), stored)
	}
	return nil
}

// addTouched adds the stored events that decide the state of the touched reactors.
func (w *work) addTouched(ctx context.Context, groups map[event.ThingID]*Group, list []*TouchedReactions) error {
	var targets, messages [][16]byte
	var people, emoji []string
	for _, t := range list {
		messages = append(messages, t.Message)
		for who, id := range t.Reactors {
			targets, people, emoji = append(targets, t.Message), append(people, string(id)), append(emoji, who.Emoji)
		}
	}
	stored, err := w.events(ctx, "events_by_reactor", targets, people, emoji)
	if err != nil {
		return err
	}
	snapshots, err := w.events(ctx, "events_snapshots", messages, people)
	if err != nil {
		return err
	}
	for _, it := range slices.Concat(stored, snapshots) {
		groups[it.TargetID].Add(it)
	}
	return nil
}

// namedBeside counts the named people of the touched emoji that a snapshot counts, the touched ones left out.
func (w *work) namedBeside(ctx context.Context, list []*TouchedReactions, without [][16]byte) (map[event.ThingID]map[string]int, error) {
	var messages [][16]byte
	var emoji []string
	for _, t := range list {
		if t.Latest == nil {
			continue
		}
		counted := map[string]struct{}{}
		for _, c := range t.Latest.Counts {
			counted[c.Emoji] = struct{}{}
		}
		for e := range counted {
			messages, emoji = append(messages, t.Message), append(emoji, e)
		}
	}
	out := map[event.ThingID]map[string]int{}
	if len(messages) == 0 {
		return out, nil
	}
	rows, err := w.tx.Query(ctx, w.sql["reactions_named"], messages, emoji, without)
	if err != nil {
		return nil, fmt.Errorf("counting reactions: %w", err)
	}
	var message [16]byte
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&message, &name, &n}, func() error {
		if out[message] == nil {
			out[message] = map[string]int{}
		}
		out[message][name] = int(n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting reactions: %w", err)
	}
	return out, nil
}

func CompareReactions(a, b ReactionRow) int { return bytes.Compare(a.Thing[:], b.Thing[:]) }
