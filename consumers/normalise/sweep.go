package normalise

import (
	"context"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// The sweep's measures: how long a transaction may take to tell before somebody else tells for it, how many deliveries
// are applied at once, and after what time ledger rows are joined.
const (
	sweepPatience = 30 * time.Second
	sweepBatch    = 500
	compactionAge = time.Hour
	sweepPortion  = 1 << 20 // sequences looked at in one question to the ledger
)

// Sweep makes good what somebody else left undone: it fills the ledger's holes up to a sequence that was delivered and
// acked, which a worker may have committed on a server that then lost it, and tells what was committed and never told.
// It reports how many sequences it applied. all also tells for transactions that may be telling right now: right at
// start, when nobody else is known to live.
func (k *Keeper) Sweep(ctx context.Context, acked uint64, all bool) (filled uint64, err error) {
	for first := uint64(1); first <= acked; first += sweepPortion {
		n, err := k.fillHoles(ctx, first, min(first+sweepPortion-1, acked))
		filled += n
		if err != nil {
			return filled, err
		}
	}
	patience := sweepPatience
	if all {
		patience = 0
	}
	if err := k.tellUnmarked(ctx, patience); err != nil {
		return filled, err
	}
	return filled, k.Compact(ctx, compactionAge)
}

func (k *Keeper) fillHoles(ctx context.Context, first, last uint64) (uint64, error) {
	held, err := k.Held(ctx, first, last)
	if err != nil {
		return 0, err
	}
	missing := held.Missing(first, last)
	return missing.Len(), k.Fill(ctx, missing)
}

// Fill applies the given sequences by reading them from the stream; those it no longer holds are entered as gone. What
// cannot be read stays a hole: it is the delivery's to find poison.
func (k *Keeper) Fill(ctx context.Context, missing seqset.Set) error {
	var gone seqset.Set
	var batch []consumers.Delivery
	flush := func() error {
		if err := k.handle(ctx, batch, false); err != nil {
			if _, partial := err.(*consumers.PartialError); !partial {
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	for _, sp := range missing.Spans() {
		for seq := sp.First; seq <= sp.Last; seq++ {
			d, found, err := k.cfg.Stream.Get(ctx, seq)
			if err != nil {
				return fmt.Errorf("reading sequence %d to fill a hole: %w", seq, err)
			}
			if !found {
				gone.Add(seq, seq)
				continue
			}
			if batch = append(batch, d); len(batch) == sweepBatch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if gone.Len() == 0 {
		return nil
	}
	return k.Gone(ctx, gone)
}

func (k *Keeper) tellUnmarked(ctx context.Context, patience time.Duration) error {
	for {
		rows, err := k.cfg.Pool.Query(ctx, k.sql["ledger_unmarked"], patience)
		if err != nil {
			return pg.Classify(fmt.Errorf("looking for facts that were never told: %w", err))
		}
		counters, err := collectInts(rows)
		if err != nil {
			return pg.Classify(fmt.Errorf("looking for facts that were never told: %w", err))
		}
		if len(counters) == 0 {
			return nil
		}
		if err := k.Republish(ctx, counters); err != nil {
			return err
		}
	}
}
