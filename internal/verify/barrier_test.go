package verify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/schemas/postgres"
)

// emptyBus is a log without a message.
type emptyBus struct{ verify.Bus }

func (emptyBus) LastSequence(context.Context) (uint64, error) { return 0, nil }

func (emptyBus) Incarnation(context.Context) (time.Time, error) { return time.Unix(1, 0), nil }

const writersLock = "SELECT pg_advisory_xact_lock_shared(x'6167726963686174'::bigint)"

func migrated(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return testenv.Pool(t, testenv.PostgresFrom(t, "migrated", func(ctx context.Context, dsn string) error {
		pool, err := pg.Open(ctx, pg.Config{DSN: dsn, Name: "test"})
		if err != nil {
			return err
		}
		defer pool.Close()
		return pg.Migrate(ctx, pool, postgres.Migrations)
	}))
}

// TestVerifier_Run_barrier holds that while one writer hangs a comparison lets the others write, and ends with an error that names it.
func TestVerifier_Run_barrier(t *testing.T) {
	t.Parallel()
	pool := migrated(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	hung, err := pool.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), hung)
	var pid int
	if _, err := hung.Exec(ctx, writersLock); err != nil {
		t.Fatal(err)
	}
	if err := hung.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		v := &verify.Verifier{Bus: emptyBus{}, Postgres: pool, BarrierTimeout: 3 * time.Second}
		_, err := v.Run(ctx, 0, 0)
		ended <- err
	}()
	for queued := false; !queued; {
		err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND NOT l.granted
			AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))`).Scan(&queued)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(ctx, writersLock); err != nil {
		t.Errorf("a writer waits for as long as another one hangs: %v", err)
	}
	err = <-ended
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("transaction of pid %d ", pid)) || !strings.Contains(err.Error(), "idle in transaction") {
		t.Errorf("verification ended with %v", err)
	}
}
