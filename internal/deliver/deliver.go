// Package deliver carries messages from a stream to a handler: it fetches, batches, settles each message once, stops fetching
// when too much is in flight, retries with backoff, and dead-letters poison.
//
// It promises that a message is acknowledged only after its handler returned or its copy is in the dead-letter stream and the
// handler recorded it, and that a store which fails makes no dead letters, however often a message is redelivered. It does
// not promise that a message is handled once: handlers are idempotent, and duplicates are theirs to drop.
package deliver

import (
	"context"
	"log/slog"
	"time"

	"github.com/agrichat/agrichat/consumers"
)

// Message is a delivery that must be settled.
type Message struct {
	consumers.Delivery
	Token string // by which the stream knows this delivery; opaque
}

// Limits bounds one fetch.
type Limits struct {
	Messages int
	Bytes    int           // of all the data together, roughly
	Wait     time.Duration // for the first message; what is there then is returned
}

// Stream is what deliver needs of the bus: one durable consumer. Its methods may be called by several goroutines at once,
// Fetch by one.
type Stream interface {
	// Fetch returns what there is, at most the limits; nothing after Wait without messages. It may return messages together
	// with ctx's error: they have been delivered and must be settled.
	Fetch(ctx context.Context, l Limits) ([]Message, error)
	// Ack settles: done. It does not wait for the server; a lost one means that the message is redelivered.
	Ack(batch []Message) error
	// Retry settles: to be redelivered after delay.
	Retry(m Message, delay time.Duration) error
	// Working extends the ack wait of messages that are still being worked on.
	Working(batch []Message) error
	// DeadLetter makes a copy of m in the dead-letter stream and blocks until it is acknowledged. It is idempotent.
	DeadLetter(ctx context.Context, m Message, cause error, first time.Time) error
	// Lag returns how far the consumer is behind.
	Lag(ctx context.Context) (Lag, error)
}

// Lag is how far a consumer is behind its stream.
type Lag struct {
	Pending    uint64        // never delivered
	AckPending uint64        // delivered, not settled
	Age        time.Duration // of the oldest message that is not settled; zero if there is none
}

// Config is one consumer's run.
type Config struct {
	Name    string // in logs and metrics
	Stream  Stream
	Handler consumers.Handler // a consumers.DeadLetterer as well, if it keeps a record of what it will never store

	Limits            Limits             // of a batch; default 1000 messages, 4 MiB, 1 s
	MaxWait           time.Duration      // for how long a batch grows while more keeps coming; default 0: it is what is there
	MaxWaitHighVolume time.Duration      // MaxWait of a batch that has HighVolume; not used without HighVolume
	HighVolume        int                // bytes in a batch from which many more messages are expected; default 0: never
	Workers           int                // batches handled at once; default 2
	HighWater         int                // messages in flight at which fetching pauses until half of them are left; default 2 x Workers x Messages
	AckWait           time.Duration      // the consumer's; every third of it that of messages in flight is extended; default AckWait
	Delay             Delay              // before a message is redelivered: the backoff
	Tries             int                // how often an event fails alone before it is dead-lettered; default 5
	GiveUp            time.Duration      // for how long fetching may fail before Run returns the error; default 1 min
	StopTimeout       time.Duration      // for what is being handled when asked to stop; default 20 s
	Metrics           *Metrics           // nil: none
	Answered          func(err error)    // nil: nobody; called by one goroutine after each request for the lag, with its error
	Progress          func(err error)    // nil: nobody; called after Answered, with an error while nothing is settled for a minute
	Log               *slog.Logger       // nil: discarded
	Hook              func(point string) // nil in production; called by several goroutines; crash tests die in it: "fetched", "handled", "dead", "acked"
}

// AckWait is how long a delivery that nobody settles or works on stays with a consumer before it is redelivered: what a
// killed worker held is delayed by it. Twenty seconds outlast the pauses of a busy machine, and the ack wait is extended three times in them.
const AckWait = 20 * time.Second

// Delay bounds the exponential backoff of redelivery.
type Delay struct {
	First time.Duration // default 200 ms
	Most  time.Duration // default 10 s
}
