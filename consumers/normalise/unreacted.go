package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// addUnreacted adds to every group as of when its message had no reactions, and a group for every message that says so anew and may have
// some: one that stood before.
func (w *work) addUnreacted(ctx context.Context, groups map[event.ThingID]*Group, moved []PendingEvent) error {
	latest := map[event.ThingID]int64{}
	for i := range moved {
		it := &moved[i]
		if it.Kind != event.KindMessage || it.Reading.AsOf == 0 {
			continue
		}
		if g := groups[it.ThingID]; g == nil && (w.standing[it.ThingID] != nil || w.anew()) {
			groups[it.ThingID] = &Group{ChannelRef: RefOf(it), NativeID: it.NativeID, Whole: true}
		} else if g != nil {
			g.Whole = true
		}
		latest[it.ThingID] = max(latest[it.ThingID], it.Reading.AsOf)
	}
	var stored [][16]byte // of a message that does not stand the record knows nothing
	for t := range groups {
		if w.standing[t] != nil || w.anew() {
			stored = append(stored, t)
		}
	}
	if err := w.readUnreacted(ctx, sortedKeys(stored), latest); err != nil {
		return err
	}
	for t, g := range groups {
		if latest[t] != 0 {
			g.Add(NoReactions(t, latest[t]))
		}
	}
	return nil
}

// readUnreacted raises latest to what the record knows of these messages.
func (w *work) readUnreacted(ctx context.Context, messages [][16]byte, latest map[event.ThingID]int64) error {
	if len(messages) == 0 {
		return nil
	}
	rows, err := w.tx.Query(ctx, w.sql["events_unreacted"], messages)
	if err != nil {
		return fmt.Errorf("reading when messages had no reactions: %w", err)
	}
	var thing [16]byte
	var asOf int64
	_, err = pgx.ForEachRow(rows, []any{&thing, &asOf}, func() error {
		latest[thing] = max(latest[thing], asOf)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading when messages had no reactions: %w", err)
	}
	return nil
}

// reacted returns which of the messages have reactions in the record, or had.
func (k *Store) reacted(ctx context.Context, messages [][16]byte) (map[event.ThingID]bool, error) {
	rows, err := k.cfg.Pool.Query(ctx, k.sql["reactions_any"], sortedKeys(messages))
	if err != nil {
		return nil, asking(err)
	}
	out := map[event.ThingID]bool{}
	var thing [16]byte
	_, err = pgx.ForEachRow(rows, []any{&thing}, func() error {
		out[thing] = true
		return nil
	})
	return out, asking(err)
}

// saysUnreacted finds out which of the known events say of a message with reactions, anew, that it has none: those are not known.
func (k *Store) saysUnreacted(ctx context.Context, events []event.Event, stand map[event.ID]content, known []bool) error {
	var asked [][16]byte
	for i := range events {
		e := &events[i]
		if !known[i] || e.Reading.AsOf <= stand[e.ID].asOf {
			continue
		}
		if e.Kind == event.KindMessage {
			asked = append(asked, e.Thing())
		} else {
			known[i] = false
		}
	}
	if len(asked) == 0 {
		return nil
	}
	reacted, err := k.reacted(ctx, asked)
	if err != nil || len(reacted) == 0 {
		return err
	}
	for i := range events {
		e := &events[i]
		known[i] = known[i] && (e.Reading.AsOf <= stand[e.ID].asOf || e.Kind != event.KindMessage || !reacted[e.Thing()])
	}
	return nil
}
