package normalise_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
)

// TestStore_Repair holds that every row of a state is explained by events, and comes of them again as it was.
func TestStore_Repair(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		for table, key := range map[string]string{"reactions": "thing_id", "memberships": "thing_id", "channels": "key",
			"identities": "key", "messages": "thing_id"} {
			t.Run(fmt.Sprint(table, seed), func(t *testing.T) {
				t.Parallel()
				log := newWorld(seed, 300).deliveries()
				pool := database(t)
				k := newSystem(t, pool, newListener(log))
				for part := range slices.Chunk(log, 20) { // so that rows come and are withdrawn
					if err := k.Handle(t.Context(), part); err != nil {
						t.Fatal(err)
					}
				}
				before, rows := state(t, pool), keysOf(t, pool, table, key)
				if _, err := pool.Exec(t.Context(), "DELETE FROM agrichat."+table); err != nil {
					t.Fatal(err)
				}
				lost := map[[16]byte]bool{}
				for _, id := range rows {
					lost[id] = true
				}
				explain := slices.DeleteFunc(slices.Clone(log), func(d consumers.Delivery) bool {
					return !slices.ContainsFunc(k.AffectedIDs(d), func(id [16]byte) bool { return lost[id] })
				})
				if err := k.Repair(t.Context(), explain); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, state(t, pool)); diff != "" {
					t.Errorf("-before +after:\n%s", diff)
				}
				now := keysOf(t, pool, table, key)
				for _, id := range rows {
					if !slices.Contains(now, id) {
						t.Errorf("%x does not come again", id)
					}
				}
			})
		}
	}
}

// keysOf lists the rows that were published, and tombstones of messages that never came: verification finds these too.
func keysOf(t *testing.T, pool *pgxpool.Pool, table, key string) [][16]byte {
	t.Helper()
	where := ""
	if table == "messages" {
		where = " WHERE kind IS NOT NULL OR deleted"
	}
	rows, err := pool.Query(t.Context(), "SELECT "+key+" FROM agrichat."+table+where)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil || len(out) == 0 {
		t.Fatal(len(out), err)
	}
	return out
}

func TestStore_AffectedIDs_undecodable(t *testing.T) {
	t.Parallel()
	k := newSystem(t, database(t), newListener(nil))
	if ids := k.AffectedIDs(consumers.Delivery{Sequence: 1, Data: []byte("{")}); len(ids) != 0 {
		t.Errorf("it made %x", ids)
	}
}
