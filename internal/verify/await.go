package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Remaining is what still has to be stored and aggregated.
type Remaining struct {
	Sequences   uint64 // of the log, not in the ledger
	Unpublished uint64 // transactions whose facts are not published
	Facts       uint64 // messages of facts not in ClickHouse
}

// Done reports whether nothing remains.
func (l Remaining) Done() bool { return l == Remaining{} }

// awaitInterval is the time between two polls: a tenth of what a person notices.
const awaitInterval = 100 * time.Millisecond

// Await blocks until everything that the log holds up to a sequence is stored and aggregated, or ctx ends. report is called with
// what remains after each poll. What others write meanwhile is not waited for; a server that restarts meanwhile is.
func (v *Verifier) Await(ctx context.Context, until uint64, report func(Remaining)) error {
	w := &awaiting{v: v, until: until}
	tick := time.NewTicker(awaitInterval)
	defer tick.Stop()
	for {
		err := RetryTransient(ctx, w.step)
		switch {
		case err == nil:
			report(w.remaining)
			if w.remaining.Done() {
				return nil
			}
		case fault.Of(err) != fault.Transient || ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until everything up to sequence %d is stored (left: %d sequences, %d transactions unpublished, %d facts): %w",
				until, w.remaining.Sequences, w.remaining.Unpublished, w.remaining.Facts, ctx.Err())
		case <-tick.C:
		}
	}
}

// awaitFor is Await with a timeout, which is no error.
func (v *Verifier) awaitFor(ctx context.Context, until uint64, wait time.Duration) error {
	c, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := v.Await(c, until, func(Remaining) {})
	if err != nil && ctx.Err() == nil && errors.Is(c.Err(), context.DeadlineExceeded) {
		return nil
	}
	return err
}

// awaiting is one wait: first until all is in the ledger, then until the facts of the transactions that were there by then are published,
// then until the facts that were published by then are in ClickHouse.
type awaiting struct {
	v         *Verifier
	until     uint64
	counter   int64  // zero: not all is in the ledger yet
	facts     uint64 // last sequence of facts to wait for
	published bool
	remaining Remaining
}

func (w *awaiting) step(ctx context.Context) error {
	if w.until == 0 {
		w.remaining = Remaining{}
		return nil
	}
	if w.counter == 0 {
		if err := w.askLedger(ctx); err != nil || w.remaining.Sequences > 0 {
			return err
		}
	}
	if !w.published {
		err := w.v.Postgres.QueryRow(ctx, query("unpublished"), w.counter).Scan(&w.remaining.Unpublished)
		if err != nil {
			return pg.Classify(fmt.Errorf("reading which facts are unpublished: %w", err))
		}
		if w.remaining.Unpublished > 0 {
			return nil
		}
	}
	last, stored, err := w.v.Bus.Facts(ctx)
	if err != nil {
		return err
	}
	if !w.published {
		w.published, w.facts = true, last
	}
	w.remaining.Facts = w.facts - min(stored, w.facts)
	return nil
}

func (w *awaiting) askLedger(ctx context.Context) error {
	if w.v.Incarnation != nil {
		number, err := w.v.Incarnation(ctx)
		if err != nil {
			return err
		}
		if number == 0 { // the stream was restored, and no worker has noticed yet
			w.remaining.Sequences = w.until
			return nil
		}
	}
	created, err := w.v.Bus.Incarnation(ctx)
	if err != nil {
		return err
	}
	var held string
	var counter int64
	err = w.v.Postgres.QueryRow(ctx, query("remaining"), "CHAT", created, int64(w.until)).Scan(&held, &counter)
	if err != nil {
		return pg.Classify(fmt.Errorf("reading the ledger: %w", err))
	}
	set, err := seqset.Parse(held)
	if err != nil {
		return err
	}
	if w.remaining.Sequences = set.Missing(1, w.until).Len(); w.remaining.Sequences == 0 {
		w.counter = counter
	}
	return nil
}
