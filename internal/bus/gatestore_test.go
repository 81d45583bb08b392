package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// orderAt is an order of a round.
func orderAt(round uint64, s gate.State) gate.DesiredState {
	return gate.DesiredState{
		State: s, Reason: gate.ByHand, Detail: "работа", Leader: "a", Token: 7, System: "s", Timeline: 2, Round: round,
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), By: "test", Hold: &gate.OperatorHold{Why: "w", By: "me@here"},
	}
}

func orders(t testing.TB, b *Bus) *GateStore {
	t.Helper()
	o, err := b.GateStore(t.Context())
	must(t, err)
	return o
}

func TestGateStore_Swap(t *testing.T) {
	b := newBus(t)
	o := orders(t, b)
	if order, rev, err := o.Read(t.Context()); err != nil || rev != 0 || order.State != "" {
		t.Fatal(order, rev, err)
	}
	if _, err := o.Swap(t.Context(), orderAt(1, gate.Shut), 5); !errors.Is(err, gate.ErrConflict) {
		t.Fatal("replaced what is not there:", err)
	}
	first, err := o.Swap(t.Context(), orderAt(1, gate.Shut), 0)
	must(t, err)
	got, rev, err := o.Read(t.Context())
	must(t, err)
	if diff := cmp.Diff(orderAt(1, gate.Shut), got); diff != "" || rev != first {
		t.Fatal(rev, first, diff)
	}
	must(t, o.Report(t.Context(), gate.Report{Round: 1})) // other keys do not move it
	next, err := o.Swap(t.Context(), orderAt(2, gate.Opened), first)
	must(t, err)
	for _, old := range []uint64{0, first} {
		if _, err := o.Swap(t.Context(), orderAt(3, gate.Shut), old); !errors.Is(err, gate.ErrConflict) || fault.Of(err) != fault.Transient {
			t.Fatal(old, err)
		}
	}
	if got, rev, err = o.Read(t.Context()); err != nil || rev != next || got.Round != 2 {
		t.Fatal(got, rev, err)
	}
	must(t, o.kv.Delete(t.Context(), stateKey))
	if _, rev, err = o.Read(t.Context()); err != nil || rev != 0 {
		t.Fatal(rev, err)
	}
	if _, err := o.Swap(t.Context(), orderAt(3, gate.Shut), next); !errors.Is(err, gate.ErrConflict) {
		t.Fatal("replaced what was deleted:", err)
	}
	_, err = o.Swap(t.Context(), orderAt(3, gate.Shut), 0)
	must(t, err)
	history, err := o.kv.History(t.Context(), stateKey)
	must(t, err)
	if len(history) != 4 {
		t.Errorf("an operator sees %d changes", len(history))
	}
}

func TestGateStore_Swap_concurrent(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	rev := uint64(0)
	for round := range uint64(10) {
		var won atomic.Uint64
		var wins atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			o := orders(t, b)
			wg.Go(func() {
				r, err := o.Swap(t.Context(), orderAt(round, gate.Shut), rev)
				switch {
				case err == nil:
					won.Store(r)
					wins.Add(1)
				case !errors.Is(err, gate.ErrConflict):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("%d won round %d", wins.Load(), round)
		}
		rev = won.Load()
	}
}

func TestGateStore_Read_writtenByHand(t *testing.T) {
	b := newBus(t)
	o := orders(t, b)
	for _, text := range []string{"open", "null", `{"state":"ajar"}`, `{"state":"open","token":"x"}`, "[]"} {
		at, err := o.kv.Put(t.Context(), stateKey, []byte(text))
		must(t, err)
		_, rev, err := o.Read(t.Context())
		if err == nil || rev != at || fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "nats kv del AGRICHAT_GATE order") {
			t.Fatalf("%s: revision %d, %v", text, rev, err)
		}
		_, err = o.Swap(t.Context(), orderAt(1, gate.Shut), rev)
		must(t, err)
	}
	_, err := o.kv.Put(t.Context(), stateKey, nil) // emptied, as some do to delete
	must(t, err)
	if _, rev, err := o.Read(t.Context()); err != nil || rev != 0 {
		t.Fatal(rev, err)
	}
	_, err = o.Swap(t.Context(), orderAt(1, gate.Shut), 0)
	must(t, err)
}

func TestGateStore_Report_earlierEpoch(t *testing.T) {
	o := orders(t, newBus(t))
	must(t, o.Report(t.Context(), gate.Report{Round: 9})) // where there is no desired state
	_, err := o.Swap(t.Context(), orderAt(3, gate.Recovering), 0)
	must(t, err)
	must(t, o.Report(t.Context(), gate.Report{Round: 3, UpTo: 5}))
	if err := o.Report(t.Context(), gate.Report{Round: 2, UpTo: 99}); !errors.Is(err, gate.ErrConflict) {
		t.Fatal(err)
	}
	data, _, err := o.last(t.Context(), reportKey)
	if err != nil || !strings.Contains(string(data), `"up_to":5`) {
		t.Fatal(string(data), err)
	}
}

func TestGateStore_noBucket(t *testing.T) {
	_, err := newServer(t).connect().GateStore(t.Context())
	if !errors.Is(err, jetstream.ErrBucketNotFound) || !strings.Contains(err.Error(), gateBucket) {
		t.Fatal(err)
	}
}

// claimer is a process that wants to be the controller, with a clock of its own.
type claimer struct {
	t     *testing.T
	o     *GateStore
	id    string
	clock time.Time
}

func newClaimer(t *testing.T, ts *testServer, id string) *claimer {
	c := &claimer{t: t, o: orders(t, ts.connect()), id: id, clock: time.Now()}
	c.o.now = func() time.Time { return c.clock }
	return c
}

// claims lets time pass in this process, and claims.
func (c *claimer) claims(after time.Duration, etcdReachable, want bool) {
	c.t.Helper()
	c.clock = c.clock.Add(after)
	held, err := c.o.Lease(c.t.Context(), c.id, etcdReachable)
	if err != nil || held != want {
		c.t.Fatalf("%s holds the claim: %v, want %v (%v)", c.id, held, want, err)
	}
}

func twoClaimers(t *testing.T) (a, b *claimer) {
	ts := newServer(t)
	must(t, ts.connect().Ensure(t.Context()))
	return newClaimer(t, ts, "a"), newClaimer(t, ts, "b")
}

func TestGateStore_Lease(t *testing.T) {
	const tick = 3 * time.Second
	t.Run("renewed", func(t *testing.T) {
		a, b := twoClaimers(t)
		for range 8 {
			a.claims(tick, true, true)
			b.claims(tick, true, false)
		}
	})
	t.Run("its holder died", func(t *testing.T) {
		a, b := twoClaimers(t)
		a.claims(0, true, true)
		b.claims(tick, true, false) // sees it for the first time, three seconds after the death
		b.claims(tick, true, false)
		b.claims(tick, true, false)
		b.claims(tick, true, false)
		b.claims(tick, true, true) // after 15 s
		a.claims(time.Hour, true, false)
		b.claims(tick, true, true)
	})
	t.Run("its holder's clock is wrong", func(t *testing.T) {
		a, b := twoClaimers(t)
		a.clock = a.clock.Add(-1000 * time.Hour)
		a.claims(0, true, true)
		b.claims(0, true, false)
		b.claims(9*time.Second, true, false)
		a.claims(0, true, true)
		b.claims(9*time.Second, true, false)
	})
	t.Run("yielded", func(t *testing.T) {
		a, b := twoClaimers(t)
		must(t, a.o.Release(t.Context(), "a"))
		a.claims(0, true, true)
		must(t, b.o.Release(t.Context(), "b"))
		b.claims(0, true, false)
		must(t, a.o.Release(t.Context(), "a"))
		b.claims(0, false, true)
		must(t, a.o.Release(t.Context(), "a"))
		b.claims(0, true, true)
	})
	t.Run("its holder has no word", func(t *testing.T) {
		a, b := twoClaimers(t)
		a.claims(0, false, true)
		b.claims(0, false, false)
		b.claims(0, true, true)
		a.claims(0, true, false)
		a.claims(0, false, false)
		b.claims(0, false, true)
		a.claims(0, true, true)
	})
	t.Run("by hand", func(t *testing.T) {
		a, b := twoClaimers(t)
		_, err := a.o.kv.Put(t.Context(), controllerKey, []byte("me"))
		must(t, err)
		if held, err := b.o.Lease(t.Context(), "b", true); held || err == nil || !strings.Contains(err.Error(), "nats kv del AGRICHAT_GATE controller") {
			t.Fatal(held, err)
		}
		must(t, b.o.Release(t.Context(), "b"))
		b.claims(10*time.Second, true, true)
	})
	t.Run("lost between reading and writing", func(t *testing.T) {
		a, b := twoClaimers(t)
		a.claims(0, true, true)
		a.o.now = func() time.Time { // the clock is looked at after reading and before writing
			a.o.now = func() time.Time { return a.clock }
			b.claims(0, true, false)
			b.claims(11*time.Second, true, true)
			return a.clock
		}
		a.claims(0, true, false)
	})
}

func TestGateStore_Lease_concurrent(t *testing.T) {
	ts := newServer(t)
	must(t, ts.connect().Ensure(t.Context()))
	var all []*GateStore
	for range 5 {
		all = append(all, orders(t, ts.connect()))
	}
	for range 10 {
		var held atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for i, o := range all {
			wg.Go(func() {
				id := fmt.Sprint("c", i)
				got, err := o.Lease(t.Context(), id, true)
				if err != nil {
					t.Error(err)
				}
				if got {
					held.Add(1)
					winner.Store(id)
				}
			})
		}
		wg.Wait()
		if held.Load() != 1 {
			t.Fatalf("%d hold the claim", held.Load())
		}
		must(t, all[0].Release(context.WithoutCancel(t.Context()), winner.Load().(string)))
	}
}
