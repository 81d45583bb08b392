package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
)

// seen is one call of a watch.
type seen struct {
	order    gate.DesiredState
	revision uint64
	reported *gate.Report
}

// watched is a watch and what it has seen.
type watched struct {
	t    *testing.T
	news chan seen
}

func watch(t *testing.T, o *GateStore) *watched {
	t.Helper()
	w := &watched{t: t, news: make(chan seen, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- o.Watch(ctx, func(o gate.DesiredState, r uint64) { w.news <- seen{order: o, revision: r} },
			func(s gate.Report) { w.news <- seen{reported: &s} })
	}()
	t.Cleanup(func() {
		began := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
		if took := time.Since(began); took > watchAsk/2 {
			t.Errorf("the watch took %s to end", took)
		}
	})
	return w
}

func (w *watched) next() seen {
	w.t.Helper()
	select {
	case s := <-w.news:
		return s
	case <-time.After(20 * time.Second):
		w.t.Fatal("the watch tells nothing")
		panic("unreachable")
	}
}

func (w *watched) order(round, revision uint64) {
	w.t.Helper()
	if s := w.next(); s.reported != nil || s.order.Round != round || s.revision != revision {
		w.t.Fatalf("told %+v, want round %d of revision %d", s, round, revision)
	}
}

func (w *watched) reconcile(round uint64) {
	w.t.Helper()
	if s := w.next(); s.reported == nil || s.reported.Round != round {
		w.t.Fatalf("told %+v, want the report of round %d", s, round)
	}
}

func (w *watched) quiet() {
	w.t.Helper()
	select {
	case s := <-w.news:
		w.t.Fatalf("told once more: %+v", s)
	default:
	}
}

func swap(t *testing.T, o *GateStore, round, revision uint64) uint64 {
	t.Helper()
	next, err := o.Swap(t.Context(), orderAt(round, gate.Shut), revision)
	must(t, err)
	return next
}

func TestGateStore_Watch(t *testing.T) {
	b := newBus(t)
	o := orders(t, b)
	w := watch(t, o)
	w.order(0, 0) // that there is none
	rev := swap(t, o, 1, 0)
	w.order(1, rev)
	began := time.Now()
	must(t, o.Report(t.Context(), gate.Report{Round: 1, UpTo: 9}))
	w.reconcile(1)
	if took := time.Since(began); took > watchAsk/2 {
		t.Errorf("told after %s", took)
	}
	late := watch(t, o)
	late.order(1, rev)
	late.reconcile(1)

	held, err := o.Lease(t.Context(), "x", true) // of no interest
	if err != nil || !held {
		t.Fatal(err)
	}
	for round := uint64(2); round < 40; round++ {
		rev = swap(t, o, round, rev)
		w.order(round, rev)
		late.order(round, rev)
	}
	must(t, o.kv.Delete(t.Context(), reportKey))
	must(t, o.kv.Delete(t.Context(), stateKey))
	w.order(0, 0)
	w.order(40, swap(t, o, 40, 0))
	w.quiet()
}

func TestGateStore_Watch_writtenByHand(t *testing.T) {
	o := orders(t, newBus(t))
	w := watch(t, o)
	w.order(0, 0)
	rev, err := o.kv.Put(t.Context(), stateKey, []byte("open!"))
	must(t, err)
	if s := w.next(); s.revision != rev || s.order.State != gate.Shut || s.order.Reason != gate.Unreadable || s.order.Detail == "" {
		t.Fatalf("%+v", s)
	}
	_, err = o.kv.Put(t.Context(), reportKey, []byte("all!"))
	must(t, err)
	w.order(1, swap(t, o, 1, rev))
	must(t, o.Report(t.Context(), gate.Report{Round: 2}))
	w.reconcile(2)
}

func TestGateStore_Watch_restart(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	w := watch(t, orders(t, b))
	w.order(0, 0)
	rev := uint64(0)
	for round := uint64(1); round < 4; round++ {
		rev = swap(t, orders(t, ts.connect()), round, rev)
		w.order(round, rev)
		ts.stop()
		ts.start()
		if round == 2 {
			continue // the next one is written before it watches again, or after
		}
		again := orders(t, ts.connect())
		must(t, again.Report(t.Context(), gate.Report{Round: round}))
		w.reconcile(round)
	}
	w.quiet()
}

// What the watch reads with is taken from it, without a word to it.
func TestGateStore_Watch_consumerDeleted(t *testing.T) {
	b := newBus(t)
	o := orders(t, b)
	w := watch(t, o)
	w.order(0, 0)
	rev := uint64(0)
	for round := uint64(1); round < 3; round++ {
		stream, err := b.c.js.Stream(t.Context(), gateStream)
		must(t, err)
		for c := range stream.ListConsumers(t.Context()).Info() {
			must(t, b.c.js.DeleteConsumer(t.Context(), gateStream, c.Name))
		}
		rev = swap(t, o, round, rev)
		w.order(round, rev)
	}
	w.quiet()
}

func TestGateStore_Watch_bucketDeleted(t *testing.T) {
	b := newBus(t)
	o := orders(t, b)
	w := watch(t, o)
	w.order(0, 0)
	rev := uint64(0)
	for round := range uint64(3) {
		rev = swap(t, o, round+1, rev)
		w.order(round+1, rev)
	}
	stream, err := b.c.js.Stream(t.Context(), gateStream)
	must(t, err)
	must(t, stream.Purge(t.Context())) // no message announces it: a query of the leader finds it
	w.order(0, 0)
	must(t, b.c.js.DeleteKeyValue(t.Context(), gateBucket))
	must(t, b.Ensure(t.Context()))
	w.order(9, swap(t, orders(t, b), 9, 0)) // of a revision that is lower than those before
}

// Delivered is what a recovery fills the ledger up to.
func TestPuller_collect(t *testing.T) {
	b := newBus(t)
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(5))
	must(t, err)
	for _, take := range []int{0, 3} {
		if take > 0 {
			p, err := b.c.newPuller(Chat, Normalise)
			must(t, err)
			defer p.close()
			r := request{Batch: take, NoWait: true}
			reply, err := p.send(r)
			must(t, err)
			if msgs, err := p.collect(reply, r); err != nil || len(msgs) != take {
				t.Fatal(len(msgs), err)
			}
		}
		s, err := b.Durable(Chat, Normalise).Status(t.Context())
		if err != nil || s.Delivered != uint64(take) || s.AckFloor != 0 {
			t.Fatalf("%+v, want %d delivered (%v)", s, take, err)
		}
	}
}
