package normalise

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// deadLetters records deliveries that will never be stored, and finds which events of a batch or a bundle they are.
type deadLetters struct {
	*core
	db    *writer
	apply *applier
}

// deadLetter is Store.DeadLetter.
func (x *deadLetters) deadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	if !d.IsBundle() {
		return x.settle(ctx, d, cause)
	}
	b, err := x.split(ctx, d)
	if err != nil {
		return err
	}
	if !b.allRejected() {
		return x.settleBundle(ctx, b)
	}
	if err := x.cfg.Stream.DeadLetter(ctx, d, cause); err != nil {
		return fmt.Errorf("copying message %d to the dead letters: %w", d.Sequence, err)
	}
	return x.settle(ctx, d, cause)
}

// settle records a dead letter whose copy is acknowledged, and inserts its sequence into the ledger.
func (x *deadLetters) settle(ctx context.Context, d consumers.Delivery, cause error) error {
	if err := x.record(ctx, d, cause.Error(), "dead"); err != nil {
		return pg.Classify(fmt.Errorf("recording a dead letter: %w", err))
	}
	x.cfg.Failpoint("dead.noted")
	return x.apply.markDeleted(ctx, seqset.Of(d.Sequence))
}

// resolve is Store.ResolveDeadLetter.
func (x *deadLetters) resolve(ctx context.Context, d consumers.Delivery, state string) error {
	if err := x.record(ctx, d, "", state); err != nil {
		return pg.Classify(fmt.Errorf("recording that a dead letter was %s: %w", state, err))
	}
	return x.apply.markDeleted(ctx, seqset.Of(d.Sequence))
}

// record writes a row for each event that the message carries.
func (x *deadLetters) record(ctx context.Context, d consumers.Delivery, cause, state string) error {
	return x.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error {
		var rows pgx.Batch
		for _, one := range d.Split() {
			rows.Queue(x.sql["dead_letter"], ident.incarnation, int64(one.Position()), projection.Clean(one.EventIDs), projection.Clean(d.Subject), projection.Clean(cause), state)
		}
		return tx.SendBatch(ctx, &rows).Close()
	})
}

// splitBundle is a bundle whose events were applied one by one.
type splitBundle struct {
	sequence uint64
	events   []consumers.Delivery
	failed   map[int]error // what cannot be stored, by line
	rejected int           // of them, by Postgres; the others cannot be decoded
}

// allRejected reports whether Postgres took none of the events, which says more of Postgres than of them.
func (b *splitBundle) allRejected() bool { return b.rejected == len(b.events) }

// split stores the events of a bundle that can be stored, and finds those that cannot. It does not insert the sequence into the
// ledger, so that after a crash it is done again; applying an event again changes nothing.
func (x *deadLetters) split(ctx context.Context, d consumers.Delivery) (*splitBundle, error) {
	b := &splitBundle{sequence: d.Sequence, events: d.Split(), failed: map[int]error{}}
	apply := func(events []consumers.Delivery) error {
		err := x.apply.retrying(ctx, events, applySplit)
		var partial *consumers.PartialError
		if errors.As(err, &partial) {
			for i, cause := range partial.Failed {
				b.failed[events[i].Line] = cause
			}
			return nil
		}
		if err == nil {
			x.cfg.Failpoint("split")
		}
		return err
	}
	return b, consumers.Isolate(b.events, apply, mayBePoison, func(d consumers.Delivery, err error) error {
		b.failed[d.Line] = err
		b.rejected++
		return nil
	})
}

// mayBePoison reports whether an error may be the fault of one element of a batch.
func mayBePoison(err error) bool { return fault.Of(err) == fault.Poison || fault.Unmarked(err) }

// settleBundle makes dead letters of the events that could not be stored, and then inserts the bundle's sequence into the ledger.
func (x *deadLetters) settleBundle(ctx context.Context, b *splitBundle) error {
	for _, line := range slices.Sorted(maps.Keys(b.failed)) {
		one, cause := b.events[line], b.failed[line]
		if err := x.cfg.Stream.DeadLetter(ctx, one, cause); err != nil {
			return fmt.Errorf("copying %s to the dead letters: %w", one.Position(), err)
		}
		x.cfg.Failpoint("dead.copied")
		if err := x.record(ctx, one, cause.Error(), "dead"); err != nil {
			return pg.Classify(fmt.Errorf("recording a dead letter: %w", err))
		}
		x.cfg.Failpoint("dead.noted")
		x.cfg.Log.Error("dead-lettered an event of a bundle", "sequence", b.sequence, "line", line, "event", one.EventIDs, "cause", cause)
	}
	return x.apply.markDeleted(ctx, seqset.Of(b.sequence))
}

// backfill is Store.Backfill.
func (x *deadLetters) backfill(ctx context.Context, batch []consumers.Delivery, rejected func(sequence uint64, cause error) error) error {
	var failed error // of a dead letter, which proves nothing against the batch
	apply := func(part []consumers.Delivery) error {
		err := x.apply.retrying(ctx, part, applyBackfill)
		var partial *consumers.PartialError
		if errors.As(err, &partial) {
			failed = x.deadLetterUndecodable(ctx, part, partial.Failed)
			return failed
		}
		return err
	}
	splittable := func(err error) bool { return failed == nil && mayBePoison(err) }
	return consumers.Isolate(batch, apply, splittable, func(d consumers.Delivery, cause error) error {
		if err := rejected(d.Sequence, cause); err != nil {
			return err
		}
		return x.leaveGap(ctx, d, cause)
	})
}

// deadLetterUndecodable makes dead letters of what cannot be decoded: the copy first, then the row.
func (x *deadLetters) deadLetterUndecodable(ctx context.Context, batch []consumers.Delivery, failed map[int]error) error {
	for _, i := range slices.Sorted(maps.Keys(failed)) {
		if batch[i].IsBundle() { // deadLetter makes the copies, and logs them
			if err := x.deadLetter(ctx, batch[i], failed[i]); err != nil {
				return err
			}
			continue
		}
		if err := x.cfg.Stream.DeadLetter(ctx, batch[i], failed[i]); err != nil {
			return fmt.Errorf("copying message %d to the dead letters: %w", batch[i].Sequence, err)
		}
		if err := x.deadLetter(ctx, batch[i], failed[i]); err != nil {
			return err
		}
		x.cfg.Log.Error("dead-lettered a message", "sequence", batch[i].Sequence, "event", batch[i].Named(), "cause", failed[i])
	}
	return nil
}

// leaveGap leaves a gap where Postgres rejects a message. A bundle of which Postgres takes some events leaves none: those that it takes
// prove that the others are at fault.
func (x *deadLetters) leaveGap(ctx context.Context, d consumers.Delivery, cause error) error {
	if d.IsBundle() {
		b, err := x.split(ctx, d)
		if err != nil {
			return err
		}
		if !b.allRejected() {
			return x.settleBundle(ctx, b)
		}
	}
	x.cfg.Log.Error("a gap in the ledger stays open: Postgres rejects the message", "sequence", d.Sequence, "event", d.Named(), "cause", cause)
	return nil
}
