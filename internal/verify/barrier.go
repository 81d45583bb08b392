package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

// A writer that begins while the barrier is waited for queues behind it. So the wait is brief and retried with jitter, and between
// the attempts writers have at least as long to continue.
const (
	barrierLockTimeout    = time.Second
	barrierPause          = 2 * time.Second
	defaultBarrierTimeout = time.Minute
)

// errBarrier is an attempt that timed out.
var errBarrier = errors.New("the writers' lock is held")

// takeCutoff decides where to stop, before the snapshot is taken: what is committed later is not compared. It waits for
// open transactions: one of them may have allocated a lower counter than one that is committed.
func (v *Verifier) takeCutoff(ctx context.Context, until uint64) (cutoff, error) {
	timeout := v.BarrierTimeout
	if timeout == 0 {
		timeout = defaultBarrierTimeout
	}
	began := time.Now()
	for {
		c, err := v.tryCutoff(ctx, until)
		if !errors.Is(err, errBarrier) {
			return c, err
		}
		if time.Since(began) >= timeout {
			return cutoff{}, v.barrierError(ctx, time.Since(began))
		}
		select {
		case <-ctx.Done():
			return cutoff{}, fmt.Errorf("waiting for the writers of PostgreSQL: %w", ctx.Err())
		case <-time.After(barrierPause/2 + rand.N(barrierPause)):
		}
	}
}

// tryCutoff waits for the writers for at most barrierLockTimeout.
func (v *Verifier) tryCutoff(ctx context.Context, until uint64) (cutoff, error) {
	tx, err := v.Postgres.Begin(ctx)
	if err != nil {
		return cutoff{}, pg.Classify(fmt.Errorf("reading the position of PostgreSQL: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	if _, err := tx.Exec(ctx, query("barrier_timeout"), fmt.Sprintf("%dms", barrierLockTimeout.Milliseconds())); err != nil {
		return cutoff{}, pg.Classify(fmt.Errorf("limiting the wait for the writers of PostgreSQL: %w", err))
	}
	if _, err := tx.Exec(ctx, query("barrier")); err != nil {
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "55P03" { // lock_not_available
			return cutoff{}, errBarrier
		}
		return cutoff{}, pg.Classify(fmt.Errorf("waiting for the writers of PostgreSQL: %w", err))
	}
	c, err := v.position(ctx, tx)
	c.sequence = until
	return c, err
}

// barrierError names the transaction that the barrier waited for. It is fatal: a retry helps only after that transaction has ended.
func (v *Verifier) barrierError(ctx context.Context, waited time.Duration) error {
	var pid int32
	var name, state string
	var seconds float64
	err := v.Postgres.QueryRow(ctx, query("barrier_holder")).Scan(&pid, &name, &state, &seconds)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fault.AsFatal(fmt.Errorf("waited %s for a moment without a writer in PostgreSQL, in vain: try again when less is being written", waited.Round(time.Second)))
	case err != nil:
		return pg.Classify(fmt.Errorf("reading who holds the writers' lock: %w", err))
	}
	held := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fault.AsFatal(fmt.Errorf("a transaction of pid %d (%s, %s) has held the writers' lock for %s: let it end, or end it with SELECT pg_terminate_backend(%d), "+
		"and verify again", pid, name, state, held, pid))
}
