package normalise

import (
	"context"
	"errors"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
)

// The sweep's measures: how long a transaction may take to tell before somebody else tells for it, how many events
// are applied at once, and after what time ledger rows are joined.
const (
	sweepPatience = 30 * time.Second
	sweepBatch    = 500
	compactionAge = time.Hour
	sweepPortion  = 1 << 20 // sequences looked at in one question to the ledger
)

// Reconcile makes good what somebody else left undone: it fills the ledger's holes up to a sequence that was delivered and
// acked, which a worker may have committed on a server that then lost it, and publishes the oldest facts that are pending; the
// rest is PublishPending's, so that no start waits for a backlog.
// It reports how many sequences it applied. all also tells for transactions that may be telling right now: right at
// start, when nobody else is known to live. It may be called from time to time: what it could not do because the store or the
// bus was away, the next one does. Of several who call it one works; the others get ErrSweeping. The lock is not the one of
// Recover: who waits for its gate here must not keep a recovery from opening it.
func (k *Store) Reconcile(ctx context.Context, acked uint64, all bool) (filled uint64, err error) {
	err = k.alone(ctx, reconcileLock, func(ctx context.Context) error {
		filled, err = k.reconcile(ctx, acked, all)
		return err
	})
	return filled, err
}

func (k *Store) reconcile(ctx context.Context, acked uint64, all bool) (filled uint64, err error) {
	k.forget()
	if filled, err = k.fillUpTo(ctx, acked); err != nil {
		return filled, err
	}
	patience := sweepPatience
	if all {
		patience = 0
	}
	if err := k.publishPage(ctx, patience); err != nil {
		return filled, err
	}
	return filled, k.Compact(ctx, compactionAge)
}

// RecoverAfterFailover is the sweep of a round, through the gate of that round while nobody else may write: it fills every hole up to what
// was delivered to anybody, acked or not, and publishes the oldest pending facts. Of several who call it one works; the others get
// ErrSweeping, and ask again. Should two ever work at once, each does what the other leaves.
func (k *Store) RecoverAfterFailover(ctx context.Context, through gate.Gate, delivered uint64) (filled uint64, err error) {
	s := k.through(through)
	err = s.alone(ctx, sweepLock, func(ctx context.Context) error {
		s.forget()
		filled, err = s.fillUpTo(ctx, delivered)
		switch {
		case errors.Is(err, errRefused): // the gaps stay, and verify names them: a gate that never opens stops all that can be stored
			s.cfg.Log.Error("gaps in the ledger stay open; see agrichat verify", "error", err)
		case err != nil:
			return err
		}
		if !s.facts.allow() { // the gate does not wait for the stream of facts
			return nil
		}
		return s.publishPage(ctx, 0)
	})
	return filled, err
}
