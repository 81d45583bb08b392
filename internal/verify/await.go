package verify

import (
	"context"
	"fmt"
	"time"

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
// what is left, each time.
func (v *Verifier) Await(ctx context.Context, until uint64, look func(Left)) error {
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for {
		left, err := v.Left(ctx, until)
		if err != nil {
			return err
		}
		look(left)
		if left.Done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until everything up to sequence %d is stored (left: %d sequences, %d transactions untold, %d facts): %w",
				until, left.Sequences, left.Untold, left.Facts, ctx.Err())
		case <-tick.C:
		}
	}
}

// Left says what is left of the log up to a sequence.
func (v *Verifier) Left(ctx context.Context, until uint64) (Left, error) {
	if until == 0 {
		return Left{}, nil
	}
	created, err := v.Bus.Incarnation(ctx)
	if err != nil {
		return Left{}, err
	}
	var l Left
	var held string
	err = v.Record.QueryRow(ctx, query("left"), "CHAT", created, int64(until)).Scan(&held, &l.Untold)
	if err != nil {
		return Left{}, pg.Classify(fmt.Errorf("asking the record how far it is: %w", err))
	}
	set, err := seqset.Parse(held)
	if err != nil {
		return Left{}, err
	}
	l.Sequences = set.Missing(1, until).Len()
	if l.Facts, err = v.Bus.FactsPending(ctx); err != nil {
		return Left{}, err
	}
	return l, nil
}
