package normalise

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// applyMode is how deliveries are applied.
type applyMode uint8

const (
	applyNormal applyMode = iota // what the ledger does not hold
	// applyBackfill applies what the ledger does not hold, and publishes all that it is about whether it changes or not: a transaction
	// that a failover took back may have published a state in between, which nothing else would correct.
	applyBackfill
	applyRepair   // as applyBackfill, but whatever the ledger holds
	applyUnstored // as applyNormal, of sequences that the stream does not hold
	applySplit    // as applyRepair, and without a ledger row: not all events of the sequences may be among them
)

// A transaction that conflicts with another one is retried after a random pause, so that the two do not meet again; after so many
// tries the delivery goes back to the stream. Two workers that both meet a new message's reactions conflict once or twice.
const (
	conflictTries = 20
	conflictPause = 5 * time.Millisecond
)

// maxBatch is how many events one transaction takes of a batch that carries more: beyond it they cost memory and save nothing.
// A message is never split, because its sequence is inserted into the ledger with all that it carries.
const maxBatch = 4000

// singleTries is how often a single delivery that fails for an unknown reason is tried before it is taken for the reason.
const singleTries = 5

// applier applies deliveries in transactions of a bounded size, retries conflicts, and publishes what changed.
type applier struct {
	*core
	db        *writer
	publisher *Publisher
}

// apply decodes a batch and stores it. What cannot be decoded is named in a *consumers.PartialError.
func (a *applier) apply(ctx context.Context, batch []consumers.Delivery, mode applyMode) error {
	events, failed, err := projection.Decode(batch)
	if err != nil {
		return err
	}
	for len(events) > 0 {
		n := batchSize(events)
		if err := a.store(ctx, events[:n], seqset.Set{}, mode); err != nil {
			return err
		}
		events = events[n:]
	}
	if len(failed) > 0 {
		return &consumers.PartialError{Failed: failed}
	}
	return nil
}

// batchSize returns how many of the events one transaction takes.
func batchSize(events []projection.PendingEvent) int {
	if len(events) <= maxBatch {
		return len(events)
	}
	n := maxBatch
	for n < len(events) && events[n].Position.Sequence() == events[n-1].Position.Sequence() {
		n++
	}
	return n
}

// markDeleted inserts sequences into the ledger that the stream no longer holds.
func (a *applier) markDeleted(ctx context.Context, sequences seqset.Set) error {
	return a.store(ctx, nil, sequences, applyNormal)
}

// markUnstored inserts sequences into the ledger that the stream does not hold. Those that the ledger did not hold either were
// removed before they were stored: they are recorded in the same transaction, as ranges.
func (a *applier) markUnstored(ctx context.Context, sequences seqset.Set) error {
	return a.store(ctx, nil, sequences, applyUnstored)
}

// store runs one transaction and everything that must follow it.
func (a *applier) store(ctx context.Context, events []projection.PendingEvent, deleted seqset.Set, mode applyMode) error {
	began := time.Now()
	var done txResult
	for try := 0; ; try++ {
		var err error
		done, err = a.attempt(ctx, events, deleted, mode)
		if err == nil {
			done.conflicts = try
			break
		}
		if !(pg.Conflict(err) || errors.Is(err, errConflict)) || try == conflictTries {
			return classify(err)
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(try+1)*int64(conflictPause)))); err != nil {
			return err
		}
	}
	a.cfg.Log.Debug("stored a batch", "token", done.token, "counter", done.counter, "events", done.events, "conflicts", done.conflicts)
	a.logUnstored(done)
	a.cfg.Failpoint("committed")
	if err := a.publisher.publishCommitted(ctx, done); err != nil {
		return err
	}
	a.cfg.Observe(Transaction{Events: done.events, Facts: done.count, Conflicts: done.conflicts, Unstored: done.unstored.Len(), Took: time.Since(began)})
	return nil
}

// attempt runs one transaction, and builds the facts that are to be published once it is committed.
func (a *applier) attempt(ctx context.Context, events []projection.PendingEvent, deleted seqset.Set, mode applyMode) (txResult, error) {
	var done txResult
	var b *batchTx
	err := a.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) (err error) {
		if a.only != 0 && a.only != ident.incarnation {
			return fault.AsTransient(errOtherIncarnation, 0)
		}
		b = newBatchTx(a.core, tx, ident, deleted, mode)
		done = txResult{rowVersion: b.version, generation: ident.generation}
		if mode == applySplit {
			b.take(events)
		} else if done.pending, err = b.skipStored(ctx, events); err != nil || b.sequences.Len() == 0 {
			return err
		}
		if err := b.run(ctx); err != nil {
			return err
		}
		done.rowVersion, done.events = b.version, len(b.inserted)
		if mode == applyUnstored {
			done.unstored = b.sequences
		}
		return nil
	})
	if err != nil {
		return txResult{}, err
	}
	if done.counter != 0 {
		a.cache.commit(b.identity, done.counter)
		done.facts, done.count = b.facts()
	}
	return done, nil
}

// logUnstored logs the unstored sequences that a committed transaction recorded.
func (a *applier) logUnstored(done txResult) {
	n := done.unstored.Len()
	if n == 0 {
		return
	}
	first, last := done.unstored.Bounds()
	a.cfg.Log.Error("messages were removed from the stream before they were stored; see agrichat verify", "sequences", n,
		"first", first, "last", last)
}

// retrying is apply for batches that are being split. A panic is poison, and a single delivery that fails for an unknown reason is
// retried; an error that is still unmarked then came from a store that takes writes.
func (a *applier) retrying(ctx context.Context, batch []consumers.Delivery, mode applyMode) error {
	err := a.protected(ctx, batch, mode)
	for try := 1; len(batch) == 1 && fault.Unmarked(err) && try < singleTries; try++ {
		if e := a.db.probe(ctx); e != nil {
			if fault.Unmarked(e) {
				e = fault.AsTransient(e, 0)
			}
			return e
		}
		if e := pause(ctx, conflictPause); e != nil {
			return e
		}
		err = a.protected(ctx, batch, mode)
	}
	return err
}

// protected turns a panic into poison.
func (a *applier) protected(ctx context.Context, batch []consumers.Delivery, mode applyMode) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.cfg.Log.Error("storing panicked; report this with its stack", "panic", v, "stack", string(debug.Stack()))
			err = fault.AsPoison(fmt.Errorf("storing panicked: %v", v))
		}
	}()
	return a.apply(ctx, batch, mode)
}

// classify marks a conflict that would not end. One with another transaction ends by itself, so it is transient. A duplicate key may be
// the batch's own doing, which only deliver can find out: it stays unmarked, and a delivery that fails alone while others succeed is
// poison.
func classify(err error) error {
	switch {
	case errors.Is(err, errConflict) || pg.Conflict(err) && !pg.Duplicate(err):
		return fault.AsTransient(fmt.Errorf("storing a batch: conflicting transactions: %w", err), 0)
	case pg.Duplicate(err):
		return fmt.Errorf("storing a batch: duplicate key: %w", err)
	}
	return pg.Classify(err)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
