// Package lock holds a session-level advisory lock of PostgreSQL while a function runs, and keeps its session alive.
//
// It promises that the function's context ends if the session is lost, and that a holder that is stopped loses the lock after a few
// seconds. The lock saves work and nothing more: two servers can grant it at once, and no correctness relies on it.
package lock

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

//go:embed queries/acquire.sql
var acquireSQL string

//go:embed queries/release.sql
var releaseSQL string

// ErrHeld says that another session holds the lock: retry in a moment.
var ErrHeld = errors.New("another process holds the lock")

// ID is the key of an advisory lock.
type ID int64

// The locks. Recovery after a failover has one of its own: a reconciliation that waits for the gate, or a republication, must not keep
// it from opening the gate.
const (
	Recovery       ID = 0x6167726973776570 // "agriswep"
	Republication  ID = Recovery + 1
	Reconciliation ID = 0x6167726972656363 // "agrirecc"
)

// The server ends a session that was idle for idleTimeout, so that a stopped holder blocks no other process for longer; the holder pings several
// times in that time.
const (
	idleTimeout  = 5 * time.Second
	pingInterval = time.Second
)

// With runs do while it holds the lock; do's context ends if the lock is lost. If another session holds it, the error is ErrHeld.
func With(ctx context.Context, pool *pgxpool.Pool, id ID, do func(ctx context.Context) error) error {
	conn, err := acquire(ctx, pool, id)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, releaseSQL, int64(id)) // a closed session may hold the lock for another moment
		_ = conn.Close(ctx)                          // the session ends in any case, and the lock with it
	}()
	g, working := errgroup.WithContext(ctx)
	pinging, done := context.WithCancel(working)
	defer done()
	g.Go(func() error { return keepAlive(pinging, conn) })
	g.Go(func() error {
		defer done()
		return do(working)
	})
	return g.Wait()
}

// On returns With for a pool.
func On(pool *pgxpool.Pool) func(ctx context.Context, id ID, do func(ctx context.Context) error) error {
	return func(ctx context.Context, id ID, do func(ctx context.Context) error) error {
		return With(ctx, pool, id, do)
	}
}

// acquire returns a connection that holds the lock.
func acquire(ctx context.Context, pool *pgxpool.Pool, id ID) (*pgx.Conn, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("acquiring an advisory lock: %w", err))
	}
	conn := pooled.Hijack() // a session that holds a lock must not go back to the pool
	var acquired bool
	err = conn.QueryRow(ctx, acquireSQL, int64(id), fmt.Sprint(idleTimeout.Milliseconds())).Scan(&acquired)
	if err == nil && acquired {
		return conn, nil
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(closing)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("acquiring an advisory lock: %w", err))
	}
	return nil, ErrHeld
}

// keepAlive pings until ctx ends; an error says that the lock is lost.
func keepAlive(ctx context.Context, conn *pgx.Conn) error {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		pinging, cancel := context.WithTimeout(ctx, idleTimeout)
		err := conn.Ping(pinging)
		cancel()
		if err != nil && ctx.Err() == nil {
			return fault.AsTransient(fmt.Errorf("holding an advisory lock: %w", err), 0)
		}
	}
}
