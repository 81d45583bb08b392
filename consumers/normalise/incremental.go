package normalise

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// StoredMessage is the row of a message that is locked: what a fold needs so as not to read every version again.
type StoredMessage struct {
	Thing       event.ThingID
	Erased      bool
	Versioned   bool // it has a version: no stub
	Revision    event.Revision
	Sent        event.Instant
	AuthorKey   *[16]byte
	Author      string
	AuthorName  string
	Deleted     bool
	DeletedAt   *time.Time
	Accounts    []string
	Incarnation int32
	Position    event.Position
}

func scanExisting(row pgx.CollectableRow) (*StoredMessage, error) {
	var (
		s          StoredMessage
		thing      [16]byte
		sentAt     *time.Time
		sent       event.Instant
		precision  int16
		position   int64
		isRevision string
	)
	err := row.Scan(&thing, &s.Erased, &s.Versioned, &isRevision, &sentAt, &precision, &sent.Zone, &sent.Assumed, &s.AuthorKey, &s.Author,
		&s.AuthorName, &s.Deleted, &s.DeletedAt, &s.Accounts, &s.Incarnation, &position)
	s.Thing, s.Revision, s.Position = thing, event.Revision(isRevision), event.Position(position)
	if sentAt != nil {
		sent.At, sent.Precision = sentAt.UTC(), event.Precision(precision)
		s.Sent = sent
	}
	return &s, err
}

// copyTo puts into a new row what follows from the versions that are not read again.
func (s *StoredMessage) copyTo(r *MessageRow) {
	if s == nil {
		return
	}
	r.Sent, r.Deleted, r.Accounts, r.Incarnation, r.Position = s.Sent, s.Deleted, s.Accounts, s.Incarnation, s.Position
	if s.DeletedAt != nil {
		r.DeletedAt.At = s.DeletedAt.UTC()
	}
}

// ChangesAssumedTime reports whether an event has another assumed time than the row: of that one the row does not say who named its zone.
func (s *StoredMessage) ChangesAssumedTime(events []PendingEvent) bool {
	return s.Sent.Assumed && slices.ContainsFunc(events, func(it PendingEvent) bool {
		return it.Kind == event.KindMessage && it.Sent.Assumed && !it.Sent.At.Equal(s.Sent.At)
	})
}

// CurrentVersion is the id of the version that the row shows.
func (s *StoredMessage) CurrentVersion() event.ID { return event.StateID(s.Thing, s.Revision) }

func (w *work) foldMessages(ctx context.Context, moved []PendingEvent) error {
	groups := map[event.ThingID]*Group{}
	var stubs []event.ThingID // wanted by reactions and polls, if no row stands
	for i, it := range moved {
		t := it.MessageID()
		if t == (event.ThingID{}) {
			continue
		}
		g := groups[t]
		if g == nil {
			g = &Group{ChannelRef: RefOf(&it), NativeID: it.NativeID, Whole: w.anew()}
			groups[t] = g
		}
		if it.TargetID != (event.ThingID{}) {
			g.NativeID = it.Target()
			stubs = append(stubs, t)
			if it.Kind == event.KindPoll {
				g.AddPoll(it)
			}
			continue
		}
		g.Add(it)
		g.Whole = g.Whole || i >= len(w.fresh)
	}
	for _, t := range stubs {
		s, g := w.standing[t], groups[t]
		if s != nil && g != nil && len(g.Events) == 0 && (len(g.Polls) == 0 || !s.Versioned) {
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
func (w *work) addCurrent(ctx context.Context, groups map[event.ThingID]*Group) error {
	wanted := map[event.ThingID]event.ID{}
	for t, g := range groups {
		s := w.standing[t]
		if s == nil || g.Whole {
			continue
		}
		// Of a second deletion the row does not say how well the first one's time is known.
		second := s.Deleted && slices.ContainsFunc(g.Events, func(it PendingEvent) bool { return it.Kind == event.KindDeletion })
		if g.Whole = !s.Versioned || second || s.ChangesAssumedTime(g.Events); !g.Whole {
			wanted[t] = s.CurrentVersion()
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
	found := make(map[event.ThingID]PendingEvent, len(stored))
	for _, it := range stored {
		found[it.ThingID] = it
	}
	for t := range wanted {
		g := groups[t]
		current, ok := found[t]
		if g.Whole = !ok || HidesAuthor(&current, g.Events); !g.Whole {
			g.Base = w.standing[t]
			g.Add(current)
		}
	}
	return nil
}

// HidesAuthor reports whether an event that is older than the current version may name the author: which older version named the
// one in the row is not known without reading all.
func HidesAuthor(current *PendingEvent, fresh []PendingEvent) bool {
	return current.Author.IsZero() && slices.ContainsFunc(fresh, func(it PendingEvent) bool {
		return it.Kind == event.KindMessage && !it.Author.IsZero() && event.CompareVersions(it.Event, current.Event) < 0
	})
}

// addStored adds to every group whose message is folded as a whole, and stands or should, the events that are stored of it.
func (w *work) addStored(ctx context.Context, groups map[event.ThingID]*Group) error {
	var keys [][16]byte
	for t, g := range groups {
		if g.Whole {
			keys = append(keys, t)
		}
	}
	stored, err := w.events(ctx, "events_by_thing", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.ThingID].Add(it)
	}
	return nil
}

// foldReactions folds the reactions to whole messages where a snapshot or an event that was stored already has changed, and else
// only those of the people and emoji that are touched.
func (w *work) foldReactions(ctx context.Context, moved []PendingEvent) error {
	groups := map[event.ThingID]*Group{}
	for i, it := range moved {
		if it.TargetID == (event.ThingID{}) || it.Kind == event.KindPoll {
			continue
		}
		g := groups[it.TargetID]
		if g == nil {
			g = &Group{ChannelRef: RefOf(&it), NativeID: it.Target(), Whole: w.anew()}
			groups[it.TargetID] = g
		}
		g.Add(it)
		g.Whole = g.Whole || i >= len(w.fresh) || it.Kind != event.KindReaction
	}
	if err := w.addUnreacted(ctx, groups, moved); err != nil {
		return err
	}
	whole, part := map[event.ThingID]*Group{}, map[event.ThingID]*Group{}
	for t, g := range groups {
		if g.Whole {
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
	slices.SortFunc(w.written.reactions, CompareReactions)
	return nil
}

func (w *work) foldWholeReactions(ctx context.Context, groups map[event.ThingID]*Group) error {
	if len(groups) == 0 {
		return nil
	}
	targets := sortedMapKeys(groups)
	stored, err := w.events(ctx, "events_by_target", targets)
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.TargetID].Add(it)
	}
	old, err := w.reactions(ctx, "reactions_of", targets)
	if err != nil {
		return err
	}
	for _, t := range targets {
		g := groups[t]
		stored := placed(g.ChannelRef, old[t])
		w.compareReactions(FoldReactions(g.ChannelRef, g.NativeID, t, g.Events, w.everStood(g, t, stored)), stored)
	}
	return nil
}

func placed(p ChannelRef, rows []ReactionRow) []ReactionRow {
	for i := range rows {
		rows[i].ChannelRef = p
	}
	return rows
}

// compareReactions writes the rows that differ from those that are stored.
func (w *work) compareReactions(rows, stored []ReactionRow) {
	old := ByReaction(stored)
	for _, row := range rows {
		o := old[row.Thing]
		if o != nil && o.Same(&row) && !w.anew() {
			continue
		}
		if o != nil {
			w.written.gone.reactions = append(w.written.gone.reactions, row.Thing)
		}
		w.written.reactions = append(w.written.reactions, row)
	}
}

// everStood adds to the rows that stand those that may have been lost.
func (w *work) everStood(g *Group, message event.ThingID, stands []ReactionRow) []ReactionRow {
	if !w.anew() {
		return stands
	}
	all, found := slices.Clone(stands), ByReaction(stands)
	for _, r := range EverCounted(g.ChannelRef, g.NativeID, message, g.Events) {
		if found[r.Thing] == nil {
			all = append(all, r)
		}
	}
	return all
}

// reactions reads the rows that stand, by message. The message's row is locked, or is about to be inserted by whoever
// writes any of these, so they need no lock of their own.
func (w *work) reactions(ctx context.Context, query string, keys [][16]byte) (map[event.ThingID][]ReactionRow, error) {
	rows, err := w.tx.Query(ctx, w.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ReactionRow, error) {
		var r ReactionRow
		var thing, message [16]byte
		var when *time.Time
		err := row.Scan(&thing, &message, &r.Target, &r.PersonKey, &r.Person, &r.PersonName, &r.Emoji, &r.Count, &when,
			&r.Removed)
		r.Thing, r.Message = thing, message
		if when != nil {
			r.At.At = when.UTC()
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	out := map[event.ThingID][]ReactionRow{}
	for _, r := range all {
		out[r.Message] = append(out[r.Message], r)
	}
	return out, nil
}
