// Package bus is the client of JetStream; no other package is.
//
// It promises that what it reports as published is on the disk of the stream, that several batches of one publisher keep
// their order unless one of them fails, that dead letters have no duplicates, and that every error carries what to do about it.
// It does not promise that an event is on the stream once: duplicates are legal, Postgres drops them.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/event"
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
	// BatchMessages is the most that go into one atomic batch; default 1000, the default limit of servers. Where the server
	// refuses that many, batches are smaller from then on.
	BatchMessages int
	// BundleEvents is the most that one message carries; default 500. One: each event has a message of its own.
	BundleEvents int

	Log *slog.Logger // nil: discarded
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "agrichat")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.ChatBytes = cmp.Or(c.ChatBytes, 16<<30)
	c.FactsBytes = cmp.Or(c.FactsBytes, 4<<30)
	c.DeadBytes = cmp.Or(c.DeadBytes, 1<<30)
	c.MaxAckPending = cmp.Or(c.MaxAckPending, 20000)
	c.AckWait = cmp.Or(c.AckWait, deliver.AckWait)
	c.BatchMessages = cmp.Or(c.BatchMessages, batchMessages)
	c.BundleEvents = min(cmp.Or(c.BundleEvents, bundleEvents), event.MaxBundle)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Bus is a connection to the servers, and what is done over it. It reconnects without end; what is in flight when the
// connection breaks fails at once.
type Bus struct {
	c         *conn
	reader    *Reader
	state     *State
	publisher *Publisher
	dead      *DeadLetters
}

// Connect connects once and returns an error if it cannot: retrying is up to the supervisor.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	c, err := connect(ctx, cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	b := &Bus{c: c, reader: &Reader{c}, state: &State{c: c}}
	c.onReconnect(b.state.invalidate)
	b.publisher = newPublisher(c, b.state)
	b.dead = &DeadLetters{c: c, reader: b.reader, publisher: b.publisher}
	return b, nil
}

// Publisher publishes events and facts.
func (b *Bus) Publisher() *Publisher { return b.publisher }

// Reader reads CHAT without a durable consumer.
func (b *Bus) Reader() *Reader { return b.reader }

// DeadLetters is the stream DEAD.
func (b *Bus) DeadLetters() *DeadLetters { return b.dead }

// State is the bucket of what all processes agree on.
func (b *Bus) State() *State { return b.state }

// OnReconnect has a function called after every reconnection: the servers may have been restored from a copy meanwhile. It must
// not block.
func (b *Bus) OnReconnect(do func()) { b.c.onReconnect(do) }

// Conn returns the connection, for what has nothing to do with streams (health, server names).
func (b *Bus) Conn() *nats.Conn { return b.c.nc }

// LinkError says why nothing can be stored over the connection as it is, as far as that was probed.
func (b *Bus) LinkError() error { return b.c.linkError() }

// AckWait is that of the durable consumers: workers extend it more often than that.
func (b *Bus) AckWait() time.Duration { return b.c.cfg.AckWait }

// Close closes the connection; what is in flight fails.
func (b *Bus) Close() { b.c.close() }

// checksSubject is where processes answer with what their health checks say. No stream holds it.
const checksSubject = "agrichat.checks"

// How long the answers of processes are waited for: the first one, and then the next one.
const (
	firstAnswer = time.Second
	nextAnswer  = 250 * time.Millisecond
)

// AnswerChecks answers every AskChecks until the connection is closed. answer must be safe for concurrent use.
func (b *Bus) AnswerChecks(answer func() ([]byte, error)) error {
	_, err := b.c.nc.Subscribe(checksSubject, func(m *nats.Msg) {
		data, err := answer()
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			b.c.cfg.Log.Warn("cannot answer what the health checks say", "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", checksSubject, err)
	}
	return nil
}

// AskChecks returns the answers of all processes that this connection reaches. One that has lost its link to NATS is not among
// them. It takes up to a second where there is no answer.
func (b *Bus) AskChecks(ctx context.Context) ([][]byte, error) {
	inbox := b.c.nc.NewRespInbox()
	sub, err := b.c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("asking for health checks: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may have been lost, and the subscription with it
	if err := b.c.nc.PublishRequest(checksSubject, inbox, nil); err != nil {
		return nil, fmt.Errorf("asking for health checks: %w", err)
	}
	var out [][]byte
	for wait := firstAnswer; ; wait = nextAnswer {
		next, cancel := context.WithTimeout(ctx, wait)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("waiting for health checks: %w", err)
		}
		out = append(out, m.Data)
	}
}
