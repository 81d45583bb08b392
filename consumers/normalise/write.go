package normalise

import (
	"context"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
)

// rowWriter writes the rows that have changed.
type rowWriter struct{ *batchTx }

// write puts every change into its table. Stored rows are deleted and inserted again in the same transaction: a COPY of
// whole rows is several times as fast as updates, and one way of writing has one set of mistakes.
func (w *rowWriter) write(ctx context.Context) error {
	if err := w.remove(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{w.writeEvents, w.writeMessages, w.writeReactions, w.writeMemberships, w.writeSightings,
		w.writeChannels, w.writeIdentities, (&namer{w.batchTx}).touch} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) remove(ctx context.Context) error {
	updated := ids(w.updated, func(it *projection.PendingEvent) [16]byte { return it.ID })
	for _, d := range []struct {
		query string
		keys  [][16]byte
	}{
		{"events_remove", updated},
		{"messages_remove", sortedKeys(w.written.replaced.messages)},
		{"reactions_remove", w.written.replaced.reactions},
		{"memberships_remove", w.written.replaced.memberships},
		{"sightings_remove", w.written.replaced.sightings},
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

// maxKept is how large a buffer may be to go back to the pool.
const maxKept = 16 << 20

// copy writes rows that put puts, one after the other, into a table of so many columns.
func (w *rowWriter) copy(ctx context.Context, table string, columns, n int, put func(c *pg.Copy, i int) error) error {
	if n == 0 {
		return nil
	}
	c := w.buffers.Get().(*pg.Copy) // the pool holds nothing else
	c.Reset(columns)
	defer func() {
		if c.Cap() <= maxKept {
			w.buffers.Put(c)
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

func (w *rowWriter) writeEvents(ctx context.Context) error {
	var content event.Content
	for _, list := range [][]projection.PendingEvent{w.inserted, w.updated} {
		err := w.copy(ctx, "events", eventColumns, len(list), func(c *pg.Copy, i int) error { return putEvent(c, &list[i], w.version, &content) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) writeMessages(ctx context.Context) error {
	list := w.written.messages
	return w.copy(ctx, "messages", messageColumns, len(list), func(c *pg.Copy, i int) error {
		putMessage(c, list[i], w.version)
		return nil
	})
}

func (w *rowWriter) writeReactions(ctx context.Context) error {
	list := w.written.reactions
	return w.copy(ctx, "reactions", reactionColumns, len(list), func(c *pg.Copy, i int) error {
		putReaction(c, &list[i], w.version)
		return nil
	})
}

func (w *rowWriter) writeMemberships(ctx context.Context) error {
	list := w.written.memberships
	return w.copy(ctx, "memberships", membershipColumns, len(list), func(c *pg.Copy, i int) error {
		putMembership(c, &list[i], w.version)
		return nil
	})
}

func (w *rowWriter) writeSightings(ctx context.Context) error {
	list := w.written.sightings
	return w.copy(ctx, "sightings", sightingColumns, len(list), func(c *pg.Copy, i int) error {
		putSighting(c, &list[i], w.version)
		return nil
	})
}

func (w *rowWriter) writeChannels(ctx context.Context) error {
	for _, c := range w.written.channels {
		_, err := w.tx.Exec(ctx, w.sql["channel_write"], [16]byte(c.Key), c.Name, c.Kind, c.Topic, c.AsOf, c.Event,
			w.version.counter, w.version.token)
		if err != nil {
			return fmt.Errorf("writing a channel: %w", err)
		}
	}
	return nil
}

func (w *rowWriter) writeIdentities(ctx context.Context) error {
	n := len(w.written.identities)
	if n == 0 {
		return nil
	}
	keys, names, usernames, bots := make([][16]byte, n), make([]string, n), make([]string, n), make([]bool, n)
	ats, usernameAts := make([]*time.Time, n), make([]*time.Time, n)
	for i, r := range w.written.identities {
		keys[i], names[i], ats[i], usernames[i], usernameAts[i], bots[i] = r.Key, r.Name, r.AsOf, r.Username, r.UsernameAt, r.Bot
	}
	_, err := w.tx.Exec(ctx, w.sql["identities_write"], keys, names, ats, usernames, usernameAts, bots, w.version.counter,
		w.version.token)
	if err != nil {
		return fmt.Errorf("writing identities: %w", err)
	}
	return nil
}

func (v rowVersion) put(c *pg.Copy) {
	c.Int64(v.counter)
	c.Int64(v.token)
}

// putInstant fills the columns sent_at, precision, zone and zone_assumed.
func putInstant(c *pg.Copy, i event.Instant) {
	c.TimeOrNull(projection.TimeOrNil(i))
	c.Int16(int16(i.Precision))
	c.Text(i.Zone)
	c.Bool(i.Assumed)
}

// eventColumns is how many columns putEvent fills, in the order of queries/events_copy.sql.
const eventColumns = 21

func putEvent(c *pg.Copy, it *projection.PendingEvent, v rowVersion, content *event.Content) error {
	if err := content.Read(it.Event); err != nil {
		return fmt.Errorf("encoding event %s: %w", it.ID, err)
	}
	c.Row()
	c.UUID(it.ID)
	c.UUID(it.ThingID)
	if it.TargetID == (event.ThingID{}) {
		c.Null()
	} else {
		c.UUID(it.TargetID)
	}
	c.UUID(it.ChannelID)
	c.Text(string(it.Kind))
	c.Text(string(it.Revision))
	c.JSON(content.Author)
	putInstant(c, it.Sent)
	c.JSON(event.AppendReading(nil, &it.Reading))
	if it.Seen.IsZero() {
		c.Null()
	} else {
		c.TimeOrNull(&it.Seen)
	}
	c.JSON(content.Body)
	c.UUID(content.Digest())
	if it.Kind == event.KindUnparsed {
		c.Bytes(it.Raw)
	} else {
		c.Null()
	}
	c.Texts(it.Accounts)
	c.Int32(it.Incarnation)
	c.Int64(int64(it.Position))
	v.put(c)
	return nil
}
