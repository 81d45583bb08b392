package normalise_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A store that is new, over a stream that begins at fifty million: one question finds out what was purged, and the next
// reconciliation begins above it.
func TestRecovery_Reconcile_purged(t *testing.T) {
	t.Parallel()
	const purged, n = 50_000_000, 200
	log := newWorld(73, n).deliveries()
	for i := range log {
		log[i].Sequence += purged
	}
	l, pool := newListener(log), database(t)
	l.end = purged + n
	k := newSystem(t, pool, l)
	l.gets.Store(0)
	if filled, err := k.Reconcile(t.Context(), purged+n, true); err != nil || filled != purged+n {
		t.Fatalf("filled %d: %v", filled, err)
	}
	if gets, nexts := l.gets.Load(), l.nexts.Load(); gets > 8 || nexts > 2 {
		t.Errorf("it asked for %d messages and %d times for the next one", gets, nexts)
	}
	if diff := cmp.Diff([]string{"{[1,50000001)}"}, unstoredRows(t.Context(), t, pool)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(storedWhole(t, log).current(), l.current()); diff != "" {
		t.Error(diff)
	}
	for i := range 2 { // the first of them learns that there is no gap
		l.nexts.Store(0)
		if filled, err := k.Reconcile(t.Context(), purged+n, true); err != nil || filled != 0 {
			t.Errorf("the next one filled %d: %v", filled, err)
		}
		if nexts := l.nexts.Load(); nexts > int64(1-i) {
			t.Errorf("the next one asked %d times for the next message", nexts)
		}
	}
}

// A gap in the middle of the stream costs a question, not one for every sequence of it.
func TestRecovery_Reconcile_gapInTheMiddle(t *testing.T) {
	t.Parallel()
	const gap, n = 20_000, 200
	log := newWorld(74, n).deliveries()
	for i := n / 2; i < n; i++ {
		log[i].Sequence += gap
	}
	l, pool := newListener(log), database(t)
	l.end = gap + n
	k := newSystem(t, pool, l)
	l.gets.Store(0)
	if filled, err := k.Reconcile(t.Context(), gap+n, true); err != nil || filled != gap+n {
		t.Fatalf("filled %d: %v", filled, err)
	}
	if gets, nexts := l.gets.Load(), l.nexts.Load(); gets > 8 || nexts > 4 {
		t.Errorf("it asked for %d messages and %d times for the next one", gets, nexts)
	}
	if diff := cmp.Diff([]string{"{[101,20101)}"}, unstoredRows(t.Context(), t, pool)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
