// Package consumertest is the conformance suite that every consumer passes: whatever deliveries it is given as duplicates, in other
// batches, in another order, concurrently or cancelled half way, its store ends in the same state.
//
// It promises nothing about what that state is; the consumer's own tests compare it with a model.
package consumertest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// Subject is a handler with a store of its own.
type Subject struct {
	Handler consumers.Handler
	// State reads what the store holds: whatever must not depend on how often, when and in which company a delivery came.
	// It returns a value that go-cmp can compare, in an order that depends on nothing but the content.
	State func(ctx context.Context) (any, error)
}

// Suite says what to test.
type Suite struct {
	// New returns a subject with an empty store. It is called several times a test, by tests that run in parallel.
	New func(t *testing.T) Subject
	// Deliveries returns what is handled: at least ten, by rising sequence, with several states of the same things among
	// them. Every call returns memory of its own: the suite overwrites what was handled.
	Deliveries func(t *testing.T) []consumers.Delivery
	// Broken returns a delivery that can never be stored; nil if there is no such thing.
	Broken func(sequence uint64) consumers.Delivery
	// Options compare two states.
	Options cmp.Options
	// Looks bounds how many of a handler's looks at its context the suite cancels it at, one after the other, until it gets
	// through; 100 if zero.
	Looks int
}

// Run runs the suite, in parallel subtests: they end after the calling test has returned.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Looks == 0 {
		s.Looks = 100
	}
	want := s.state(t, s.handled(t, s.Deliveries(t)))
	for _, c := range []struct {
		name string
		run  func(*testing.T, Suite, any)
	}{
		{"nothing", testNothing},
		{"one by one", testOneByOne},
		{"twice", testTwice},
		{"overlapping", testOverlapping},
		{"shuffled", testShuffled},
		{"at the same time", testConcurrent},
		{"cancelled, then again", testCancelled},
		{"some broken", testBroken},
		{"keeps nothing of the batch", testKeepsNothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, s, want)
		})
	}
}

func (s Suite) handled(t *testing.T, batches ...[]consumers.Delivery) Subject {
	t.Helper()
	sub := s.New(t)
	for _, b := range batches {
		if err := sub.Handler.Handle(t.Context(), b); err != nil {
			t.Fatalf("handling %d deliveries: %v", len(b), err)
		}
	}
	return sub
}

func (s Suite) state(t *testing.T, sub Subject) any {
	t.Helper()
	state, err := sub.State(t.Context())
	if err != nil {
		t.Fatalf("reading the state: %v", err)
	}
	return state
}

func (s Suite) same(t *testing.T, sub Subject, want any) {
	t.Helper()
	if diff := cmp.Diff(want, s.state(t, sub), s.Options); diff != "" {
		t.Errorf("the state is not the one of a single, whole handling (-want +got):\n%s", diff)
	}
}

func testNothing(t *testing.T, s Suite, _ any) {
	empty := s.state(t, s.New(t))
	s.same(t, s.handled(t, nil), empty)
}

func testOneByOne(t *testing.T, s Suite, want any) {
	s.same(t, s.handled(t, slices.Collect(slices.Chunk(s.Deliveries(t), 1))...), want)
}

func testTwice(t *testing.T, s Suite, want any) {
	s.same(t, s.handled(t, s.Deliveries(t), again(s.Deliveries(t))), want)
}

// testOverlapping hands out windows that share half of each other, the way a redelivery meets new messages.
func testOverlapping(t *testing.T, s Suite, want any) {
	all := s.Deliveries(t)
	size := max(2, len(all)/4)
	var batches [][]consumers.Delivery
	for i := 0; i < len(all); i += size / 2 {
		batches = append(batches, slices.Clone(all[i:min(i+size, len(all))]))
	}
	s.same(t, s.handled(t, batches...), want)
}

func testShuffled(t *testing.T, s Suite, want any) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := append(s.Deliveries(t), again(s.Deliveries(t))...)
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var batches [][]consumers.Delivery
		for len(all) > 0 {
			n := 1 + r.IntN(min(7, len(all)))
			batches, all = append(batches, all[:n]), all[n:]
		}
		s.same(t, s.handled(t, batches...), want)
	}
}

// testConcurrent has several goroutines handle the same deliveries, each in an order and in batches of its own. A handler
// may fail with a conflict: then it is called again, as internal/deliver would.
func testConcurrent(t *testing.T, s Suite, want any) {
	const workers = 4
	sub := s.New(t)
	var wg sync.WaitGroup
	for w := range workers {
		all := s.Deliveries(t)
		if w%2 == 1 {
			slices.Reverse(all)
		}
		wg.Go(func() {
			for b := range slices.Chunk(all, 2+w) {
				if err := retry(t.Context(), sub.Handler, b); err != nil {
					t.Errorf("handling beside others: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.same(t, sub, want)
}

// retry retries a batch a few times while its error is transient.
func retry(ctx context.Context, h consumers.Handler, batch []consumers.Delivery) error {
	const tries = 20
	var err error
	for range tries {
		if err = h.Handle(ctx, batch); err == nil || fault.Of(err) != fault.Transient {
			return err
		}
	}
	return err
}

// testCancelled stops a handler each time it looks at its context, wherever that is, and then hands it everything again.
func testCancelled(t *testing.T, s Suite, want any) {
	sub := s.New(t)
	for n := 1; n <= s.Looks; n++ {
		ctx, cancel := cancelAtLook(t.Context(), n)
		err := sub.Handler.Handle(ctx, s.Deliveries(t))
		cancel()
		if err != nil && fault.Of(err) == fault.Poison {
			t.Errorf("cancelled at look %d: the class is poison, and the batch would be dead-lettered: %v", n, err)
		}
		if err == nil {
			t.Logf("it looks %d times at its context", n-1)
			s.same(t, sub, want) // it returned that all is stored
			break
		}
	}
	if err := sub.Handler.Handle(t.Context(), s.Deliveries(t)); err != nil {
		t.Fatalf("handling again after being cancelled: %v", err)
	}
	s.same(t, sub, want)
}

// testBroken mixes deliveries that can never be stored with good ones: they are named, and the good ones are stored.
func testBroken(t *testing.T, s Suite, want any) {
	if s.Broken == nil {
		t.Skip("nothing is broken for this handler")
	}
	all := s.Deliveries(t)
	next := all[len(all)-1].Sequence + 1
	batch := slices.Concat([]consumers.Delivery{s.Broken(next)}, all[:len(all)/2], []consumers.Delivery{s.Broken(next + 1)},
		all[len(all)/2:], []consumers.Delivery{s.Broken(next + 2)})
	wantFailed := []int{0, 1 + len(all)/2, len(batch) - 1}
	sub := s.New(t)
	for range 2 {
		err := sub.Handler.Handle(t.Context(), batch)
		var partial *consumers.PartialError
		if !errors.As(err, &partial) {
			t.Fatalf("a batch with broken deliveries gave %v, not a partial error", err)
		}
		if diff := cmp.Diff(wantFailed, slices.Sorted(maps.Keys(partial.Failed))); diff != "" {
			t.Errorf("the deliveries named as failed (-want +got):\n%s", diff)
		}
		for i, err := range partial.Failed {
			if fault.Of(err) != fault.Poison {
				t.Errorf("the broken delivery %d is %v, not poison: %v", i, fault.Of(err), err)
			}
		}
		s.same(t, sub, want)
	}
}

// testKeepsNothing overwrites the deliveries once they are handled: their memory is the caller's.
func testKeepsNothing(t *testing.T, s Suite, want any) {
	sub := s.New(t)
	for b := range slices.Chunk(s.Deliveries(t), 3) {
		if err := sub.Handler.Handle(t.Context(), b); err != nil {
			t.Fatalf("handling %d deliveries: %v", len(b), err)
		}
		for i := range b {
			clear(b[i].Data)
			b[i] = consumers.Delivery{}
		}
	}
	s.same(t, sub, want)
}

func again(batch []consumers.Delivery) []consumers.Delivery {
	for i := range batch {
		batch[i].Attempts++
	}
	return batch
}
