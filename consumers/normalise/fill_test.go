package normalise_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRecovery_Backfill_range holds that gaps are filled by ranges, and that one that a range leaves out counts as deleted only if its
// own question says so.
func TestRecovery_Backfill_range(t *testing.T) {
	t.Parallel()
	const n = 10_000
	log := newWorld(41, n).deliveries()
	l, pool := newListener(log), database(t)
	for seq := uint64(4000); seq < 4100; seq++ {
		delete(l.log, seq)
	}
	l.late = func(seq uint64) bool { return seq > n-50 }
	k := newSystem(t, pool, l)
	if err := k.Handle(t.Context(), log[6000:6010]); err != nil {
		t.Fatal(err)
	}
	l.gets.Store(0)
	began := time.Now()
	filled, err := k.Reconcile(t.Context(), n, false)
	if err != nil || filled != n-10 {
		t.Fatalf("filled %d: %v", filled, err)
	}
	t.Logf("%d holes in %s", filled, time.Since(began))
	if gets, ranges := l.gets.Load(), l.ranges.Load(); gets > 151 || ranges != 1 {
		t.Errorf("it asked for %d messages and %d ranges", gets, ranges)
	}
	var stored int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.events WHERE position >= ($1 + 1) << 10", n-50).Scan(&stored); err != nil || stored == 0 {
		t.Errorf("%d of those that came late are stored: %v", stored, err)
	}
	if held, err := k.LedgerRange(t.Context(), 1, n); err != nil || held.Len() != n {
		t.Errorf("the ledger holds %s: %v", held, err)
	}
}

func TestRecovery_Backfill_get(t *testing.T) {
	t.Parallel()
	log := newWorld(42, 400).deliveries()
	l, pool := newListener(log), database(t)
	k := newSystem(t, pool, l)
	for i := 0; i < 400; i += 100 {
		if err := k.Handle(t.Context(), log[i+2:i+100]); err != nil {
			t.Fatal(err)
		}
	}
	l.gets.Store(0)
	if filled, err := k.Reconcile(t.Context(), 400, false); err != nil || filled != 8 {
		t.Fatalf("filled %d: %v", filled, err)
	}
	if gets, ranges := l.gets.Load(), l.ranges.Load(); gets != 12 || ranges != 0 { // four of them confirm the stream
		t.Errorf("it asked for %d messages and %d ranges", gets, ranges)
	}
	if diff := cmp.Diff(storedWhole(t, log).current(), l.current()); diff != "" {
		t.Error(diff)
	}
}
