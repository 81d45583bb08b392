package normalise_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/fault"
)

func TestPublisher_PublishPending(t *testing.T) {
	t.Parallel()
	log := newWorld(51, 400).deliveries()
	for name, fail := range map[string]error{
		"after a full stream":       fault.AsTransient(errors.New("maximum bytes exceeded"), time.Second),
		"after an unmarked error":   errors.New("no bus"),
		"after an oversized fact":   fault.AsPoison(errors.New("maximum payload exceeded")),
		"after a stalled NATS":      context.DeadlineExceeded,
		"in a process started anew": nil,
	} {
		t.Run(name, func(t *testing.T) {
			l, pool := newListener(log), database(t)
			k := newSystem(t, pool, l)
			var tries atomic.Int64
			l.publishing = func() { tries.Add(1) }
			l.fail = fail
			if fail == nil {
				l.fail = errors.New("no bus")
			}
			for i := 0; i < len(log); i += 4 {
				if err := k.Handle(t.Context(), log[i:i+4]); err != nil {
					t.Fatalf("the outage of the stream of facts stops Postgres: %v", err)
				}
			}
			if n := tries.Load(); fault.Of(l.fail) == fault.Transient && n > 20 {
				t.Errorf("%d publish attempts for %d batches: the breaker does not open", n, len(log)/4)
			}
			p, err := k.Pending(t.Context())
			if err != nil || p.Transactions == 0 || p.Oldest <= 0 {
				t.Errorf("pending is %+v: %v", p, err)
			}
			l.mu.Lock()
			l.fail = nil
			l.mu.Unlock()
			if fail == nil {
				k = newSystem(t, pool, l)
				if _, err := k.Reconcile(t.Context(), 0, true); err != nil {
					t.Fatal(err)
				}
				if p, err := k.Pending(t.Context()); err != nil || p.Transactions == 0 {
					t.Errorf("the start publishes the whole backlog (%+v): %v", p, err)
				}
			}
			publishAll(t, k)
			if diff := cmp.Diff(storedWhole(t, log).current(), l.current()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// publishAll runs the publisher until nothing is pending.
func publishAll(t *testing.T, k *system) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- k.PublishPending(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p, err := k.Pending(ctx)
		if err != nil {
			t.Error(err)
			break
		}
		if p.Transactions == 0 {
			break
		}
		<-tick.C
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
