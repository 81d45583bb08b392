package normalise_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/fault"
)

// cutter is a connection that breaks right after the next commit was sent: its outcome is unknown.
type cutter struct {
	net.Conn
	armed *atomic.Bool
}

func (c cutter) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if bytes.Contains(bytes.ToLower(b), []byte("commit")) && c.armed.CompareAndSwap(true, false) {
		_ = c.Close()
	}
	return n, err
}

func cutting(t *testing.T, pool *pgxpool.Pool, armed *atomic.Bool) *pgxpool.Pool {
	t.Helper()
	c := pool.Config()
	c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return cutter{conn, armed}, err
	}
	out, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// TestStore_Handle_commitUnanswered holds that the ledger decides: on the server that has the transaction it is published and not applied
// again, on one that lost it it is applied.
func TestStore_Handle_commitUnanswered(t *testing.T) {
	t.Parallel()
	log := newWorld(51, 60).deliveries()
	want := storedWhole(t, log).current()
	for name, lost := range map[string]bool{"stands": false, "was lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var armed atomic.Bool
			old, l := database(t), newListener(log)
			raise(t, old, 1)
			k := newSystemThrough(t, cutting(t, old, &armed), l, under(1), nil)
			if err := k.Handle(t.Context(), log[:1]); err != nil {
				t.Fatal(err)
			}
			armed.Store(true)
			if err := k.Handle(t.Context(), log); err == nil || fault.Of(err) != fault.Transient {
				t.Fatalf("it says %v", err)
			}
			until(t, old, "SELECT count(*) = 2 FROM agrichat.ledger")
			if l.told == 0 || len(l.current()) == len(want) {
				t.Error("what nobody knows to stand was told")
			}
			pool := old
			if lost {
				pool = database(t)
			}
			raise(t, pool, 2)
			if err := newSystemThrough(t, pool, l, under(2), nil).Handle(t.Context(), log); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, l.current()); diff != "" {
				t.Error(diff)
			}
			var rows int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.ledger WHERE facts_at IS NOT NULL").Scan(&rows); err != nil || !lost && rows != 2 || lost && rows != 1 {
				t.Errorf("the ledger has %d rows: %v", rows, err)
			}
		})
	}
}
