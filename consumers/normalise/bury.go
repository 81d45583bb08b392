package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Bury implements consumers.Burier: it enters a delivery that will never be stored into the ledger, with its cause.
func (k *Keeper) Bury(ctx context.Context, d consumers.Delivery, cause error) error {
	_, err := k.cfg.Pool.Exec(ctx, k.sql["dead_letter"], k.currentIncarnation(), int64(d.Sequence), clean(d.EventID),
		clean(d.Subject), clean(cause.Error()), "dead")
	if err != nil {
		return pg.Classify(fmt.Errorf("noting a dead letter: %w", err))
	}
	return k.Gone(ctx, seqset.Of(d.Sequence))
}

// Settle notes what became of a dead letter: "requeued" or "dropped".
func (k *Keeper) Settle(ctx context.Context, d consumers.Delivery, state string) error {
	_, err := k.cfg.Pool.Exec(ctx, k.sql["dead_letter"], k.currentIncarnation(), int64(d.Sequence), clean(d.EventID),
		clean(d.Subject), "", state)
	if err != nil {
		return pg.Classify(fmt.Errorf("noting that a dead letter was %s: %w", state, err))
	}
	return k.Gone(ctx, seqset.Of(d.Sequence))
}

func collectInts(rows pgx.Rows) ([]int64, error) { return pgx.CollectRows(rows, pgx.RowTo[int64]) }
