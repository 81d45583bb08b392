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

// touched are the reactors of a message that new single reactions are of.
type touched struct {
	*about
	message  event.ThingID
	reactors map[reactor]event.AuthorID
	emoji    map[string]struct{}

	words  map[reactor]word
	shown  []*snapshot
	latest *snapshot
}

func newTouched(message event.ThingID, g *about) *touched {
	t := &touched{about: g, message: message, reactors: map[reactor]event.AuthorID{}, emoji: map[string]struct{}{}}
	for i := range g.events {
		it := &g.events[i]
		b, is := it.Body.(*event.Reaction)
		if !is || it.Author.ID == "" { // of nobody there is no state
			continue
		}
		t.reactors[reactor{it.Author.Key(g.source, g.namespace), b.Emoji}] = it.Author.ID
		t.emoji[b.Emoji] = struct{}{}
	}
	return t
}

// things returns the ids of the rows that may change.
func (t *touched) things() [][16]byte {
	out := make([][16]byte, 0, len(t.reactors)+len(t.emoji))
	for who := range t.reactors {
		out = append(out, personThing(t.place, t.native, who))
	}
	for emoji := range t.emoji {
		out = append(out, unnamedThing(t.place, t.native, emoji))
	}
	return out
}

// hear keeps the latest words on the touched reactors, and of the latest snapshot the counts of the touched emoji.
func (t *touched) hear() {
	t.words, t.shown, t.latest = hear(t.place, t.events)
	maps.DeleteFunc(t.words, func(who reactor, _ word) bool { _, is := t.reactors[who]; return !is })
	if t.latest == nil {
		return
	}
	part := *t.latest.Reactions
	part.Counts = slices.DeleteFunc(slices.Clone(part.Counts), func(c event.ReactionCount) bool { _, is := t.emoji[c.Emoji]; return !is })
	t.latest = &snapshot{item: t.latest.item, Reactions: &part}
}

// foldTouchedReactions gives the same rows as a fold of the whole would: the state of one person with one emoji follows from the
// events about both and from the snapshots, and the number of unnamed people from the latest snapshot and the rows of the named.
func (w *work) foldTouchedReactions(ctx context.Context, groups map[event.ThingID]*about) error {
	var list []*touched
	var things [][16]byte
	for _, m := range sortedMapKeys(groups) {
		if t := newTouched(m, groups[m]); len(t.reactors) > 0 {
			list = append(list, t)
			things = append(things, t.things()...)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := w.addTouched(ctx, groups, list); err != nil {
		return err
	}
	for _, t := range list {
		t.hear()
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
		rows, counts := namedRows(t.place, t.native, t.message, t.words, t.shown)
		for emoji, n := range named[t.message] {
			counts[emoji] += n
		}
		stored := placed(t.place, old[t.message])
		rows = append(rows, unnamedRows(t.place, t.native, t.message, t.latest, counts)...)
		w.compareReactions(append(rows, withdrawn(rows, stored)...), stored)
	}
	return nil
}

// addTouched adds the stored events that decide the state of the touched reactors.
func (w *work) addTouched(ctx context.Context, groups map[event.ThingID]*about, list []*touched) error {
	var targets, messages [][16]byte
	var people, emoji []string
	for _, t := range list {
		messages = append(messages, t.message)
		for who, id := range t.reactors {
			targets, people, emoji = append(targets, t.message), append(people, string(id)), append(emoji, who.emoji)
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
		groups[it.target].add(it)
	}
	return nil
}

// namedBeside counts the named people of the touched emoji that a snapshot counts, the touched ones left out.
func (w *work) namedBeside(ctx context.Context, list []*touched, without [][16]byte) (map[event.ThingID]map[string]int, error) {
	var messages [][16]byte
	var emoji []string
	for _, t := range list {
		if t.latest == nil {
			continue
		}
		counted := map[string]struct{}{}
		for _, c := range t.latest.Counts {
			counted[c.Emoji] = struct{}{}
		}
		for e := range counted {
			messages, emoji = append(messages, t.message), append(emoji, e)
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

func compareThings(a, b reactionRow) int { return bytes.Compare(a.thing[:], b.thing[:]) }
