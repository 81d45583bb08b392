package normalise_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/seqset"
)

func unstoredRows(ctx context.Context, t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(ctx, "SELECT sequences::text || coalesce(' ' || accepted_by, '') FROM agrichat.unstored_sequences ORDER BY counter")
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRecovery_Reconcile_unstored: what the stream no longer holds is recorded where it was never stored, and nowhere else.
func TestRecovery_Reconcile_unstored(t *testing.T) {
	t.Parallel()
	log := newWorld(71, 400).deliveries()
	l, pool := newListener(log), database(t)
	var noted uint64
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: gate.Open{}, Stream: l, Log: slog.New(slog.DiscardHandler),
		Observe: func(tx normalise.Transaction) { noted += tx.Unstored }})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Handle(t.Context(), log[:100]); err != nil {
		t.Fatal(err)
	}
	if err := k.DeadLetter(t.Context(), log[100], errors.New("unreadable")); err != nil { // a dead letter is no unstored sequence
		t.Fatal(err)
	}
	for seq := uint64(51); seq <= 300; seq++ { // 51 to 100 were stored, 101 is a dead letter
		delete(l.log, seq)
	}
	for range 2 { // the second one finds nothing new
		if _, err := k.Reconcile(t.Context(), 400, true); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"{[102,301)}"}, unstoredRows(t.Context(), t, pool)); diff != "" || noted != 199 {
		t.Errorf("%d were noted, -want +got:\n%s", noted, diff)
	}
	var asked seqset.Set
	asked.Add(40, 110)
	if got, err := k.UnstoredIn(t.Context(), asked); err != nil || got.String() != "{[102,111)}" {
		t.Errorf("of 40 to 110 were removed %s: %v", got, err)
	}
	var counter int64
	if err := pool.QueryRow(t.Context(), "SELECT counter FROM agrichat.unstored_sequences").Scan(&counter); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"first@host", "second@host"} {
		if err := k.AcceptUnstored(t.Context(), []int64{counter}, by); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"{[102,301)} first@host"}, unstoredRows(t.Context(), t, pool)); diff != "" {
		t.Error(diff)
	}
}
