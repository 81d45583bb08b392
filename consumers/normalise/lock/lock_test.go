package lock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func connect(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestWith(t *testing.T) {
	t.Parallel()
	pool := connect(t)
	t.Run("a second holder is turned away", func(t *testing.T) {
		var second error
		first := lock.With(t.Context(), pool, lock.Recovery, func(ctx context.Context) error {
			second = lock.With(ctx, pool, lock.Recovery, func(context.Context) error { return nil })
			return nil
		})
		if first != nil || !errors.Is(second, lock.ErrHeld) {
			t.Errorf("the first got %v, the second %v", first, second)
		}
	})
	t.Run("another lock is free", func(t *testing.T) {
		err := lock.With(t.Context(), pool, lock.Recovery, func(ctx context.Context) error {
			return lock.With(ctx, pool, lock.Reconciliation, func(context.Context) error { return nil })
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("an error is returned, and the lock is free again", func(t *testing.T) {
		failed := errors.New("failed")
		if err := lock.With(t.Context(), pool, lock.Republication, func(context.Context) error { return failed }); !errors.Is(err, failed) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := lock.ErrHeld
		for errors.Is(err, lock.ErrHeld) { // a closed session may hold it for another moment
			err = lock.On(pool)(ctx, lock.Republication, func(context.Context) error { return nil })
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// TestQueries prepares every query.
func TestQueries(t *testing.T) {
	t.Parallel()
	conn, err := connect(t).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	files, err := filepath.Glob("queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %v: %v", files, err)
	}
	for _, name := range files {
		sql, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Conn().Prepare(t.Context(), name, string(sql)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
