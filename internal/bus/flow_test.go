package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// export is an archive of n messages.
type export struct{ n, size int }

type reading struct {
	export
	at int
}

func (e export) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	at := 0
	if len(from) > 0 {
		if _, err := fmt.Sscan(string(from), &at); err != nil {
			return nil, fault.AsFatal(err)
		}
	}
	return &reading{e, at}, nil
}

func (r *reading) Next(context.Context) (producers.Batch, error) {
	if r.at >= r.n {
		return producers.Batch{}, io.EOF
	}
	var b producers.Batch
	for range min(r.size, r.n-r.at) {
		b.Events = append(b.Events, one(fmt.Sprint(r.at), text))
		r.at++
	}
	b.Cursor = fmt.Append(nil, r.at)
	b.Counts.Read = len(b.Events)
	return b, nil
}

func (r *reading) Close() error { return nil }

// ledger is a handler that remembers every event.
type ledger struct {
	mu     sync.Mutex
	events map[string]int
	fail   func(batch []consumers.Delivery) error
	until  int
	done   context.CancelFunc
	buried int
	bus    *Bus
}

func (l *ledger) Handle(_ context.Context, batch []consumers.Delivery) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		if err := l.fail(batch); err != nil {
			return err
		}
	}
	for _, d := range batch {
		next, stop := iter.Pull(d.IDs())
		defer stop()
		for data := range d.Envelopes() {
			e, err := event.Decode(data)
			if id, _ := next(); err != nil || e.ID.String() != id {
				return fault.AsFatal(errors.Join(err, errors.New("not what was published")))
			}
			l.events[e.ID.String()]++
		}
	}
	l.check()
	return nil
}

func (l *ledger) check() {
	if len(l.events)+l.buried == l.until {
		l.done()
	}
}

func (l *ledger) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range d.Split() { // as a store with a ledger does
		if d.IsBundle() {
			if l.fail([]consumers.Delivery{one}) == nil {
				l.events[one.EventIDs]++
				continue
			}
			if err := l.bus.DeadLetters().DeadLetter(ctx, one, cause); err != nil {
				return err
			}
		}
		l.buried++
	}
	l.check()
	return nil
}

// consume runs the normaliser's consumer until n different events were handled or dead-lettered, and everything is acknowledged: what a
// server took with it when it stopped comes again.
func consume(t *testing.T, b *Bus, l *ledger, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	all, done := context.WithCancel(ctx)
	l.events, l.until, l.done, l.bus = map[string]int{}, n, done, b
	c, err := b.Consumer(ctx, Chat, Normalise)
	must(t, err)
	defer c.Close()
	var acknowledged error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		<-all.Done()
		acknowledged = settles(ctx, b)
	})
	must(t, deliver.Run(ctx, deliver.Config{
		Name: "test", Stream: c, Handler: l, Limits: deliver.Limits{Messages: 200, Wait: 100 * time.Millisecond},
		AckWait: b.AckWait(),
		Delay:   deliver.Delay{First: 10 * time.Millisecond, Most: 100 * time.Millisecond},
	}))
	if len(l.events)+l.buried != n {
		t.Fatalf("%d events came and %d were buried, of %d", len(l.events), l.buried, n)
	}
	wg.Wait()
	must(t, acknowledged)
}

// settles waits until the normaliser's consumer has nothing left.
func settles(ctx context.Context, b *Bus) error {
	for {
		if s, err := b.Durable(Chat, Normalise).Status(ctx); err == nil && s.Lag() == 0 { // the server may be away
			return nil
		}
		if err := clock.Sleep(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("not everything was acknowledged: %w", err)
		}
	}
}

func importAll(t *testing.T, b *Bus, n int) ingest.Result {
	t.Helper()
	cursors, err := b.Cursors(t.Context())
	must(t, err)
	r, err := ingest.Run(t.Context(), ingest.Config{
		Name: "export", Source: export{n, 150}, Publisher: b.Publisher(), Cursors: cursors, Batch: 100,
		BackOff: ingest.BackOff{First: 5 * time.Millisecond, Most: 50 * time.Millisecond},
	})
	must(t, err)
	return r
}

func TestFlow(t *testing.T) {
	b := newBus(t)
	const n = 5000
	r := importAll(t, b, n)
	if r.Published != n || r.Sequences.String() != fmt.Sprintf("{[1,%d)}", n+1) {
		t.Fatal(r.Published, r.Sequences.String())
	}
	consume(t, b, &ledger{}, n)
}

func TestFlow_restarts(t *testing.T) { overRestarts(t) }

func TestFlow_restarts_bundles(t *testing.T) { overRestarts(t, bundled) }

func overRestarts(t *testing.T, change ...func(*Config)) {
	ts := newServer(t)
	b := ts.connect(change...)
	must(t, b.Ensure(t.Context()))
	const n = 20000
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 3 {
			must(t, clock.Sleep(t.Context(), 100*time.Millisecond)) // so that some of it lies between
			ts.stop()
			ts.start()
			reconnected(t, b)
		}
	})
	r := importAll(t, b, n)
	if r.Published != n || r.Read != n {
		t.Error(r.Published, r.Read)
	}
	wg.Wait()
	restarted := 0
	l := &ledger{}
	l.fail = func([]consumers.Delivery) error {
		if restarted < 2 && len(l.events) > (restarted+1)*5000 {
			restarted++
			ts.stop()
			ts.start()
		}
		return nil
	}
	// What was in flight when the server stopped is redelivered after the ack wait: a short one here.
	must(t, ts.connect(func(c *Config) { c.AckWait = time.Second }).Ensure(t.Context()))
	consume(t, b, l, n)
}

func TestFlow_poisonAndOutage(t *testing.T) {
	b := newBus(t)
	const n = 1000
	importAll(t, b, n)
	bad := one("500", text).ID.String()
	calls := 0
	consume(t, b, &ledger{fail: func(batch []consumers.Delivery) error {
		if calls++; calls > 3 && calls < 30 {
			return errors.New("no connection")
		}
		for _, d := range batch {
			if d.EventIDs == bad {
				return fault.AsPoison(errors.New("cannot be stored"))
			}
		}
		return nil
	}}, n)
	got := deadLetters(t, b)
	if len(got) != 1 || got[0].EventID != bad || got[0].Cause != "cannot be stored" || got[0].Attempts < 5 {
		t.Fatalf("%+v", got)
	}
}

func TestFlow_fullStreamDrained(t *testing.T) {
	b := newBus(t, func(c *Config) { c.ChatBytes = 200 << 10 })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // an operator who frees space
		s, err := b.c.js.Stream(t.Context(), Chat)
		must(t, err)
		for {
			select {
			case <-stop:
				return
			default:
				must(t, s.Purge(t.Context()))
				must(t, clock.Sleep(t.Context(), 50*time.Millisecond))
			}
		}
	})
	r := importAll(t, b, 2000)
	close(stop)
	wg.Wait()
	if r.Published != 2000 {
		t.Fatal(r.Published)
	}
}

func TestDurable_Pause(t *testing.T) {
	b := newBus(t)
	importAll(t, b, 100)
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	limits := deliver.Limits{Messages: 10, Wait: 200 * time.Millisecond}
	first, err := c.Fetch(t.Context(), limits)
	if err != nil || len(first) != 10 {
		t.Fatal(len(first), err)
	}
	must(t, b.Durable(Chat, Normalise).Pause(t.Context(), time.Now().Add(time.Hour)))
	if msgs, err := c.Fetch(t.Context(), limits); err != nil || len(msgs) != 0 {
		t.Fatal(len(msgs), err)
	}
	must(t, c.Ack(first)) // taken all the same
	for l, err := c.Lag(t.Context()); l.AckPending != 0; l, err = c.Lag(t.Context()) {
		must(t, err)
	}
	must(t, b.Durable(Chat, Normalise).Resume(t.Context()))
	if msgs, err := c.Fetch(t.Context(), limits); err != nil || len(msgs) != 10 {
		t.Fatal(len(msgs), err)
	}
	l, err := c.Lag(t.Context())
	if err != nil || l.Pending != 80 || l.AckPending != 10 || l.Age <= 0 {
		t.Fatal(l, err)
	}
}

func TestConsumer_Fetch_deletedConsumer(t *testing.T) {
	b := newBus(t)
	must(t, b.Durable(Chat, "replay").Ensure(t.Context(), 3))
	importAll(t, b, 5)
	c, err := b.Consumer(t.Context(), Chat, "replay")
	must(t, err)
	defer c.Close()
	if msgs, err := c.Fetch(t.Context(), deliverLimits); err != nil || len(msgs) != 3 || msgs[0].Sequence != 3 {
		t.Fatal(len(msgs), err)
	}
	must(t, b.Durable(Chat, "replay").Delete(t.Context()))
	must(t, b.Durable(Chat, "replay").Delete(t.Context()))
	if _, err := c.Fetch(t.Context(), deliverLimits); err == nil || fault.Of(err) != fault.Transient {
		t.Fatal(err)
	}
}

// TestConsumer_Fetch_tooLarge holds that every message delivered is returned, however they fit the bytes of the request:
// what is dropped is redelivered only after its ack wait.
func TestConsumer_Fetch_tooLarge(t *testing.T) {
	b := newBus(t)
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(40, "short", strings.Repeat("long ", 400), strings.Repeat("longer ", 3000)))
	must(t, err)
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	for next := uint64(1); next <= 40; {
		msgs, err := c.Fetch(t.Context(), deliver.Limits{Messages: 100, Bytes: 10_000, Wait: time.Second})
		must(t, err)
		if len(msgs) == 0 {
			t.Fatalf("there is no message %d", next)
		}
		for _, m := range msgs {
			if m.Sequence != next || m.Attempts != 1 {
				t.Fatalf("message %d came for the %d. time, %d was due", m.Sequence, m.Attempts, next)
			}
			next++
		}
	}
}
