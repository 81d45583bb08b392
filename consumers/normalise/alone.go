package normalise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

// ErrLockHeld says that somebody else is filling the ledger's holes: ask again in a moment.
var ErrLockHeld = errors.New("somebody else is sweeping")

// The sweeper's lock is held by a session of its own. The server ends it when its owner has been silent for a while, so that
// one who is stopped holds nobody up; the owner speaks up several times in that while.
const (
	sweepLock     = 0x6167726973776570 // "agriswep"
	reconcileLock = 0x6167726972656363 // "agrirecc"
	sweepSilent   = 5 * time.Second
	sweepSpeak    = time.Second
)

// alone runs do while it holds the sweeper's lock; do's context ends if the lock is lost. The lock saves work and nothing
// more: it cannot be had of two servers at once, and nothing relies on it.
func (k *Store) alone(ctx context.Context, lock int64, do func(ctx context.Context) error) error {
	conn, err := k.sweeper(ctx, lock)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, k.sql["sweep_release"], lock) // a closed session may hold the lock for another moment
		_ = conn.Close(ctx)                                 // the session ends in any case, and the lock with it
	}()
	g, working := errgroup.WithContext(ctx)
	speaking, done := context.WithCancel(working)
	defer done()
	g.Go(func() error { return speak(speaking, conn) })
	g.Go(func() error {
		defer done()
		return do(working)
	})
	return g.Wait()
}

// sweeper returns a connection that holds the lock.
func (k *Store) sweeper(ctx context.Context, lock int64) (*pgx.Conn, error) {
	pooled, err := k.cfg.Pool.Acquire(ctx)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("taking the sweeper's lock: %w", err))
	}
	conn := pooled.Hijack() // what holds the lock must not come back to anybody else
	var mine bool
	err = conn.QueryRow(ctx, k.sql["sweep_alone"], lock, fmt.Sprint(sweepSilent.Milliseconds())).Scan(&mine)
	if err == nil && mine {
		return conn, nil
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(closing)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("taking the sweeper's lock: %w", err))
	}
	return nil, ErrLockHeld
}

// speak keeps the session alive until ctx ends; an error says that the lock is lost.
func speak(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(sweepSpeak)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, sweepSilent)
		err := conn.Ping(asking)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fault.AsTransient(fmt.Errorf("holding the sweeper's lock: %w", err), 0)
		}
	}
}
