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
		if t := w.items[i].MessageID(); t != (event.ThingID{}) {
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
	found, err := pgx.CollectRows(rows, scanExisting)
	if err != nil {
		return fmt.Errorf("locking messages: %w", err)
	}
	w.standing = make(map[event.ThingID]*StoredMessage, len(found))
	for _, s := range found {
		w.standing[s.Thing] = s
	}
	return nil
}

// MessageID returns the message that the event is about or hangs on; zero if none.
func (it *PendingEvent) MessageID() event.ThingID {
	switch it.Kind {
	case event.KindMessage, event.KindDeletion, event.KindUnparsed:
		return it.ThingID
	case event.KindReaction, event.KindReactions, event.KindPoll:
		return it.TargetID
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

// Group is what a group of events is about: a message, with the names that its events carry.
type Group struct {
	ChannelRef
	NativeID event.NativeID
	Events   []PendingEvent
	seen     map[event.ID]struct{} // ids of events
	Whole    bool                  // everything that is stored is folded again
	Polls    []PendingEvent        // results of its poll
	Base     *StoredMessage        // the row of a message that is not whole
}

// Add adds an event, unless it is there.
func (g *Group) Add(it PendingEvent) {
	if g.seen == nil {
		g.seen = map[event.ID]struct{}{}
	}
	if _, found := g.seen[it.ID]; !found {
		g.seen[it.ID] = struct{}{}
		g.Events = append(g.Events, it)
	}
}

func (w *work) foldGroups(groups map[event.ThingID]*Group) error {
	for t, g := range groups {
		row, err := FoldMessage(g, t)
		if err != nil {
			return err
		}
		if s, stands := w.standing[t]; stands {
			row.Erased = s.Erased
			w.written.gone.messages = append(w.written.gone.messages, t)
		}
		if len(g.Events) == 0 { // a stub made by a reaction: it stands where the reaction does
			row.Incarnation = w.life.incarnation
		}
		w.written.messages = append(w.written.messages, row)
	}
	slices.SortFunc(w.written.messages, func(a, b *MessageRow) int { return bytes.Compare(a.Thing[:], b.Thing[:]) })
	return nil
}

// foldMemberships hears every copy of an event for itself, as names are learnt.
func (w *work) foldMemberships(ctx context.Context) error {
	var words []MembershipObservation
	for i := range w.copies {
		words = append(words, ObserveMemberships(RefOf(&w.copies[i]), &w.copies[i])...)
	}
	if len(words) == 0 {
		return nil
	}
	words = DistinctObservations(words)
	byThing := map[event.ThingID]*MembershipObservation{}
	for i := range words {
		byThing[words[i].Thing] = &words[i]
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
		if o != nil && n.Same(o) && !w.anew() {
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
func (w *work) hearMembers(ctx context.Context, words []MembershipObservation) error {
	things, events := make([][16]byte, len(words)), make([][16]byte, len(words))
	states, names, ats := make([]string, len(words)), make([]string, len(words)), make([]*time.Time, len(words))
	positions := make([]int64, len(words))
	for i, m := range words {
		things[i], events[i], states[i], names[i], ats[i] = m.Thing, m.Event, m.State, m.Name, m.At
		positions[i] = int64(m.Position)
	}
	if _, err := w.tx.Exec(ctx, w.sql["membership_hear"], things, events, states, names, ats, positions); err != nil {
		return fmt.Errorf("keeping memberships: %w", err)
	}
	return nil
}

func (w *work) memberships(ctx context.Context, query string, keys [][16]byte, names map[event.ThingID]*MembershipObservation) (map[event.ThingID]*MembershipRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*MembershipRow, error) {
		var r MembershipRow
		var thing [16]byte
		err := row.Scan(&thing, &r.State, &r.Name, &r.At)
		r.Thing = thing
		return &r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	out := make(map[event.ThingID]*MembershipRow, len(all))
	for _, r := range all {
		m := names[r.Thing]
		r.ChannelRef, r.Identity, r.ID = m.ChannelRef, m.Identity, m.ID
		out[r.Thing] = r
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
