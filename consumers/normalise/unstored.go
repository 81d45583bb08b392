package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// markUnstored enters sequences into the ledger that the stream does not hold. Those that the ledger did not hold either were
// removed before they were stored: they are recorded in the same transaction, as ranges.
func (k *Store) markUnstored(ctx context.Context, sequences seqset.Set) error {
	return k.store(ctx, nil, sequences, unstored)
}

// insertUnstored records what this transaction enters into the ledger without ever having had it.
func (w *work) insertUnstored(ctx context.Context) error {
	if w.how != unstored || w.took.Len() == 0 {
		return nil
	}
	_, err := w.tx.Exec(ctx, w.sql["unstored_insert"], w.stamp.counter, w.stamp.token, w.life.incarnation, w.took.String())
	if err != nil {
		return fmt.Errorf("recording sequences that were removed before they were stored: %w", err)
	}
	return nil
}

// reportUnstored logs what a committed transaction recorded.
func (k *Store) reportUnstored(done outcome) {
	n := done.unstored.Len()
	if n == 0 {
		return
	}
	first, last := done.unstored.Bounds()
	k.cfg.Log.Error("messages were removed from the stream before they were stored; see agrichat verify", "sequences", n,
		"first", first, "last", last)
}

// AcceptUnstored records that somebody accepts the loss of the unstored sequences that these transactions found.
func (k *Store) AcceptUnstored(ctx context.Context, counters []int64, by string) error {
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, _ life) error {
		_, err := tx.Exec(ctx, k.sql["unstored_accept"], counters, by)
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("accepting sequences that were removed before they were stored: %w", err))
	}
	return nil
}
