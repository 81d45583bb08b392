package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers"
)

// Keeper applies what is missing.
type Keeper interface {
	// Repair applies deliveries whatever the ledger says.
	Repair(ctx context.Context, batch []consumers.Delivery) error
	// Republish tells again what transactions changed.
	Republish(ctx context.Context, counters []int64) error
}

// repairBatch is how many events are applied again at once.
const repairBatch = 500

// Repair applies what a report found missing. What a store has too much stays: nothing here deletes. Run tells what came
// of it.
func (v *Verifier) Repair(ctx context.Context, r *Report, k Keeper) error {
	var batch []consumers.Delivery
	flush := func() error {
		defer func() { batch = batch[:0] }()
		var partial *consumers.PartialError
		if err := k.Repair(ctx, batch); err != nil && !errors.As(err, &partial) {
			return fmt.Errorf("applying what is missing: %w", err)
		}
		return nil
	}
	for _, sp := range r.repair.sequences.Spans() {
		err := v.Bus.Range(ctx, sp.First, sp.Last, false, func(d consumers.Delivery) error {
			if batch = append(batch, d); len(batch) < repairBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if len(r.repair.counters) == 0 {
		return nil
	}
	return k.Republish(ctx, slices.Sorted(maps.Keys(r.repair.counters)))
}
