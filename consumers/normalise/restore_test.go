package normalise_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/seqset"
)

// watched returns a store that counts what it found replaced.
func watched(t *testing.T, pool *pgxpool.Pool, l *listener, hook func(string)) (*system, map[string]*atomic.Int64) {
	t.Helper()
	n := map[string]*atomic.Int64{"generation": {}, "incarnation": {}}
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: gate.Open{}, Stream: l, Failpoint: hook,
		Log: slog.New(slog.DiscardHandler), Replaced: func(what string) { n[what].Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	return k, n
}

func stored(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A stream that was put back gives its sequences to other messages: they are stored.
func TestStore_Handle_streamRestored(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		noted  bool // the stream's end shows it, and the store is invalidated
		beyond int  // messages after the old end
	}{
		{"noticed by its end", true, 0},
		{"noticed under running workers", false, 0},
		{"noticed after the old end was passed", false, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := restoreMessages(16)
			pool := database(t)
			l := newListener(all[:8])
			l.end = 8
			k, found := watched(t, pool, l, nil)
			if err := k.Handle(t.Context(), all[:8]); err != nil {
				t.Fatal(err)
			}
			// Back to 4, and then other messages.
			l.log, l.end = map[uint64]consumers.Delivery{}, uint64(4)
			for _, d := range all[:4] {
				l.log[d.Sequence] = d
			}
			fresh := all[8 : 10+tt.beyond]
			if tt.beyond > 0 {
				fresh = all[8:16]
			}
			for i := range fresh {
				fresh[i].Sequence = uint64(5 + i)
				l.log[fresh[i].Sequence] = fresh[i]
				l.end++
			}
			if tt.noted {
				k.Invalidate()
			}
			if err := k.Handle(t.Context(), fresh); err != nil {
				t.Fatal(err)
			}
			if got, want := stored(t, pool), 8+len(fresh); got != want {
				t.Errorf("%d events are stored, not %d", got, want)
			}
			if n := found["incarnation"].Load(); n != 1 {
				t.Errorf("%d new incarnations", n)
			}
			var from int
			if err := pool.QueryRow(t.Context(), "SELECT coalesce(republish_from, 0) FROM agrichat.store").Scan(&from); err != nil || from != 1 {
				t.Errorf("facts are published again from %d on, %v", from, err)
			}
			came, err := k.ImportCounts(t.Context(), setOf(fresh))
			var total int64
			for _, c := range came {
				total += c.Stored
			}
			if err != nil || total != int64(len(fresh)) {
				t.Errorf("came %+v, %v", came, err)
			}
		})
	}
}

// What a store does that has gone back is published under a new generation, and so is all that it holds.
func TestStore_Handle_storeRestored(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testing.T, *pgxpool.Pool, *listener, *system){
		"published under a counter that it has not come to": func(_ *testing.T, _ *pgxpool.Pool, l *listener, k *system) {
			l.published = fact.Version{Generation: 7, Counter: 1000}
			k.Invalidate()
		},
		"published under a newer generation": func(_ *testing.T, _ *pgxpool.Pool, l *listener, k *system) {
			l.published = fact.Version{Generation: 9}
			k.Invalidate()
		},
		"another system identifier": func(t *testing.T, pool *pgxpool.Pool, _ *listener, k *system) {
			restoreExec(t, pool, "UPDATE agrichat.store SET system_id = '1'")
			k.Invalidate()
		},
		"another timeline": func(t *testing.T, pool *pgxpool.Pool, _ *listener, k *system) {
			restoreExec(t, pool, "UPDATE agrichat.store SET timeline = '000000FF'")
			k.Invalidate()
		},
		"a counter comes again under a running worker": func(t *testing.T, pool *pgxpool.Pool, _ *listener, _ *system) {
			restoreExec(t, pool, "SELECT setval('agrichat.ledger_counter', 1)")
			restoreExec(t, pool, "DELETE FROM agrichat.ledger WHERE counter > 1")
			for _, table := range []string{"events", "messages", "identities"} {
				restoreExec(t, pool, "DELETE FROM agrichat."+table+" WHERE changed > 1")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := restoreMessages(12)
			pool := database(t)
			l := newListener(all)
			k, found := watched(t, pool, l, nil)
			for i := range 8 {
				if err := k.Handle(t.Context(), all[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			spoil(t, pool, l, k)
			if err := k.Handle(t.Context(), all[8:]); err != nil {
				t.Fatal(err)
			}
			if n := found["generation"].Load(); n != 1 {
				t.Fatalf("%d new generations", n)
			}
			if _, err := k.Reconcile(t.Context(), 12, false); err != nil {
				t.Fatal(err)
			}
			if err := k.RepublishPending(t.Context()); err != nil {
				t.Fatal(err)
			}
			for key, v := range l.states {
				if v.Generation <= 7 {
					t.Errorf("%s still has version %s", key, v)
				}
			}
			var from *int64
			if err := pool.QueryRow(t.Context(), "SELECT republish_from FROM agrichat.store").Scan(&from); err != nil || from != nil {
				t.Errorf("still to be published: %v, %v", from, err)
			}
		})
	}
}

// Without a token only the generation shows that a counter may have been allocated twice: what was published under another one
// marks nothing.
func TestStore_Handle_generationChanged(t *testing.T) {
	t.Parallel()
	all := restoreMessages(1)
	pool := database(t)
	l := newListener(all)
	k, _ := watched(t, pool, l, func(point string) {
		if point == "facts" {
			restoreExec(t, pool, "UPDATE agrichat.store SET generation = generation + 1")
		}
	})
	if err := k.Handle(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var pending int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.ledger WHERE facts_at IS NULL").Scan(&pending); err != nil || pending != 1 {
		t.Errorf("%d transactions are pending, %v", pending, err)
	}
}

func restoreExec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// restoreMessages are different messages, each at a sequence of its own.
func restoreMessages(n int) []consumers.Delivery {
	w := newWorld(91, 0)
	for i := range n {
		w.emit(event.KindMessage, event.NativeID(fmt.Sprint("restored", i)), event.Unedited, w.text(event.Unedited), w.person())
	}
	return w.deliveries()
}

func setOf(list []consumers.Delivery) (s seqset.Set) {
	for _, d := range list {
		s.Add(d.Sequence, d.Sequence)
	}
	return s
}
