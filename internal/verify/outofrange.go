package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/ch"
)

// OutOfRangeDay is Day.Day of all days that ClickHouse cannot hold. Such times are empty there.
const OutOfRangeDay = "outside 1900-2261"

// countOutOfRange counts, for each kind, the times that Postgres has and ClickHouse cannot hold.
func countOutOfRange(ctx context.Context, tx pgx.Tx, _ cutoff, r *Report, _ *dayCounts) error {
	rows, err := tx.Query(ctx, query("out_of_range"), int64(ch.FirstSecond), int64(ch.EndSecond))
	if err != nil {
		return fmt.Errorf("counting times that ClickHouse cannot hold: %w", err)
	}
	var kind string
	var n uint64
	_, err = pgx.ForEachRow(rows, []any{&kind, &n}, func() error {
		r.things(ch.Table(kind)).OutOfRange = n
		r.OutOfRange += n
		return nil
	})
	if err != nil {
		return fmt.Errorf("counting times that ClickHouse cannot hold: %w", err)
	}
	return nil
}

// dayOf is the day of a time as the three stores can be compared by it.
func dayOf(t *time.Time) string {
	switch {
	case t == nil:
		return ""
	case !ch.InRange(*t):
		return OutOfRangeDay
	}
	return t.UTC().Format(time.DateOnly)
}

// matchOutOfRange counts what ClickHouse has without a time, beyond what Postgres has without one, with the times out of range: in
// ClickHouse both are empty.
func (d *dayCounts) matchOutOfRange() {
	for k, beyond := range d.counts {
		if k.day != OutOfRangeDay {
			continue
		}
		k.day = ""
		empty := d.counts[k]
		if empty == nil || empty.ClickHouse <= empty.Postgres {
			continue
		}
		n := min(empty.ClickHouse-empty.Postgres, beyond.Postgres)
		beyond.ClickHouse += n
		empty.ClickHouse -= n
		if *empty == (storeCounts{}) {
			delete(d.counts, k)
		}
	}
}
