package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/deliver"
)

// A server whose storage is reserved by existing streams allows a second start.
func TestBus_Ensure_allStorageReserved(t *testing.T) {
	sizes := func(c *Config) { c.ChatBytes, c.FactsBytes, c.DeadBytes = 1<<30, 1<<30, 1<<30 }
	ts := newServer(t, func(o *server.Options) { o.JetStreamMaxStore = 3<<30 + 128<<20 })
	for range 2 {
		must(t, ts.connect(sizes).Ensure(t.Context()))
	}
}

// Where a server may store less than the limits of the streams, the error says what to change.
func TestBus_Ensure_withoutStorage(t *testing.T) {
	sizes := func(c *Config) { c.ChatBytes, c.FactsBytes, c.DeadBytes = 1<<30, 1<<30, 1<<30 }
	ts := newServer(t, func(o *server.Options) { o.JetStreamMaxStore = 3<<30 + 32<<20 })
	err := ts.connect(sizes).Ensure(t.Context())
	if err == nil || !strings.Contains(err.Error(), "stream "+Advisories) || !strings.Contains(err.Error(), "nats.chat_max_bytes") {
		t.Errorf("got %v", err)
	}
}

// TestBus_Ensure_concurrentAllStorageReserved has several processes make the streams where there is storage for them once.
func TestBus_Ensure_concurrentAllStorageReserved(t *testing.T) {
	sizes := func(c *Config) { c.ChatBytes, c.FactsBytes, c.DeadBytes = 1<<30, 1<<30, 1<<30 }
	for range 10 {
		ts := newServer(t, func(o *server.Options) { o.JetStreamMaxStore = 3<<30 + 128<<20 })
		var g errgroup.Group
		for range 4 {
			b := ts.connect(sizes)
			g.Go(func() error { return b.Ensure(t.Context()) })
		}
		must(t, g.Wait())
	}
}

// What a killed worker had is redelivered at once, and not after the ack wait.
func TestDurable_Redeliver(t *testing.T) {
	b := newBus(t, func(c *Config) { c.AckWait = time.Hour })
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(5))
	must(t, err)
	fetch := func() []deliver.Message {
		t.Helper()
		c, err := b.Consumer(t.Context(), Chat, Normalise)
		must(t, err)
		defer c.Close()
		msgs, err := c.Fetch(t.Context(), deliver.Limits{Messages: 10, Bytes: 1 << 20, Wait: 100 * time.Millisecond})
		must(t, err)
		return msgs
	}
	if n := len(fetch()); n != 5 {
		t.Fatalf("fetched %d", n)
	}
	if n := len(fetch()); n != 0 {
		t.Fatalf("fetched %d that somebody has", n)
	}
	must(t, b.Durable(Chat, Normalise).Redeliver(t.Context()))
	if n := len(fetch()); n != 5 {
		t.Errorf("fetched %d of 5 that nobody has any more", n)
	}
}

// What takes longer than the ack wait is not redelivered while the ack wait is extended.
func TestConsumer_Working(t *testing.T) {
	b := newBus(t, func(c *Config) { c.AckWait = 1500 * time.Millisecond })
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(5))
	must(t, err)
	var attempts []uint64
	consume(t, b, &ledger{fail: func(batch []consumers.Delivery) error {
		for _, d := range batch {
			attempts = append(attempts, d.Attempts)
		}
		return clock.Sleep(context.Background(), 3*b.AckWait())
	}}, 5)
	for _, n := range attempts {
		if n != 1 {
			t.Errorf("delivered %d times", n)
		}
	}
	if len(attempts) != 5 {
		t.Errorf("%d deliveries of 5", len(attempts))
	}
}
