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

// Left is what still has to be done.
type Left struct {
	Sequences uint64 // of the log, not in the ledger
	Untold    uint64 // transactions whose facts are not published
	Facts     uint64 // messages of facts not in ClickHouse
}

// Done reports whether nothing is left.
func (l Left) Done() bool { return l == Left{} }

// awaitEvery is how often is asked: a tenth of what a person notices.
const awaitEvery = 100 * time.Millisecond

// Await blocks until everything that the log holds up to a sequence is stored and aggregated, or ctx ends. look is told
// what is left, each time. What others write meanwhile is not waited for; a server that restarts meanwhile is.
func (v *Verifier) Await(ctx context.Context, until uint64, look func(Left)) error {
	w := &awaiting{v: v, until: until}
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for {
		err := Outlast(ctx, w.step)
		switch {
		case err == nil:
			look(w.left)
			if w.left.Done() {
				return nil
			}
		case fault.Of(err) != fault.Transient || ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until everything up to sequence %d is stored (left: %d sequences, %d transactions untold, %d facts): %w",
				until, w.left.Sequences, w.left.Untold, w.left.Facts, ctx.Err())
		case <-tick.C:
		}
	}
}

// awaitFor is Await for a while: that time ran out is no error.
func (v *Verifier) awaitFor(ctx context.Context, until uint64, wait time.Duration) error {
	c, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := v.Await(c, until, func(Left) {})
	if err != nil && ctx.Err() == nil && errors.Is(c.Err(), context.DeadlineExceeded) {
		return nil
	}
	return err
}

// awaiting is one wait: first until all is in the ledger, then until the transactions that were there by then have told,
// then until what was told by then is in ClickHouse.
type awaiting struct {
	v       *Verifier
	until   uint64
	counter int64  // zero: not all is in the ledger yet
	facts   uint64 // last sequence of facts to wait for
	told    bool
	left    Left
}

func (w *awaiting) step(ctx context.Context) error {
	if w.until == 0 {
		w.left = Left{}
		return nil
	}
	if w.counter == 0 {
		if err := w.askLedger(ctx); err != nil || w.left.Sequences > 0 {
			return err
		}
	}
	if !w.told {
		err := w.v.Record.QueryRow(ctx, query("untold"), w.counter).Scan(&w.left.Untold)
		if err != nil {
			return pg.Classify(fmt.Errorf("asking the record what it has told: %w", err))
		}
		if w.left.Untold > 0 {
			return nil
		}
	}
	last, stored, err := w.v.Bus.Facts(ctx)
	if err != nil {
		return err
	}
	if !w.told {
		w.told, w.facts = true, last
	}
	w.left.Facts = w.facts - min(stored, w.facts)
	return nil
}

func (w *awaiting) askLedger(ctx context.Context) error {
	if w.v.Incarnation != nil {
		number, err := w.v.Incarnation(ctx)
		if err != nil {
			return err
		}
		if number == 0 { // the stream was put back, and no worker has noticed yet
			w.left.Sequences = w.until
			return nil
		}
	}
	created, err := w.v.Bus.Incarnation(ctx)
	if err != nil {
		return err
	}
	var held string
	var counter int64
	err = w.v.Record.QueryRow(ctx, query("left"), "CHAT", created, int64(w.until)).Scan(&held, &counter)
	if err != nil {
		return pg.Classify(fmt.Errorf("asking the record how far it is: %w", err))
	}
	set, err := seqset.Parse(held)
	if err != nil {
		return err
	}
	if w.left.Sequences = set.Missing(1, w.until).Len(); w.left.Sequences == 0 {
		w.counter = counter
	}
	return nil
}
