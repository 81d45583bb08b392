package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// DeadLetter implements consumers.Burier: it enters a delivery that will never be stored into the ledger, with its cause. A bundle is
// taken apart: what of it can be stored is, and each of the others becomes a dead letter of its own. Where the record refuses every
// one of them none is the guilty one, and the bundle is one letter.
func (k *Store) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	if !d.IsBundle() {
		return k.recordDeadLetter(ctx, d, cause)
	}
	p, err := k.part(ctx, d)
	if err != nil {
		return err
	}
	if !p.refusedAll() {
		return p.settle(ctx)
	}
	if err := k.cfg.Stream.DeadLetter(ctx, d, cause); err != nil {
		return fmt.Errorf("setting aside message %d: %w", d.Sequence, err)
	}
	return k.recordDeadLetter(ctx, d, cause)
}

func (k *Store) recordDeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	if err := k.noteDead(ctx, d, cause.Error(), "dead"); err != nil {
		return pg.Classify(fmt.Errorf("noting a dead letter: %w", err))
	}
	k.cfg.Failpoint("dead.noted")
	return k.MarkDeleted(ctx, seqset.Of(d.Sequence))
}

// ResolveDeadLetter notes what became of a dead letter: "requeued" or "dropped".
func (k *Store) ResolveDeadLetter(ctx context.Context, d consumers.Delivery, state string) error {
	if err := k.noteDead(ctx, d, "", state); err != nil {
		return pg.Classify(fmt.Errorf("noting that a dead letter was %s: %w", state, err))
	}
	return k.MarkDeleted(ctx, seqset.Of(d.Sequence))
}

// noteDead notes each event that the message carries.
func (k *Store) noteDead(ctx context.Context, d consumers.Delivery, cause, state string) error {
	return k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) error {
		var notes pgx.Batch
		for _, one := range d.Split() {
			notes.Queue(k.sql["dead_letter"], l.incarnation, int64(one.Position()), Clean(one.EventIDs), Clean(d.Subject), Clean(cause), state)
		}
		return tx.SendBatch(ctx, &notes).Close()
	})
}
