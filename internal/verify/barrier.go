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

// A writer that begins while the barrier is waited for queues behind it. So it is waited for briefly, several times, and between
// the attempts writers have at least as long to go on.
const (
	barrierLockTimeout = time.Second
	barrierPause       = 2 * time.Second
	defaultPatience    = time.Minute
)

// errBarrier is an attempt that ran out of time.
var errBarrier = errors.New("the writers' lock is held")

// cut fixes where to stop, before the snapshot is taken: what is committed later is not compared. It waits for the
// transactions that are under way: one of them may have drawn a lower counter than one that is committed.
func (v *Verifier) cut(ctx context.Context, until uint64) (cut, error) {
	patience := v.BarrierPatience
	if patience == 0 {
		patience = defaultPatience
	}
	began := time.Now()
	for {
		c, err := v.cutOnce(ctx, until)
		if !errors.Is(err, errBarrier) {
			return c, err
		}
		if time.Since(began) >= patience {
			return cut{}, v.barrierError(ctx, time.Since(began))
		}
		select {
		case <-ctx.Done():
			return cut{}, fmt.Errorf("waiting for the writers of the record: %w", ctx.Err())
		case <-time.After(barrierPause/2 + rand.N(barrierPause)):
		}
	}
}

// cutOnce waits for the writers for no longer than barrierLockTimeout.
func (v *Verifier) cutOnce(ctx context.Context, until uint64) (cut, error) {
	tx, err := v.Record.Begin(ctx)
	if err != nil {
		return cut{}, pg.Classify(fmt.Errorf("asking the record where it stands: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	if _, err := tx.Exec(ctx, query("barrier_timeout"), fmt.Sprintf("%dms", barrierLockTimeout.Milliseconds())); err != nil {
		return cut{}, pg.Classify(fmt.Errorf("limiting the wait for the writers of the record: %w", err))
	}
	if _, err := tx.Exec(ctx, query("barrier")); err != nil {
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "55P03" { // lock_not_available
			return cut{}, errBarrier
		}
		return cut{}, pg.Classify(fmt.Errorf("waiting for the writers of the record: %w", err))
	}
	c, err := v.stand(ctx, tx)
	c.sequence = until
	return c, err
}

// barrierError names the transaction that verification waited for in vain. Waiting again is for whoever has ended it.
func (v *Verifier) barrierError(ctx context.Context, waited time.Duration) error {
	var pid int32
	var name, state string
	var seconds float64
	err := v.Record.QueryRow(ctx, query("barrier_holder")).Scan(&pid, &name, &state, &seconds)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fault.AsFatal(fmt.Errorf("waited %s for a moment without a writer in PostgreSQL, in vain: try again when less is being written", waited.Round(time.Second)))
	case err != nil:
		return pg.Classify(fmt.Errorf("asking who holds the writers' lock: %w", err))
	}
	held := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fault.AsFatal(fmt.Errorf("a transaction of pid %d (%s, %s) has held the writers' lock for %s: let it end, or end it with SELECT pg_terminate_backend(%d), "+
		"and verify again", pid, name, state, held, pid))
}
