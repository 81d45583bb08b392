// Package deliver carries messages from a stream to a handler: it fetches, batches, settles each message once, holds back
// when too much is in hand, and sets poison aside.
//
// It promises that a message is acknowledged only after its handler returned or its copy stands among the dead letters and
// the handler noted it, and that a store which is unwell makes no dead letters, however often a message is delivered. It does
// not promise that a message is handled once: handlers are idempotent.
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
	// Ack settles: done. It does not wait for the server; a lost one means that the message comes again.
	Ack(batch []Message) error
	// Retry settles: to be delivered again after delay.
	Retry(m Message, delay time.Duration) error
	// Working tells the server that the messages are still being worked on.
	Working(batch []Message) error
	// Bury makes a copy of m among the dead letters and blocks until it is acknowledged. A second copy is not made.
	Bury(ctx context.Context, m Message, cause error, first time.Time) error
	// Lag says how far the consumer is behind.
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
	Handler consumers.Handler // a consumers.Burier as well, if it keeps a record of what it will never store

	Limits      Limits             // of a batch; default 1000 messages, 4 MiB, 1 s
	Linger      time.Duration      // for how long a batch grows while more keeps coming; default 0: it is what is there
	LingerLong  time.Duration      // for how long one grows that has Much; not used without Much
	Much        int                // bytes of messages that say that many more are to come; default 0: nothing is much
	Workers     int                // batches handled at once; default 2
	HighWater   int                // messages in hand at which fetching stops until half of it is left; default 2 x Workers x Messages
	AckWait     time.Duration      // the consumer's; every third of it the server is told that work goes on; default AckWait
	Delay       Delay              // before a message is delivered again
	Tries       int                // how often an event fails alone before it is set aside; default 5
	GiveUp      time.Duration      // for how long fetching may fail before Run returns the error; default 1 min
	StopTimeout time.Duration      // for what is being handled when asked to stop; default 20 s
	Metrics     *Metrics           // nil: none
	Answered    func(err error)    // nil: nobody; called by one goroutine after each request for the lag, with its error
	Progress    func(err error)    // nil: nobody; called after Answered, with an error while nothing is settled for a minute
	Log         *slog.Logger       // nil: discarded
	Hook        func(point string) // nil in production; called by several goroutines; crash tests die in it: "fetched", "handled", "dead", "acked"
}

// AckWait is how long a delivery that nobody settles or works on stays with a consumer before it comes again: what a killed
// worker held is delayed by it. Twenty seconds outlast the pauses of a busy machine, and work is renewed three times in them.
const AckWait = 20 * time.Second

// Delay bounds the growing delays of redelivery.
type Delay struct {
	First time.Duration // default 200 ms
	Most  time.Duration // default 10 s
}
