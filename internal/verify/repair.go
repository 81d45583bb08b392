package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers"
)

// Repairer applies what is missing. It is implemented by normalise.Store.
type Repairer interface {
	// Repair applies deliveries whatever the ledger says.
	Repair(ctx context.Context, batch []consumers.Delivery) error
	// Republish publishes the facts of transactions again.
	Republish(ctx context.Context, counters []int64) error
	// AffectedIDs returns the ids of all things that a delivery can have written in PostgreSQL.
	AffectedIDs(d consumers.Delivery) [][16]byte
}

// repairBatch is how many events are applied again at once.
const repairBatch = 500

// Repair applies what a report found missing. What ClickHouse has and Postgres does not was lost by Postgres if an event of
// the log can have made it: that event is applied again. So are the events of what the two hold with other contents under one
// version, and their facts are published. What nothing on the log explains stays: nothing here deletes. Applying is idempotent;
// Run shows the result.
func (v *Verifier) Repair(ctx context.Context, r *Report, to Repairer) error {
	if err := v.explain(ctx, r, to); err != nil {
		return err
	}
	if err := v.apply(ctx, r, to); err != nil {
		return err
	}
	if len(r.repair.counters) == 0 {
		return nil
	}
	return to.Republish(ctx, slices.Sorted(maps.Keys(r.repair.counters)))
}

// explain adds the events behind what is extra or has two contents to those that are applied again. All of the log is read for it: a
// name is made of every event that carries one, so all events of a thing count.
func (v *Verifier) explain(ctx context.Context, r *Report, to Repairer) error {
	if len(r.repair.unexplained) == 0 || r.Sequence == 0 {
		return nil
	}
	err := v.Bus.Range(ctx, 1, r.Sequence, false, func(d consumers.Delivery) error {
		for _, id := range to.AffectedIDs(d) {
			if _, wanted := r.repair.unexplained[id]; wanted {
				r.repair.sequences.Add(d.Sequence, d.Sequence)
				break
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for the events behind what is extra or has two contents: %w", err)
	}
	return nil
}

// apply applies the messages at the report's sequences again.
func (v *Verifier) apply(ctx context.Context, r *Report, to Repairer) error {
	var batch []consumers.Delivery
	events := 0
	flush := func() error {
		defer func() { batch, events = batch[:0], 0 }()
		var partial *consumers.PartialError
		if err := to.Repair(ctx, batch); err != nil && !errors.As(err, &partial) {
			return fmt.Errorf("applying what is missing: %w", err)
		}
		return nil
	}
	for _, sp := range r.repair.sequences.Spans() {
		err := v.Bus.Range(ctx, sp.First, sp.Last, false, func(d consumers.Delivery) error {
			batch = append(batch, d)
			if events += d.Events(); events < repairBatch {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}
