package normalise

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// existing is the row of a message that is locked: what a fold needs so as not to read every version again.
type existing struct {
	thing       event.ThingID
	erased      bool
	versioned   bool // it has a version: no stub
	revision    event.Revision
	sent        event.Instant
	authorKey   *[16]byte
	author      string
	authorName  string
	deleted     bool
	deletedAt   *time.Time
	accounts    []string
	incarnation int32
	position    event.Position
}

func scanExisting(row pgx.CollectableRow) (*existing, error) {
	var (
		s          existing
		thing      [16]byte
		sentAt     *time.Time
		sent       event.Instant
		precision  int16
		position   int64
		isRevision string
	)
	err := row.Scan(&thing, &s.erased, &s.versioned, &isRevision, &sentAt, &precision, &sent.Zone, &sent.Assumed, &s.authorKey, &s.author,
		&s.authorName, &s.deleted, &s.deletedAt, &s.accounts, &s.incarnation, &position)
	s.thing, s.revision, s.position = thing, event.Revision(isRevision), event.Position(position)
	if sentAt != nil {
		sent.At, sent.Precision = sentAt.UTC(), event.Precision(precision)
		s.sent = sent
	}
	return &s, err
}

// carry puts into a new row what follows from the versions that are not read again.
func (s *existing) carry(r *messageRow) {
	if s == nil {
		return
	}
	r.sent, r.deleted, r.accounts, r.incarnation, r.position = s.sent, s.deleted, s.accounts, s.incarnation, s.position
	if s.deletedAt != nil {
		r.deletedAt.At = s.deletedAt.UTC()
	}
}

// rereads reports whether an event has another assumed time than the row: of that one the row does not say who named its zone.
func (s *existing) rereads(events []item) bool {
	return s.sent.Assumed && slices.ContainsFunc(events, func(it item) bool {
		return it.Kind == event.KindMessage && it.Sent.Assumed && !it.Sent.At.Equal(s.sent.At)
	})
}

// current is the id of the version that the row shows.
func (s *existing) current() event.ID { return event.StateID(s.thing, s.revision) }

func (w *work) foldMessages(ctx context.Context, moved []item) error {
	groups := map[event.ThingID]*about{}
	var stubs []event.ThingID // wanted by reactions and polls, if no row stands
	for i, it := range moved {
		t := it.message()
		if t == (event.ThingID{}) {
			continue
		}
		g := groups[t]
		if g == nil {
			g = &about{place: placeOf(&it), native: it.NativeID, whole: w.anew()}
			groups[t] = g
		}
		if it.target != (event.ThingID{}) {
			g.native = it.Target()
			stubs = append(stubs, t)
			if it.Kind == event.KindPoll {
				g.addPoll(it)
			}
			continue
		}
		g.add(it)
		g.whole = g.whole || i >= len(w.fresh)
	}
	for _, t := range stubs {
		s, g := w.standing[t], groups[t]
		if s != nil && g != nil && len(g.events) == 0 && (len(g.polls) == 0 || !s.versioned) {
			delete(groups, t) // nothing changes in a message that only gets a reaction
		}
	}
	if err := w.addCurrent(ctx, groups); err != nil {
		return err
	}
	if err := w.addStored(ctx, groups); err != nil {
		return err
	}
	if err := w.addPolls(ctx, groups); err != nil {
		return err
	}
	return w.foldGroups(groups)
}

// addCurrent adds the current version to every group for which the row and that version stand for all that is stored.
func (w *work) addCurrent(ctx context.Context, groups map[event.ThingID]*about) error {
	wanted := map[event.ThingID]event.ID{}
	for t, g := range groups {
		s := w.standing[t]
		if s == nil || g.whole {
			continue
		}
		// Of a second deletion the row does not say how well the first one's time is known.
		second := s.deleted && slices.ContainsFunc(g.events, func(it item) bool { return it.Kind == event.KindDeletion })
		if g.whole = !s.versioned || second || s.rereads(g.events); !g.whole {
			wanted[t] = s.current()
		}
	}
	keys := make([][16]byte, 0, len(wanted))
	for _, id := range wanted {
		keys = append(keys, id)
	}
	stored, err := w.events(ctx, "events_by_id", sortedKeys(keys))
	if err != nil {
		return err
	}
	found := make(map[event.ThingID]item, len(stored))
	for _, it := range stored {
		found[it.thing] = it
	}
	for t := range wanted {
		g := groups[t]
		current, ok := found[t]
		if g.whole = !ok || hidesAuthor(&current, g.events); !g.whole {
			g.base = w.standing[t]
			g.add(current)
		}
	}
	return nil
}

// hidesAuthor reports whether an event that is older than the current version may name the author: which older version named the
// one in the row is not known without reading all.
func hidesAuthor(current *item, fresh []item) bool {
	return current.Author.IsZero() && slices.ContainsFunc(fresh, func(it item) bool {
		return it.Kind == event.KindMessage && !it.Author.IsZero() && event.CompareVersions(it.Event, current.Event) < 0
	})
}

// addStored adds to every group whose message is folded as a whole, and stands or should, the events that are stored of it.
func (w *work) addStored(ctx context.Context, groups map[event.ThingID]*about) error {
	var keys [][16]byte
	for t, g := range groups {
		if g.whole {
			keys = append(keys, t)
		}
	}
	stored, err := w.events(ctx, "events_by_thing", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.thing].add(it)
	}
	return nil
}

// foldReactions folds the reactions to whole messages where a snapshot or an event that was stored already has changed, and else
// only those of the people and emoji that are touched.
func (w *work) foldReactions(ctx context.Context, moved []item) error {
	groups := map[event.ThingID]*about{}
	for i, it := range moved {
		if it.target == (event.ThingID{}) || it.Kind == event.KindPoll {
			continue
		}
		g := groups[it.target]
		if g == nil {
			g = &about{place: placeOf(&it), native: it.Target(), whole: w.anew()}
			groups[it.target] = g
		}
		g.add(it)
		g.whole = g.whole || i >= len(w.fresh) || it.Kind != event.KindReaction
	}
	if err := w.addUnreacted(ctx, groups, moved); err != nil {
		return err
	}
	whole, part := map[event.ThingID]*about{}, map[event.ThingID]*about{}
	for t, g := range groups {
		if g.whole {
			whole[t] = g
		} else {
			part[t] = g
		}
	}
	if err := w.foldWholeReactions(ctx, whole); err != nil {
		return err
	}
	if err := w.foldTouchedReactions(ctx, part); err != nil {
		return err
	}
	slices.SortFunc(w.written.reactions, compareThings)
	return nil
}

func (w *work) foldWholeReactions(ctx context.Context, groups map[event.ThingID]*about) error {
	if len(groups) == 0 {
		return nil
	}
	targets := sortedMapKeys(groups)
	stored, err := w.events(ctx, "events_by_target", targets)
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.target].add(it)
	}
	old, err := w.reactions(ctx, "reactions_of", targets)
	if err != nil {
		return err
	}
	for _, t := range targets {
		g := groups[t]
		stored := placed(g.place, old[t])
		w.compareReactions(foldReactions(g.place, g.native, t, g.events, w.everStood(g, t, stored)), stored)
	}
	return nil
}

func placed(p place, rows []reactionRow) []reactionRow {
	for i := range rows {
		rows[i].place = p
	}
	return rows
}

// compareReactions writes the rows that differ from those that are stored.
func (w *work) compareReactions(rows, stored []reactionRow) {
	old := byReaction(stored)
	for _, row := range rows {
		o := old[row.thing]
		if o != nil && o.same(&row) && !w.anew() {
			continue
		}
		if o != nil {
			w.written.gone.reactions = append(w.written.gone.reactions, row.thing)
		}
		w.written.reactions = append(w.written.reactions, row)
	}
}

// everStood adds to the rows that stand those that may have been lost.
func (w *work) everStood(g *about, message event.ThingID, stands []reactionRow) []reactionRow {
	if !w.anew() {
		return stands
	}
	all, found := slices.Clone(stands), byReaction(stands)
	for _, r := range everCounted(g.place, g.native, message, g.events) {
		if found[r.thing] == nil {
			all = append(all, r)
		}
	}
	return all
}

// reactions reads the rows that stand, by message. The message's row is locked, or is about to be inserted by whoever
// writes any of these, so they need no lock of their own.
func (w *work) reactions(ctx context.Context, query string, keys [][16]byte) (map[event.ThingID][]reactionRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
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
