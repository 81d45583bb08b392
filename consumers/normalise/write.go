package normalise

import (
	"context"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
)

// write puts every change into its table. Rows that stand are deleted and written anew in the same transaction: a COPY of
// whole rows is several times as fast as updates, and one way of writing has one set of mistakes.
func (w *work) write(ctx context.Context) error {
	if err := w.remove(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{w.writeEvents, w.writeMessages, w.writeReactions, w.writeMemberships, w.writeSightings,
		w.writeChannels, w.writeIdentities, w.age} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) remove(ctx context.Context) error {
	grown := ids(w.grown, func(it *PendingEvent) [16]byte { return it.ID })
	for _, d := range []struct {
		query string
		keys  [][16]byte
	}{
		{"events_remove", grown},
		{"messages_remove", sortedKeys(w.written.gone.messages)},
		{"reactions_remove", w.written.gone.reactions},
		{"memberships_remove", w.written.gone.memberships},
		{"sightings_remove", w.written.gone.sightings},
	} {
		if len(d.keys) == 0 {
			continue
		}
		if _, err := w.tx.Exec(ctx, w.sql[d.query], d.keys); err != nil {
			return fmt.Errorf("replacing rows (%s): %w", d.query, err)
		}
	}
	return nil
}

// roomKept is how many bytes of room for rows are kept for the next transaction.
const roomKept = 16 << 20

// copy writes rows that put puts, one after the other, into a table of so many columns.
func (w *work) copy(ctx context.Context, table string, columns, n int, put func(c *pg.Copy, i int) error) error {
	if n == 0 {
		return nil
	}
	c := w.room.Get().(*pg.Copy) // nothing else is put into it
	c.Reset(columns)
	defer func() {
		if c.Cap() <= roomKept {
			w.room.Put(c)
		}
	}()
	for i := range n {
		if err := put(c, i); err != nil {
			return err
		}
	}
	if err := c.Into(ctx, w.tx, w.sql[table+"_copy"]); err != nil {
		return fmt.Errorf("writing %s: %w", table, err)
	}
	return nil
}

func (w *work) writeEvents(ctx context.Context) error {
	var said event.Content
	for _, list := range [][]PendingEvent{w.fresh, w.grown} {
		err := w.copy(ctx, "events", eventColumns, len(list), func(c *pg.Copy, i int) error { return list[i].put(c, w.stamp, &said) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *work) writeMessages(ctx context.Context) error {
	list := w.written.messages
	return w.copy(ctx, "messages", messageColumns, len(list), func(c *pg.Copy, i int) error {
		list[i].put(c, w.stamp)
		return nil
	})
}

func (w *work) writeReactions(ctx context.Context) error {
	list := w.written.reactions
	return w.copy(ctx, "reactions", reactionColumns, len(list), func(c *pg.Copy, i int) error {
		list[i].put(c, w.stamp)
		return nil
	})
}

func (w *work) writeMemberships(ctx context.Context) error {
	list := w.written.memberships
	return w.copy(ctx, "memberships", membershipColumns, len(list), func(c *pg.Copy, i int) error {
		list[i].put(c, w.stamp)
		return nil
	})
}

func (w *work) writeSightings(ctx context.Context) error {
	list := w.written.sightings
	return w.copy(ctx, "sightings", sightingColumns, len(list), func(c *pg.Copy, i int) error {
		list[i].put(c, w.stamp)
		return nil
	})
}

func (w *work) writeChannels(ctx context.Context) error {
	for _, c := range w.written.channels {
		_, err := w.tx.Exec(ctx, w.sql["channel_write"], [16]byte(c.Key), c.Name, c.Kind, c.Topic, c.AsOf, c.Event,
			w.stamp.counter, w.stamp.token)
		if err != nil {
			return fmt.Errorf("writing a channel: %w", err)
		}
	}
	return nil
}

func (w *work) writeIdentities(ctx context.Context) error {
	n := len(w.written.identities)
	if n == 0 {
		return nil
	}
	keys, names, usernames, bots := make([][16]byte, n), make([]string, n), make([]string, n), make([]bool, n)
	ats, usernameAts := make([]*time.Time, n), make([]*time.Time, n)
	for i, r := range w.written.identities {
		keys[i], names[i], ats[i], usernames[i], usernameAts[i], bots[i] = r.Key, r.Name, r.AsOf, r.Username, r.UsernameAt, r.Bot
	}
	_, err := w.tx.Exec(ctx, w.sql["identities_write"], keys, names, ats, usernames, usernameAts, bots, w.stamp.counter,
		w.stamp.token)
	if err != nil {
		return fmt.Errorf("writing identities: %w", err)
	}
	return nil
}
