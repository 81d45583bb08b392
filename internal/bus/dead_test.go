package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/deliver"
)

func deadLetters(t testing.TB, b *Bus) []DeadLetter {
	t.Helper()
	var out []DeadLetter
	must(t, b.DeadLetters().List(t.Context(), true, func(l DeadLetter) error {
		out = append(out, l)
		return nil
	}))
	return out
}

func TestConsumer_DeadLetter_idempotent(t *testing.T) {
	b := newBus(t)
	events := sealed(3)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	msgs, err := c.Fetch(t.Context(), deliverLimits)
	if err != nil || len(msgs) != 3 {
		t.Fatal(len(msgs), err)
	}
	first := time.Now().UTC()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.DeadLetter(t.Context(), msgs[1], errors.New("строка\nвторая"), first); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := deadLetters(t, b)
	if len(got) != 1 {
		t.Fatal(got)
	}
	l := got[0]
	if l.Sequence != 2 || l.Stream != Chat || l.EventID != events[1].ID.String() || l.Cause != "строка вторая" || l.Attempts != 1 ||
		!l.First.Equal(first) || string(l.Data) != string(msgs[1].Data) || l.Subject != "chat.test.me.room" || l.Consumer != Normalise {
		t.Fatalf("%+v", l)
	}
	// Also when the server has forgotten the message id.
	s, err := b.c.js.Stream(t.Context(), Dead)
	must(t, err)
	cfg := s.CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond
	_, err = b.c.js.UpdateStream(t.Context(), cfg)
	must(t, err)
	must(t, clock.Sleep(t.Context(), 300*time.Millisecond)) // the server's own clock
	must(t, c.DeadLetter(t.Context(), msgs[1], errors.New("again"), first))
	if got := deadLetters(t, b); len(got) != 1 {
		t.Fatal(got)
	}
}

func TestDeadLetters_Requeue(t *testing.T) {
	b := newBus(t)
	events := sealed(1)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	msgs, err := c.Fetch(t.Context(), deliverLimits)
	must(t, err)
	must(t, c.DeadLetter(t.Context(), msgs[0], errors.New("x"), time.Now()))
	must(t, c.Ack(msgs))
	id := deadLetters(t, b)[0].ID
	ack, err := b.DeadLetters().Requeue(t.Context(), id)
	must(t, err)
	d, found, err := b.Reader().Get(t.Context(), ack.Last)
	if err != nil || !found || d.EventIDs != events[0].ID.String() || string(d.Data) != string(msgs[0].Data) {
		t.Fatal(d, found, err)
	}
	must(t, b.DeadLetters().Remove(t.Context(), id))
	must(t, b.DeadLetters().Remove(t.Context(), id))
	if _, err := b.DeadLetters().Find(t.Context(), id); !errors.Is(err, ErrNoDeadLetter) {
		t.Fatal(err)
	}
	if _, err := b.DeadLetters().Requeue(t.Context(), id); !errors.Is(err, ErrNoDeadLetter) {
		t.Fatal(err)
	}
	// The requeued one may fail again, and so may a stream made anew at the same sequence.
	must(t, c.DeadLetter(t.Context(), deliver.Message{Delivery: d}, errors.New("y"), time.Now()))
	other := *c
	other.created = c.created.Add(time.Hour)
	must(t, other.DeadLetter(t.Context(), deliver.Message{Delivery: d}, errors.New("z"), time.Now()))
	if got := deadLetters(t, b); len(got) != 2 {
		t.Fatal(got)
	}
}

func TestQuarantine_Run(t *testing.T) {
	b := newBus(t)
	events := sealed(4)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Quarantine().Run(ctx); err != nil {
			t.Error(err)
		}
	})
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	msgs, err := c.Fetch(t.Context(), deliverLimits)
	must(t, err)
	must(t, c.DeadLetter(t.Context(), msgs[0], errors.New("ours"), time.Now())) // there already: its own cause stays
	for _, m := range msgs[:2] {
		must(t, b.c.nc.Publish(m.Token, []byte("+TERM нельзя")))
	}
	must(t, c.Ack(msgs[2:3]))
	// The other way to lose a message: a bound on deliveries.
	info, err := b.c.js.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	cfg := info.CachedInfo().Config
	cfg.MaxDeliver, cfg.AckWait = 1, 100*time.Millisecond
	_, err = b.c.js.UpdateConsumer(t.Context(), Chat, cfg)
	must(t, err)
	_, _ = c.Fetch(t.Context(), deliver.Limits{Messages: 1, Wait: time.Second}) // so that the server looks
	for range 500 {
		if len(deadLetters(t, b)) == 3 {
			break
		}
		must(t, clock.Sleep(t.Context(), 20*time.Millisecond))
	}
	cancel()
	wg.Wait()
	got := map[uint64]DeadLetter{}
	for _, l := range deadLetters(t, b) {
		got[l.Sequence] = l
	}
	if len(got) != 3 || got[1].Cause != "ours" || !strings.Contains(got[2].Cause, "нельзя") || !strings.Contains(got[4].Cause, "1 deliveries") {
		t.Fatalf("%+v", got)
	}
	if string(got[2].Data) != string(msgs[1].Data) || got[2].EventID != events[1].ID.String() {
		t.Fatalf("%+v", got[2])
	}
	must(t, b.Ensure(t.Context())) // brings the consumer back to what it should be
	if info, err = b.c.js.Consumer(t.Context(), Chat, Normalise); err != nil || info.CachedInfo().Config.MaxDeliver != -1 {
		t.Fatal(info.CachedInfo().Config, err)
	}
}

// A message that a reconciliation has read becomes the same dead letter as a delivery of it.
func TestDeadLetters_DeadLetter(t *testing.T) {
	b := newBus(t)
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(3))
	must(t, err)
	d, found, err := b.Reader().Get(t.Context(), 2)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	for range 2 {
		must(t, b.DeadLetters().DeadLetter(t.Context(), d, errors.New("cannot be read")))
	}
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	must(t, c.DeadLetter(t.Context(), deliver.Message{Delivery: d}, errors.New("again"), time.Now()))
	got := deadLetters(t, b)
	if len(got) != 1 || got[0].Sequence != 2 || got[0].Consumer != Normalise || got[0].Cause != "cannot be read" || string(got[0].Data) != string(d.Data) {
		t.Errorf("%+v", got)
	}
}
