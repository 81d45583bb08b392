package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/seqset"
)

// findUnstored reports the sequences that were removed from the stream before they were stored. They cannot be recovered, so
// they make the report unequal until they are accepted.
func findUnstored(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, _ *dayCounts) error {
	if c.sequence == 0 { // nothing was ever published
		return nil
	}
	rows, err := tx.Query(ctx, query("unstored"), c.incarnation, int64(c.sequence))
	if err != nil {
		return fmt.Errorf("listing unstored sequences: %w", err)
	}
	open := map[int32]*seqset.Set{}
	var order []int32
	var counter int64
	var incarnation int32
	var text string
	var accepted *time.Time
	_, err = pgx.ForEachRow(rows, []any{&counter, &incarnation, &text, &accepted}, func() error {
		set, err := seqset.Parse(text)
		if err != nil {
			return err
		}
		if accepted != nil {
			r.accept(set.Len(), *accepted)
			accepted = nil
			return nil
		}
		r.repair.unstored = append(r.repair.unstored, counter)
		if open[incarnation] == nil {
			open[incarnation] = new(seqset.Set)
			order = append(order, incarnation)
		}
		open[incarnation].Union(set)
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing unstored sequences: %w", err)
	}
	for _, incarnation := range order {
		for _, sp := range open[incarnation].Spans() {
			r.unstored(sp, incarnation, incarnation == c.incarnation)
		}
	}
	return nil
}

func (r *Report) accept(n uint64, at time.Time) {
	r.Accepted += n
	if r.AcceptedAt == nil || at.After(*r.AcceptedAt) {
		at = at.UTC()
		r.AcceptedAt = &at
	}
}

func (r *Report) unstored(sp seqset.Span, incarnation int32, current bool) {
	n := sp.Last - sp.First + 1
	r.Unstored += n
	detail := fmt.Sprintf("sequences %d to %d (%d)", sp.First, sp.Last, n)
	if !current {
		detail += fmt.Sprintf(" of the stream's earlier incarnation %d", incarnation)
	}
	r.problem(Problem{What: "removed from the stream before it was stored", Kind: "sequence", Sequence: sp.First, Detail: detail})
}

// Accepter records that a loss is accepted.
type Accepter interface {
	AcceptUnstored(ctx context.Context, counters []int64, by string) error
}

// Accept records who accepts the unstored sequences of a report. Those found later are reported again.
func (v *Verifier) Accept(ctx context.Context, r *Report, k Accepter, by string) error {
	if len(r.repair.unstored) == 0 {
		return nil
	}
	return k.AcceptUnstored(ctx, r.repair.unstored, by)
}
