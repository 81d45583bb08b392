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
	if err := k.noteDead(ctx, d, cause.Error(), "dead"); err != nil {
		return pg.Classify(fmt.Errorf("noting a dead letter: %w", err))
	}
	return k.Gone(ctx, seqset.Of(d.Sequence))
}

// Settle notes what became of a dead letter: "requeued" or "dropped".
func (k *Keeper) Settle(ctx context.Context, d consumers.Delivery, state string) error {
	if err := k.noteDead(ctx, d, "", state); err != nil {
		return pg.Classify(fmt.Errorf("noting that a dead letter was %s: %w", state, err))
	}
	return k.Gone(ctx, seqset.Of(d.Sequence))
}

func (k *Keeper) noteDead(ctx context.Context, d consumers.Delivery, cause, state string) error {
	return k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) error {
		_, err := tx.Exec(ctx, k.sql["dead_letter"], l.incarnation, int64(d.Sequence), clean(d.EventID), clean(d.Subject),
			clean(cause), state)
		return err
	})
}
