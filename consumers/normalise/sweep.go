package normalise

import (
	"context"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/pg"
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
	refused := k.refusals()
	missing := subtract(held.Missing(first, last), refused)
	err = k.Fill(ctx, missing)
	return missing.Len() - (k.refusals().Len() - refused.Len()), err
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
