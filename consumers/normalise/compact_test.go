package normalise_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// What came of some sequences, and where their transactions begin, does not depend on whether the ledger's rows are joined.
func TestStore_Compact_answers(t *testing.T) {
	t.Parallel()
	pool := database(t)
	k := newSystem(t, pool, newListener(nil))
	const n = 60
	for i := uint64(1); i <= n; i++ {
		e := sealed(t, event.NativeID(fmt.Sprint((i+1)/2*2)), event.Unedited, &event.Message{Text: "text"}, event.Person{ID: "ann"})
		e.Account = []event.Account{"me", "you"}[i%2] // every message comes from both
		if err := k.Handle(t.Context(), []consumers.Delivery{delivery(t, i, e)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.MarkDeleted(t.Context(), seqset.Of(2000)); err != nil { // nothing is there
		t.Fatal(err)
	}
	restoreExec(t, pool, "UPDATE agrichat.ledger SET written_at = written_at - interval '3 days' WHERE counter <= 20")
	type answers struct {
		Came     map[string][]normalise.ImportCounts
		Counters map[uint64]int64
	}
	look := func() (a answers) {
		a.Came, a.Counters = map[string][]normalise.ImportCounts{}, map[uint64]int64{}
		for _, s := range []seqset.Set{seqset.Of(n-1, n), seqset.Of(1), seqset.Of(3, 4, 5, 30, 31, 57), seqset.Of(2), seqset.Of(2000)} {
			came, err := k.ImportCounts(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			a.Came[s.String()] = came
		}
		for _, seq := range []uint64{1, 7, 31, n - 1} {
			c, err := k.CounterAt(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			a.Counters[seq] = c
		}
		return a
	}
	before := look()
	if c := before.Came[seqset.Of(1).String()]; len(c) != 1 || c[0].Stored != 1 || c[0].Facts == 0 {
		t.Errorf("of one sequence came %+v", c)
	}
	if before.Counters[n-1] <= 1 || before.Counters[1] != 1 {
		t.Errorf("the counters are %v", before.Counters)
	}
	for range 2 {
		if err := k.Compact(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("after compaction (-before +after):\n%s", diff)
		}
	}
	var rows int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.ledger").Scan(&rows); err != nil || rows != 2 {
		t.Errorf("the ledger has %d rows, not one a day: %v", rows, err)
	}
	if held, err := k.LedgerRange(t.Context(), 1, n); err != nil || held.Len() != n {
		t.Errorf("the ledger holds %s: %v", held, err)
	}
}
