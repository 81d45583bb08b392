package normalise

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// lockMessages locks, in order, every message row that stands and that the batch may change.
func (w *work) lockMessages(ctx context.Context) error {
	var keys [][16]byte
	for i := range w.items {
		if t := w.items[i].message(); t != (event.ThingID{}) {
			keys = append(keys, t)
		}
	}
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return nil
	}
	rows, err := w.tx.Query(ctx, w.sql["messages_lock"], keys)
	if err != nil {
		return fmt.Errorf("locking messages: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanStanding)
	if err != nil {
		return fmt.Errorf("locking messages: %w", err)
	}
	w.standing = make(map[event.ThingID]standing, len(found))
	for _, s := range found {
		w.standing[s.thing] = s
	}
	return nil
}

// standing is what a fold must keep of a message row that stands.
type standing struct {
	thing  event.ThingID
	erased bool
}

func scanStanding(row pgx.CollectableRow) (standing, error) {
	var s standing
	var thing [16]byte
	err := row.Scan(&thing, &s.erased)
	s.thing = thing
	return s, err
}

// message returns the message that the event is about or hangs on; zero if none.
func (it *item) message() event.ThingID {
	switch it.Kind {
	case event.KindMessage, event.KindDeletion, event.KindUnparsed:
		return it.thing
	case event.KindReaction, event.KindReactions:
		return it.target
	}
	return event.ThingID{}
}

// fold computes the new states of everything that the new and grown events are about.
func (w *work) fold(ctx context.Context) error {
	moved := slices.Concat(w.fresh, w.grown)
	if err := w.foldMessages(ctx, moved); err != nil {
		return err
	}
	if err := w.foldReactions(ctx, moved); err != nil {
		return err
	}
	if err := w.foldSightings(ctx); err != nil {
		return err
	}
	return w.foldMemberships(ctx)
}

// about is what a group of events is about: a message, with the names that its events carry.
type about struct {
	place
	native event.NativeID
	events []item
}

func (w *work) foldMessages(ctx context.Context, moved []item) error {
	groups := map[event.ThingID]*about{}
	var stubs []event.ThingID // wanted by reactions, if no row stands
	for _, it := range moved {
		t := it.message()
		if t == (event.ThingID{}) {
			continue
		}
		g := groups[t]
		if g == nil {
			g = &about{place: placeOf(&it), native: it.NativeID}
			groups[t] = g
		}
		if it.target != (event.ThingID{}) {
			g.native = targetOf(it.Event)
			stubs = append(stubs, t)
			continue
		}
		g.events = append(g.events, it)
	}
	for _, t := range stubs {
		if _, stands := w.standing[t]; stands && groups[t] != nil && len(groups[t].events) == 0 {
			delete(groups, t) // nothing changes in a message that only gets a reaction
		}
	}
	if err := w.addStored(ctx, groups); err != nil {
		return err
	}
	return w.foldGroups(groups)
}

// addStored adds to every group whose message stands, or should, the events that the record holds of it.
func (w *work) addStored(ctx context.Context, groups map[event.ThingID]*about) error {
	var keys [][16]byte
	for t := range groups {
		if _, stands := w.standing[t]; stands || w.anew() {
			keys = append(keys, t)
		}
	}
	stored, err := w.events(ctx, "events_by_thing", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		g := groups[it.thing]
		if !slices.ContainsFunc(g.events, func(e item) bool { return e.ID == it.ID }) {
			g.events = append(g.events, it)
		}
	}
	return nil
}

func (w *work) foldGroups(groups map[event.ThingID]*about) error {
	for t, g := range groups {
		row, err := foldMessage(g.place, g.native, t, g.events)
		if err != nil {
			return err
		}
		if s, stands := w.standing[t]; stands {
			row.erased = s.erased
			w.written.gone.messages = append(w.written.gone.messages, t)
		}
		if len(g.events) == 0 { // a stub made by a reaction: it stands where the reaction does
			row.incarnation = w.life.incarnation
		}
		w.written.messages = append(w.written.messages, row)
	}
	slices.SortFunc(w.written.messages, func(a, b *messageRow) int { return bytes.Compare(a.thing[:], b.thing[:]) })
	return nil
}

func (w *work) foldReactions(ctx context.Context, moved []item) error {
	groups := map[event.ThingID]*about{}
	for _, it := range moved {
		if it.target == (event.ThingID{}) {
			continue
		}
		g := groups[it.target]
		if g == nil {
			g = &about{place: placeOf(&it), native: targetOf(it.Event)}
			groups[it.target] = g
		}
		g.events = append(g.events, it)
	}
	if len(groups) == 0 {
		return nil
	}
	targets := sortedMapKeys(groups)
	stored, err := w.events(ctx, "events_by_target", targets)
	if err != nil {
		return err
	}
	for _, it := range stored {
		g := groups[it.target]
		if !slices.ContainsFunc(g.events, func(e item) bool { return e.ID == it.ID }) {
			g.events = append(g.events, it)
		}
	}
	old, err := w.reactions(ctx, targets)
	if err != nil {
		return err
	}
	w.compareReactions(groups, old)
	return nil
}

func (w *work) compareReactions(groups map[event.ThingID]*about, old map[event.ThingID][]reactionRow) {
	for _, t := range sortedMapKeys(groups) {
		g := groups[t]
		stands := old[t]
		for i := range stands {
			stands[i].place = g.place
		}
		for _, row := range foldReactions(g.place, g.native, t, g.events, w.everStood(g, t, stands)) {
			i := slices.IndexFunc(stands, func(o reactionRow) bool { return o.thing == row.thing })
			if i >= 0 && stands[i].same(&row) && !w.anew() {
				continue
			}
			if i >= 0 {
				w.written.gone.reactions = append(w.written.gone.reactions, row.thing)
			}
			w.written.reactions = append(w.written.reactions, row)
		}
	}
	slices.SortFunc(w.written.reactions, func(a, b reactionRow) int { return bytes.Compare(a.thing[:], b.thing[:]) })
}

// everStood adds to the rows that stand those that may have been lost.
func (w *work) everStood(g *about, message event.ThingID, stands []reactionRow) []reactionRow {
	if !w.anew() {
		return stands
	}
	all := slices.Clone(stands)
	for _, r := range everCounted(g.place, g.native, message, g.events) {
		if !slices.ContainsFunc(stands, r.about) {
			all = append(all, r)
		}
	}
	return all
}

// reactions reads the rows that stand, by message. The message's row is locked, or is about to be inserted by whoever
// writes any of these, so they need no lock of their own.
func (w *work) reactions(ctx context.Context, messages [][16]byte) (map[event.ThingID][]reactionRow, error) {
	rows, err := w.tx.Query(ctx, w.sql["reactions_of"], messages)
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (reactionRow, error) {
		var r reactionRow
		var thing, message [16]byte
		var when *time.Time
		err := row.Scan(&thing, &message, &r.target, &r.personKey, &r.person, &r.personName, &r.emoji, &r.count, &when,
			&r.removed)
		r.thing, r.message = thing, message
		if when != nil {
			r.at.At = when.UTC()
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	out := map[event.ThingID][]reactionRow{}
	for _, r := range all {
		out[r.message] = append(out[r.message], r)
	}
	return out, nil
}

// foldMemberships hears every copy of an event for itself, as names are learnt.
func (w *work) foldMemberships(ctx context.Context) error {
	var words []memberWord
	for i := range w.copies {
		words = append(words, memberWords(placeOf(&w.copies[i]), &w.copies[i])...)
	}
	if len(words) == 0 {
		return nil
	}
	words = distinctWords(words)
	byThing := map[event.ThingID]*memberWord{}
	for i := range words {
		byThing[words[i].thing] = &words[i]
	}
	keys := sortedMapKeys(byThing)
	old, err := w.memberships(ctx, "memberships_lock", keys, byThing)
	if err != nil {
		return err
	}
	if err := w.hearMembers(ctx, words); err != nil {
		return err
	}
	now, err := w.memberships(ctx, "membership_top", keys, byThing)
	if err != nil {
		return err
	}
	for _, t := range keys {
		o, n := old[t], now[t]
		if o != nil && n.same(o) && !w.anew() {
			continue
		}
		if o != nil {
			w.written.gone.memberships = append(w.written.gone.memberships, t)
		}
		w.written.memberships = append(w.written.memberships, *n)
	}
	return nil
}

// hearMembers keeps what was said, beside all that was said before.
func (w *work) hearMembers(ctx context.Context, words []memberWord) error {
	things, events := make([][16]byte, len(words)), make([][16]byte, len(words))
	states, names, ats := make([]string, len(words)), make([]string, len(words)), make([]*time.Time, len(words))
	positions := make([]int64, len(words))
	for i, m := range words {
		things[i], events[i], states[i], names[i], ats[i] = m.thing, m.event, m.state, m.name, m.at
		positions[i] = int64(m.position)
	}
	if _, err := w.tx.Exec(ctx, w.sql["membership_hear"], things, events, states, names, ats, positions); err != nil {
		return fmt.Errorf("keeping memberships: %w", err)
	}
	return nil
}

func (w *work) memberships(ctx context.Context, query string, keys [][16]byte, names map[event.ThingID]*memberWord) (map[event.ThingID]*membershipRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*membershipRow, error) {
		var r membershipRow
		var thing [16]byte
		err := row.Scan(&thing, &r.state, &r.name, &r.at)
		r.thing = thing
		return &r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	out := make(map[event.ThingID]*membershipRow, len(all))
	for _, r := range all {
		m := names[r.thing]
		r.place, r.identity, r.id = m.place, m.identity, m.id
		out[r.thing] = r
	}
	return out, nil
}

func sortedKeys(keys [][16]byte) [][16]byte {
	slices.SortFunc(keys, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}

func sortedMapKeys[V any](m map[event.ThingID]V) [][16]byte {
	keys := make([][16]byte, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return sortedKeys(keys)
}
