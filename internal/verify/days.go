package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/ch"
)

// dayKey is a day of a channel.
type dayKey struct{ source, namespace, channel, day string }

// storeCounts are the events of a day in each store.
type storeCounts struct{ Bus, Postgres, ClickHouse uint64 }

// dayCounts are the events of all days.
type dayCounts struct{ counts map[dayKey]*storeCounts }

func newDayCounts() *dayCounts { return &dayCounts{counts: map[dayKey]*storeCounts{}} }

func (d *dayCounts) at(k dayKey) *storeCounts {
	c := d.counts[k]
	if c == nil {
		c = new(storeCounts)
		d.counts[k] = c
	}
	return c
}

func (d *dayCounts) sorted() []Day {
	out := make([]Day, 0, len(d.counts))
	for k, c := range d.counts {
		out = append(out, Day{Source: k.source, Namespace: k.namespace, Channel: k.channel, Day: k.day, Bus: c.Bus,
			Postgres: c.Postgres, ClickHouse: c.ClickHouse})
	}
	slices.SortFunc(out, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Day, b.Day))
	})
	return out
}

// countDays counts the events of every chat and day in both stores.
func (v *Verifier) countDays(ctx context.Context, tx pgx.Tx, c cutoff, _ *Report, days *dayCounts) error {
	rows, err := tx.Query(ctx, query("days"), c.incarnation, c.end())
	if err != nil {
		return fmt.Errorf("counting the days in PostgreSQL: %w", err)
	}
	var k dayKey
	var day *time.Time
	var n uint64
	_, err = pgx.ForEachRow(rows, []any{&k.source, &k.namespace, &k.channel, &day, &n}, func() error {
		k.day = dayOf(day)
		days.at(k).Postgres += n
		day = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("counting the days in PostgreSQL: %w", err)
	}
	err = v.ClickHouse.Counts(ctx, ch.Versions, func(n ch.Count) error {
		days.at(dayKey{n.Source, n.Namespace, n.Channel, dayOf(n.Day)}).ClickHouse += n.Things
		return nil
	})
	days.matchOutOfRange()
	return err
}
