package normalise_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/gate"
)

// TestRecovery_Reconcile_undecodable holds that what was settled without being stored does not stay a gap that is read
// again and again.
func TestRecovery_Reconcile_undecodable(t *testing.T) {
	t.Parallel()
	log := newWorld(21, 30).deliveries()
	log[4].Data, log[20].Data = []byte(`{"v":1,`), nil
	l, pool := newListener(log), database(t)
	k := newSystem(t, pool, l)
	l.buryFails = errors.New("no dead letters now")
	if _, err := k.Reconcile(t.Context(), 30, false); !errors.Is(err, l.buryFails) {
		t.Fatalf("without a copy it says %v", err)
	}
	l.buryFails = nil
	for i, want := range []uint64{2, 0} {
		filled, err := k.Reconcile(t.Context(), 30, false)
		if err != nil || filled != want {
			t.Errorf("sweep %d filled %d, want %d: %v", i, filled, want, err)
		}
	}
	if held, err := k.LedgerRange(t.Context(), 1, 30); err != nil || held.Len() != 30 {
		t.Errorf("the ledger holds %s: %v", held, err)
	}
	var noted int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.dead_letters WHERE position >> 10 IN (5, 21) AND cause <> ''").Scan(&noted); err != nil || noted != 2 {
		t.Errorf("%d dead letters are noted: %v", noted, err)
	}
	if l.deadLettered[event.At(5, 0)] == "" || l.deadLettered[event.At(21, 0)] == "" || len(l.deadLettered) != 2 {
		t.Errorf("copies were made of %v", l.deadLettered)
	}
}

// TestRecovery_Reconcile_logsRejectedOnce holds that one message that Postgres rejects keeps no other from being stored.
func TestRecovery_Reconcile_logsRejectedOnce(t *testing.T) {
	t.Parallel()
	log := newWorld(22, 30).deliveries()
	l, pool := newListener(log), database(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE agrichat.events ADD CHECK (event_id <> '"+log[6].EventIDs+"')"); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: gate.Open{}, Stream: l,
		Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{29, 0, 0} {
		filled, err := k.Reconcile(t.Context(), 30, false)
		if err != nil || filled != want {
			t.Errorf("sweep %d filled %d, want %d: %v", i, filled, want, err)
		}
	}
	if held, err := k.LedgerRange(t.Context(), 1, 30); err != nil || held.Len() != 29 || held.Has(7) {
		t.Errorf("the ledger holds %s: %v", held, err)
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "sequence=7") {
		t.Errorf("it says:\n%s", &said)
	}
	if len(l.deadLettered) != 0 {
		t.Errorf("a refusal without a witness made dead letters: %v", l.deadLettered)
	}
}

// TestRecovery_Reconcile_allRejected holds that a record that takes nothing is not passed over.
func TestRecovery_Reconcile_allRejected(t *testing.T) {
	t.Parallel()
	log := newWorld(23, 150).deliveries()
	l, pool := newListener(log), database(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE agrichat.events ADD CHECK (kind = 'none')"); err != nil {
		t.Fatal(err)
	}
	_, err := newSystem(t, pool, l).Reconcile(t.Context(), 150, false)
	if err == nil || !strings.Contains(err.Error(), "rejects one message after the other") {
		t.Errorf("it says %v", err)
	}
}
