package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/pg"
)

// step is a part of the comparison. It reads PostgreSQL as the transaction sees it, and adds to its lane's report.
type step func(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, days *dayCounts) error

// lanes are compared in parallel, each in a transaction of its own, for each waits for one store after the other. They
// share days only, which the first one writes.
func (v *Verifier) lanes() [][]step {
	var others []ch.Table
	for _, t := range ch.Tables() {
		if t != ch.Versions {
			others = append(others, t)
		}
	}
	return [][]step{
		{v.compareLedger, findUnstored, v.compareBus, v.findExtra, v.countDays},
		{findLost, v.compareThings(others...)}, // in this order: what is missing in Postgres is not extra in ClickHouse
		{findPlaceholders, v.compareThings(ch.Versions), countOutOfRange},
	}
}

// compare runs all lanes on one snapshot of PostgreSQL: in parallel, or one after the other in its transaction where the pool has
// too few connections.
func (v *Verifier) compare(ctx context.Context, c cutoff, r *Report) error {
	tx, err := v.Postgres.BeginTx(ctx, snapshotOptions())
	if err != nil {
		return fmt.Errorf("opening a snapshot of PostgreSQL: %w", err)
	}
	defer pg.Rollback(ctx, tx)
	days := newDayCounts()
	lanes := v.lanes()
	parts := make([]*Report, len(lanes))
	for i := range lanes {
		parts[i] = newReport(c.sequence)
	}
	if int(v.Postgres.Config().MaxConns) < len(lanes)+spareConnections {
		for i, steps := range lanes {
			if err := runSteps(ctx, tx, steps, c, parts[i], days); err != nil {
				return err
			}
		}
	} else if err := v.runLanes(ctx, tx, lanes, c, parts, days); err != nil {
		return err
	}
	for _, part := range parts {
		r.merge(part)
	}
	r.sortThings()
	r.Days = days.sorted()
	return nil
}

// spareConnections are those that the lanes do not use: one holds the snapshot, one reads the newest version.
const spareConnections = 2

// runLanes runs every lane in a transaction that sees what the given one sees.
func (v *Verifier) runLanes(ctx context.Context, of pgx.Tx, lanes [][]step, c cutoff, parts []*Report, days *dayCounts) error {
	var snapshot string
	if err := of.QueryRow(ctx, query("snapshot_export")).Scan(&snapshot); err != nil {
		return fmt.Errorf("exporting a snapshot of PostgreSQL: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, steps := range lanes {
		group.Go(func() error {
			tx, err := v.Postgres.BeginTx(ctx, snapshotOptions())
			if err != nil {
				return fmt.Errorf("opening a transaction on a snapshot of PostgreSQL: %w", err)
			}
			defer pg.Rollback(ctx, tx)
			if _, err := tx.Exec(ctx, fmt.Sprintf(query("snapshot_import"), snapshot)); err != nil {
				return fmt.Errorf("importing a snapshot of PostgreSQL: %w", err)
			}
			return runSteps(ctx, tx, steps, c, parts[i], days)
		})
	}
	return group.Wait()
}

func runSteps(ctx context.Context, tx pgx.Tx, steps []step, c cutoff, r *Report, days *dayCounts) error {
	for _, s := range steps {
		if err := s(ctx, tx, c, r, days); err != nil {
			return err
		}
	}
	return nil
}

func snapshotOptions() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
}

// merge adds what another lane found.
func (r *Report) merge(o *Report) {
	r.Bus += o.Bus
	r.Postgres += o.Postgres
	r.ClickHouse += o.ClickHouse
	r.Missing += o.Missing
	r.Extra += o.Extra
	r.Differing += o.Differing
	r.DeadLetters += o.DeadLetters
	r.Settled += o.Settled
	r.Gaps += o.Gaps
	r.Unstored += o.Unstored
	r.Accepted += o.Accepted
	if o.AcceptedAt != nil {
		r.AcceptedAt = o.AcceptedAt
	}
	r.OutOfRange += o.OutOfRange
	r.WithoutHash += o.WithoutHash
	r.Truncated += o.Truncated
	for _, t := range o.Things {
		r.things(t.Kind).add(t)
	}
	for _, p := range o.Problems {
		r.problem(p)
	}
	r.repair.merge(o.repair)
}

func (p *repairs) merge(o repairs) {
	for _, span := range o.sequences.Spans() {
		p.sequences.Add(span.First, span.Last)
	}
	maps.Copy(p.counters, o.counters)
	maps.Copy(p.messages, o.messages)
	maps.Copy(p.unexplained, o.unexplained)
	p.unstored = append(p.unstored, o.unstored...)
}

// things returns what the report says of a kind of thing.
func (r *Report) things(kind ch.Table) *Things {
	i := slices.IndexFunc(r.Things, func(t Things) bool { return t.Kind == kind })
	if i < 0 {
		i = len(r.Things)
		r.Things = append(r.Things, Things{Kind: kind})
	}
	return &r.Things[i]
}

func (t *Things) add(o Things) {
	t.Postgres += o.Postgres
	t.ClickHouse += o.ClickHouse
	t.Missing += o.Missing
	t.Extra += o.Extra
	t.Differing += o.Differing
	t.OutOfRange += o.OutOfRange
	t.WithoutHash += o.WithoutHash
	t.Truncated += o.Truncated
}

// sortThings puts the kinds into the order in which they are shown.
func (r *Report) sortThings() {
	order := ch.Tables()
	slices.SortFunc(r.Things, func(a, b Things) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
}
