package normalise_test

import (
	"context"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/consumers/normalise/recovery"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/seqset"
)

// system is a store with its parts and its recovery, as a worker has them.
type system struct {
	*normalise.Store
	*normalise.Publisher
	*normalise.Reports
	recovery *recovery.Recovery
}

// open makes a system; its stream is a listener.
func open(ctx context.Context, c normalise.Config) (*system, error) {
	s, err := normalise.New(ctx, c)
	if err != nil {
		return nil, err
	}
	l, _ := c.Stream.(*listener)
	return &system{Store: s, Publisher: s.Publisher(), Reports: s.Reports(),
		recovery: &recovery.Recovery{Stream: l, Locked: lock.On(c.Pool), Log: c.Log}}, nil
}

// Republish is the store's.
func (s *system) Republish(ctx context.Context, counters []int64) error {
	return s.Store.Republish(ctx, counters)
}

func (s *system) Reconcile(ctx context.Context, acked uint64, all bool) (uint64, error) {
	return s.recovery.Reconcile(ctx, s.Store, acked, all)
}

func (s *system) RecoverAfterFailover(ctx context.Context, g gate.Gate, delivered uint64) (uint64, error) {
	return s.recovery.AfterFailover(ctx, s.Through(g), delivered)
}

func (s *system) Backfill(ctx context.Context, missing seqset.Set) error {
	return s.recovery.Backfill(ctx, s.Store, missing)
}
