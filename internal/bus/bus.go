// Package bus speaks JetStream; no other package does.
//
// It promises that what it reports as published is on the disk of the stream, that several batches of one publisher keep
// their order unless one of them fails, that a dead letter stands once, and that every error carries what to do about it. It
// does not promise that an event stands on the stream once: repeats are legal, the record decides.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// Config says where the servers are and what the streams may take.
type Config struct {
	URLs        []string
	User        string
	Password    string
	Creds       string        // path of a credentials file; instead of user and password
	Name        string        // of the connection, as the server's monitoring shows it
	InboxPrefix string        // default _INBOX; other ones where accounts restrict it
	Options     []nats.Option // for what has no field: nats.InProcessServer, TLS
	Timeout     time.Duration // for one request; default 10 s

	Replicas      int           // of every stream and bucket; default 1
	ChatBytes     int64         // size limit of CHAT; default 16 GiB
	FactsBytes    int64         // default 4 GiB
	DeadBytes     int64         // default 1 GiB
	MaxAckPending int           // of the durable consumers; default 20000
	AckWait       time.Duration // default deliver.AckWait
	// BatchMessages is the most that go into one atomic batch; default 1000, as servers bear unless they are told otherwise.
	// Where the server bears less it says so, and batches are smaller from then on.
	BatchMessages int
	// BundleEvents is the most that one message carries; default 500. One: each event has a message of its own.
	BundleEvents int

	Log *slog.Logger // nil: discarded
}

func (c Config) withDefaults() Config {
	c.Name = orElse(c.Name, "agrichat")
	c.Timeout = orElse(c.Timeout, 10*time.Second)
	c.Replicas = orElse(c.Replicas, 1)
	c.ChatBytes = orElse(c.ChatBytes, 16<<30)
	c.FactsBytes = orElse(c.FactsBytes, 4<<30)
	c.DeadBytes = orElse(c.DeadBytes, 1<<30)
	c.MaxAckPending = orElse(c.MaxAckPending, 20000)
	c.AckWait = orElse(c.AckWait, deliver.AckWait)
	c.BatchMessages = orElse(c.BatchMessages, batchMessages)
	c.BundleEvents = min(orElse(c.BundleEvents, bundleEvents), event.MaxBundle)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func orElse[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Bus is a connection to the servers. It reconnects for ever; what is under way when the connection breaks fails at once.
type Bus struct {
	cfg       Config
	nc        *nats.Conn
	js        jetstream.JetStream
	most      atomic.Int64  // messages in an atomic batch
	packings  chan *packing // to be used again
	mu        sync.Mutex    // covers up and down
	marks     marks
	truncated atomic.Int64 // facts published truncated
	again     []func()     // called at every reconnect; covered by mu
	up        context.Context
	down      context.CancelFunc // of up
	dog       watchdog
}

// Connect connects once and returns an error if it cannot: whoever supervises decides about trying again.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &Bus{cfg: cfg.withDefaults(), packings: make(chan *packing, packingsKept)}
	b.dog.b = b
	b.most.Store(int64(b.cfg.BatchMessages))
	b.up, b.down = context.WithCancel(context.Background())
	nc, err := nats.Connect(strings.Join(cfg.URLs, ","), b.options()...)
	if err != nil {
		return nil, b.connectError(err)
	}
	b.nc = nc
	if err := b.inspect(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	b.watchServer()
	return b, nil
}

func (b *Bus) options() []nats.Option {
	o := []nats.Option{
		nats.Name(b.cfg.Name),
		nats.Timeout(b.cfg.Timeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		// Nothing is kept back for the next connection: a batch of which the server lost the beginning is worth nothing, and
		// whoever publishes must learn at once that it did not.
		nats.ReconnectBufSize(-1),
		nats.SetCustomDialer(&b.dog),
		nats.DisconnectErrHandler(b.disconnected),
		nats.ReconnectHandler(b.reconnected),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.cfg.Log.Warn("NATS reports", "error", err) }),
	}
	if b.cfg.User != "" {
		o = append(o, nats.UserInfo(b.cfg.User, b.cfg.Password))
	}
	if b.cfg.Creds != "" {
		o = append(o, nats.UserCredentials(b.cfg.Creds))
	}
	if b.cfg.InboxPrefix != "" {
		o = append(o, nats.CustomInboxPrefix(b.cfg.InboxPrefix))
	}
	return append(o, b.cfg.Options...)
}

func (b *Bus) disconnected(_ *nats.Conn, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down()
	b.up, b.down = context.WithCancel(context.Background())
	if err != nil {
		b.cfg.Log.Warn("lost the connection to NATS", "error", err)
	}
}

// OnReconnect has a function called whenever the connection stands again after it was lost: the servers may have been restored
// from a copy meanwhile. It must not block.
func (b *Bus) OnReconnect(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.again = append(b.again, do)
}

func (b *Bus) reconnected(nc *nats.Conn) {
	b.cfg.Log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
	b.marks.reset()
	b.mu.Lock()
	again := slices.Clone(b.again)
	b.mu.Unlock()
	for _, do := range again {
		do()
	}
}

// connection returns a context that ends when the connection breaks next: answers awaited from it will not come.
func (b *Bus) connection() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up
}

func (b *Bus) connectError(err error) error {
	where := strings.Join(b.cfg.URLs, ", ")
	if where == "" {
		where = "the server in this process"
	}
	wrapped := fmt.Errorf("connecting to NATS at %s: %w", where, err)
	switch {
	case isRefusal(err):
		return fault.AsFatal(fmt.Errorf("%w: the server does not take these credentials; correct user and password, or the credentials file", wrapped))
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("%w: nothing answers there; start the server or correct the address", wrapped)
	}
	return wrapped
}

// inspect refuses servers that cannot do what is needed, before anything is begun.
func (b *Bus) inspect(ctx context.Context) error {
	js, err := jetstream.New(b.nc, jetstream.WithDefaultTimeout(b.cfg.Timeout))
	if err != nil {
		return fmt.Errorf("preparing JetStream: %w", err)
	}
	b.js = js
	if v := b.nc.ConnectedServerVersion(); !atLeast(v, 2, 12) {
		return fault.AsFatal(fmt.Errorf("NATS at %s is of version %s, which has no atomic batches: update the server to 2.12 or later",
			b.nc.ConnectedUrlRedacted(), v))
	}
	if _, err := js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("asking NATS at %s for its JetStream account: %w", b.nc.ConnectedUrlRedacted(), classify(err))
	}
	return nil
}

func atLeast(version string, major, minor int) bool {
	var a, i int
	if n, _ := fmt.Sscanf(version, "%d.%d", &a, &i); n < 2 {
		return false
	}
	return a > major || a == major && i >= minor
}

// Conn returns the connection, for what lives beside the streams (health, server names).
func (b *Bus) Conn() *nats.Conn { return b.nc }

// Connected reports whether there is a connection now.
func (b *Bus) Connected() bool { return b.nc.IsConnected() }

// AckWait is that of the durable consumers: whoever works on their deliveries says so more often.
func (b *Bus) AckWait() time.Duration { return b.cfg.AckWait }

// Close closes the connection; what is under way fails.
func (b *Bus) Close() {
	b.nc.Close()
	b.dog.end()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down()
}
