package normalise_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
)

// reign is a gate that is open under whatever token it is set to.
type reign struct{ token atomic.Uint64 }

func under(token uint64) *reign {
	r := &reign{}
	r.token.Store(token)
	return r
}

func (r *reign) Enter(ctx context.Context) (*gate.Permit, error) {
	ctx, leave := context.WithCancel(ctx)
	return gate.NewPermit(ctx, gate.Term{Token: r.token.Load()}, leave), nil
}

// shut is a gate that never opens.
type shut struct{}

func (shut) Enter(ctx context.Context) (*gate.Permit, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func newSystemThrough(t *testing.T, pool *pgxpool.Pool, l *listener, g gate.Gate, hook func(string)) *system {
	t.Helper()
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: g, Stream: l, Log: slog.New(slog.DiscardHandler), Failpoint: hook})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func raise(t *testing.T, pool *pgxpool.Pool, token uint64) {
	t.Helper()
	execute(t, pool, "UPDATE agrichat.fence SET token = $1", int64(token))
}

// TestRecovery_AfterFailover_lostTail holds that after a failover that rolled transactions back, and after the recovery, a consumer that got
// facts of what was lost has got the facts of what is stored, whatever states it saw in between.
func TestRecovery_AfterFailover_lostTail(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			log := newWorld(seed, 200).deliveries()
			l := newListener(log)
			old, new := database(t), database(t)
			for _, pool := range []*pgxpool.Pool{old, new} { // both have what was replicated, word for word
				raise(t, pool, 1)
				if err := apply(t.Context(), newSystemThrough(t, pool, l, under(1), nil), rand.New(rand.NewPCG(seed, 9)), log[:100]); err != nil {
					t.Fatal(err)
				}
			}
			lost := newSystemThrough(t, old, l, under(1), nil)
			for i := 100; i < 200; i++ {
				if err := lost.Handle(t.Context(), log[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			raise(t, new, 2)
			filled, err := newSystemThrough(t, new, l, shut{}, nil).RecoverAfterFailover(t.Context(), under(2), 200)
			if err != nil || filled != 100 {
				t.Fatalf("filled %d, want 100: %v", filled, err)
			}
			now := newListener(log)
			if err := newSystemThrough(t, new, now, under(2), nil).RepublishFrom(t.Context(), 0, func(int) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(now.facts, l.facts); diff != "" {
				t.Errorf("what was told is not what is (-record +told):\n%s", diff)
			}
			if diff := cmp.Diff(now.states, l.states); diff != "" {
				t.Errorf("what was told has other versions (-record +told):\n%s", diff)
			}
		})
	}
}

// TestStore_Handle_counterReused holds that a worker that was stopped during a failover does not mark another's transaction.
func TestStore_Handle_counterReused(t *testing.T) {
	t.Parallel()
	log := newWorld(31, 20).deliveries()
	pool, g := database(t), under(1)
	raise(t, pool, 1)
	k := newSystemThrough(t, pool, newListener(log), g, func(point string) {
		if point == "facts" { // published, not yet marked: now another leader allocates its counter to a transaction that is not published
			execute(t, pool, "UPDATE agrichat.ledger SET token = 2")
			raise(t, pool, 2)
			g.token.Store(2)
		}
	})
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	var unmarked int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.ledger WHERE facts_at IS NULL").Scan(&unmarked); err != nil || unmarked != 1 {
		t.Errorf("%d transactions are to be told, want 1: %v", unmarked, err)
	}
}

// TestPublisher_Republish_tokenChanged is the same for publishing what other processes left pending.
func TestPublisher_Republish_tokenChanged(t *testing.T) {
	t.Parallel()
	log := newWorld(32, 20).deliveries()
	pool, g, l := database(t), under(1), newListener(log)
	raise(t, pool, 1)
	k := newSystemThrough(t, pool, l, g, nil)
	l.fail = errors.New("no bus")
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	l.fail = nil
	l.publishing = func() {
		raise(t, pool, 2)
		g.token.Store(2)
	}
	if _, err := k.Reconcile(t.Context(), 0, true); fault.Of(err) != fault.Transient || err == nil || !strings.Contains(err.Error(), "the leader changed meanwhile") {
		t.Errorf("it says %v", err)
	}
	l.publishing = nil
	if filled, err := k.Reconcile(t.Context(), 20, true); err != nil || filled != 0 {
		t.Errorf("the next one filled %d: %v", filled, err)
	}
}

// TestStore_Handle_identityReadAgain holds that no fact carries a generation, and no row an incarnation, that a failover took back:
// with a token that shows it, and without.
func TestStore_Handle_identityReadAgain(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]uint64{"a new token": 2, "no token": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := newWorld(33, 60).deliveries()
			pool, g, l := database(t), under(1), newListener(log)
			raise(t, pool, 1)
			k := newSystemThrough(t, pool, l, g, nil)
			for i, step := range []struct {
				lose       string
				generation uint16
			}{
				{"SELECT 1", 7},
				{"UPDATE agrichat.store SET generation = 9", 9},
				{"UPDATE agrichat.store SET generation = NULL", 7},
				{"TRUNCATE agrichat.incarnations", 7},
			} {
				execute(t, pool, step.lose)
				if i > 0 {
					raise(t, pool, token)
					g.token.Store(token)
				}
				clear(l.states)
				clear(l.facts)
				if err := k.Handle(t.Context(), log[i*10:i*10+10]); err != nil {
					t.Fatalf("%s: %v", step.lose, err)
				}
				for what, v := range l.states {
					if v.Generation != step.generation {
						t.Fatalf("%s: %s has version %s", step.lose, what, v)
					}
				}
			}
			var lives int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.incarnations").Scan(&lives); err != nil || lives != 1 {
				t.Errorf("the stream has %d lives: %v", lives, err)
			}
		})
	}
}

// TestStore_Handle_tokenAfterWait holds that a writer that waits while the token is raised sees the new one.
func TestStore_Handle_tokenAfterWait(t *testing.T) {
	t.Parallel()
	log := newWorld(34, 20).deliveries()
	pool := database(t)
	raise(t, pool, 1)
	k := newSystemThrough(t, pool, newListener(log), under(1), nil)
	if err := k.Handle(t.Context(), log[:10]); err != nil {
		t.Fatal(err)
	}
	before := allRows(t, pool)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), tx)
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", int64(pg.WriterLock)); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE agrichat.fence SET token = 2"); err != nil {
		t.Fatal(err)
	}
	handled := make(chan error, 1)
	go func() { handled <- k.Handle(t.Context(), log[10:]) }()
	until(t, pool, "SELECT count(*) = 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database "+
		"WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-handled; err == nil || !strings.Contains(err.Error(), "token 1 is stale: the database has seen 2") {
		t.Errorf("it says %v", err)
	}
	if diff := cmp.Diff(before, allRows(t, pool)); diff != "" {
		t.Errorf("it wrote (-before +after):\n%s", diff)
	}
}

// until polls until the answer is yes.
func until(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for yes := false; !yes; {
		if err := pool.QueryRow(ctx, sql).Scan(&yes); err != nil {
			t.Fatalf("waiting until %s: %v", sql, err)
		}
	}
}

// TestStore_Handle_otherToken goes through everything that writes, under a token that the database is past and under
// one that it has not seen: not even a new database is initialised.
func TestStore_Handle_otherToken(t *testing.T) {
	t.Parallel()
	log := newWorld(35, 20).deliveries()
	for token, say := range map[uint64]string{4: "token 4 is stale: the database has seen 5", 6: "token 6 has not been raised here"} {
		pool := database(t)
		raise(t, pool, 5)
		k := newSystemThrough(t, pool, newListener(log), under(token), nil)
		for _, born := range []bool{false, true} {
			if born {
				if err := newSystemThrough(t, pool, newListener(log), under(5), nil).Handle(t.Context(), log[:5]); err != nil {
					t.Fatal(err)
				}
				execute(t, pool, "UPDATE agrichat.ledger SET written_at = '2020-01-01'")
			}
			before := allRows(t, pool)
			for name, write := range map[string]func() error{
				"Handle":  func() error { return k.Handle(t.Context(), log) },
				"Repair":  func() error { return k.Repair(t.Context(), log) },
				"Bury":    func() error { return k.DeadLetter(t.Context(), log[9], errors.New("x")) },
				"Settle":  func() error { return k.ResolveDeadLetter(t.Context(), log[9], "dropped") },
				"Compact": func() error { return k.Compact(t.Context(), 0) },
				"Sweep":   func() error { _, err := k.Reconcile(t.Context(), 20, true); return err },
				"Recover": func() error { _, err := k.RecoverAfterFailover(t.Context(), under(token), 20); return err },
			} {
				if err := write(); err == nil || fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), say) {
					t.Errorf("%s says %v, want %q", name, err, say)
				}
			}
			if diff := cmp.Diff(before, allRows(t, pool)); diff != "" {
				t.Errorf("under token %d (-before +after):\n%s", token, diff)
			}
		}
	}
}

// allRows is all rows of all tables that a store writes in addition to those of state, as they are.
func allRows(t *testing.T, pool *pgxpool.Pool) map[string][]string {
	t.Helper()
	out := state(t, pool)
	for _, table := range []string{"ledger", "store", "incarnations", "dead_letters"} {
		rows, err := pool.Query(t.Context(), "SELECT to_jsonb(x)::text FROM agrichat."+table+" x ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		if out[table], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestRecovery_AfterFailover_oneAtATime holds that a second recovery is turned away, and that a stopped one is not waited for.
func TestRecovery_AfterFailover_oneAtATime(t *testing.T) {
	t.Parallel()
	log := newWorld(36, 40).deliveries()
	pool, l := database(t), newListener(log)
	k := newSystemThrough(t, pool, l, shut{}, nil)
	var second error
	l.publishing = func() { _, second = k.RecoverAfterFailover(t.Context(), gate.Open{}, 40) }
	if filled, err := k.RecoverAfterFailover(t.Context(), gate.Open{}, 40); err != nil || filled != 40 {
		t.Errorf("filled %d: %v", filled, err)
	}
	if !errors.Is(second, lock.ErrHeld) {
		t.Errorf("a second sweeper is told %v", second)
	}
	l.publishing = nil

	stopped, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Release()
	// The first one's session may still be ending.
	if _, err := stopped.Exec(t.Context(), "SELECT pg_advisory_lock($1)", int64(0x6167726973776570)); err != nil {
		t.Fatal(err)
	}
	var got bool
	acquire, err := os.ReadFile("lock/queries/acquire.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := stopped.QueryRow(t.Context(), string(acquire), int64(0x6167726973776570), "3000").Scan(&got); err != nil || !got {
		t.Fatal("took no lock", err)
	}
	if _, err := k.RecoverAfterFailover(t.Context(), gate.Open{}, 40); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("beside one that was just stopped: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for err = lock.ErrHeld; errors.Is(err, lock.ErrHeld); {
		_, err = k.RecoverAfterFailover(ctx, gate.Open{}, 40)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestRecovery_AfterFailover_publishes holds what a round does and leaves.
func TestRecovery_AfterFailover_publishes(t *testing.T) {
	t.Parallel()
	log := newWorld(37, 40).deliveries()
	pool, l := database(t), newListener(log)
	k := newSystem(t, pool, l)
	for part := range 2 {
		if err := k.Handle(t.Context(), log[part*10:part*10+10]); err != nil {
			t.Fatal(err)
		}
	}
	l.fail = errors.New("no bus")
	_ = k.Handle(t.Context(), log[20:30])
	l.fail = nil
	execute(t, pool, "UPDATE agrichat.ledger SET written_at = '2020-01-01' WHERE facts_at IS NOT NULL")
	filled, err := newSystemThrough(t, pool, l, shut{}, nil).RecoverAfterFailover(t.Context(), gate.Open{}, 40)
	if err != nil || filled != 10 {
		t.Fatalf("filled %d: %v", filled, err)
	}
	var rows, untold int
	if err := pool.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE facts_at IS NULL) FROM agrichat.ledger").Scan(&rows, &untold); err != nil {
		t.Fatal(err)
	}
	if rows != 4 || untold != 0 {
		t.Errorf("the ledger has %d rows, %d untold; want 4 and 0", rows, untold)
	}
	if diff := cmp.Diff(storedWhole(t, log).current(), l.current()); diff != "" {
		t.Error(diff)
	}
}

// storedWhole is what a consumer that missed nothing has got.
func storedWhole(t *testing.T, log []consumers.Delivery) *listener {
	t.Helper()
	l := newListener(log)
	if err := newSystem(t, database(t), l).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	return l
}

// late is the permission of a process that was stopped: it has ended, and nothing that waits for its end has noticed.
type late struct{ context.Context }

func (late) Err() error { return gate.ErrShut }

func (late) Enter(ctx context.Context) (*gate.Permit, error) {
	return gate.NewPermit(late{context.WithoutCancel(ctx)}, gate.Term{}, func() {}), nil
}

func TestStore_Handle_permitEnds(t *testing.T) {
	t.Parallel()
	log := newWorld(38, 10).deliveries()
	pool := database(t)
	if err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log[:5]); err != nil {
		t.Fatal(err)
	}
	before := allRows(t, pool)
	err := newSystemThrough(t, pool, newListener(log), late{}, nil).Handle(t.Context(), log)
	if !errors.Is(err, gate.ErrShut) || fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "committing") {
		t.Errorf("it says %v", err)
	}
	if diff := cmp.Diff(before, allRows(t, pool)); diff != "" {
		t.Error(diff)
	}
}

// TestStore_Handle_concurrentIdentity holds that of several stores that find the stream new one writes its incarnation.
func TestStore_Handle_concurrentIdentity(t *testing.T) {
	t.Parallel()
	log := newWorld(39, 60).deliveries()
	for range 5 {
		pool := database(t)
		var g errgroup.Group
		for i := range 6 {
			k := newSystem(t, pool, newListener(log))
			g.Go(func() error { return k.Handle(t.Context(), log[i*10:i*10+10]) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		var lives int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.incarnations").Scan(&lives); err != nil || lives != 1 {
			t.Errorf("the stream has %d lives: %v", lives, err)
		}
	}
}
