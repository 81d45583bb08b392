// Package ingest carries events from a source to the stream. It is the one place that reconnects, backs off, throttles and
// saves cursors.
//
// It promises that a cursor is saved only after everything before it was acknowledged by the stream, that nothing which a
// source returned is dropped, and that input which cannot be read or is too large never stops a source. It does not promise
// that an event comes once: after a crash what was read since the last saved cursor comes again.
package ingest

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
)

// Publisher is what ingest needs of the bus.
type Publisher interface {
	// Begin sends the first n of events as one atomic batch and does not wait for its acknowledgement; the rest did not fit
	// and is the caller's to begin again. Batches begun one after the other are committed in that order unless one fails.
	// It is called by one goroutine a source, may block for as long as writing to the connection takes, and keeps nothing of
	// events. live marks what comes now and alone: the bus may drop it if it has the same event in its short memory.
	// An error says that nothing was begun.
	Begin(ctx context.Context, events []event.Event, live bool) (n int, p Pending, err error)
	// Fit changes an event that is too large for the bus until it fits, and says what it did; empty if it fitted.
	Fit(e *event.Event) (change string)
}

// Pending is a batch on its way.
type Pending interface {
	// Wait blocks until the batch is acknowledged as a whole, refused as a whole, or nobody knows. After an error the batch is
	// published again: it may then stand on the stream twice.
	Wait(ctx context.Context) (seqset.Span, error)
}

// Cursors keeps where sources resume.
type Cursors interface {
	// Load returns the cursor saved under name, or an empty one.
	Load(ctx context.Context, name string) (producers.Cursor, error)
	// Save blocks until c is durable. One goroutine saves under a name.
	Save(ctx context.Context, name string, c producers.Cursor) error
	// Forget removes the cursor: the archive was read to its end.
	Forget(ctx context.Context, name string) error
}

// Known says which events the record already holds, so that they are not published again.
type Known interface {
	// AlreadyStored answers for each event whether exactly this one, with this id, is in the record and came from the stream as it
	// is now. After an error everything is published: a repeat costs less than a loss.
	AlreadyStored(ctx context.Context, events []event.Event) ([]bool, error)
}

// Throttle says when importers must wait for the consumers or for space. Live sources are never asked to.
type Throttle interface {
	// Ask is called before each batch of an archive: how long to wait before asking again, and why; zero to go on. After an
	// error the importer goes on: publishing will tell.
	Ask(ctx context.Context) (wait time.Duration, why string, err error)
}

// Config is one source's run.
type Config struct {
	Name      string // of the source's instance: in logs, and under it the cursor is saved
	Label     string // of the source in metrics, of which there may be only a few; default Name
	Source    producers.Source
	Live      bool // reconnect for ever; otherwise read one archive to its end
	Publisher Publisher
	Cursors   Cursors  // nil: start at the start, save nothing
	Known     Known    // nil: publish everything
	Throttle  Throttle // nil: never wait; not asked by live sources

	// ZoneNamed and CharsetNamed are when the user named the zone and the charset that the source was given, in Unix milliseconds; zero:
	// nobody did. They go into the reading of every event that depends on them.
	ZoneNamed, CharsetNamed int64

	Batch       int                    // most events in an atomic batch; default 1000, what a server takes that is told nothing
	InFlight    int                    // batches published and not yet acknowledged; default 4
	SaveEvery   time.Duration          // least time to the next saved cursor; default 500 ms for archives, none for live sources; below 0: none
	StopTimeout time.Duration          // for what was read when asked to stop; default 10 s
	Healthy     time.Duration          // a session that lasted as long forgets earlier failures; default 1 min
	BackOff     BackOff                // between sessions and between attempts to publish
	Now         func() time.Time       // sets Event.Seen; default time.Now
	Metrics     *Metrics               // nil: none
	Log         *slog.Logger           // nil: discarded
	Observe     func(Progress)         // nil: nobody; called by one goroutine at a time, and must not block
	Rejected    func(*event.Event)     // nil: nobody; told each event of kind unparsed, before it is published, and keeps nothing of it
	Noticed     func(producers.Notice) // nil: nobody; told each notice of a live source as it comes, by one goroutine, and must not block
	Hook        func(point string)     // nil in production; called by several goroutines; crash tests die in it: "read", "published", "cursor"
}

// BackOff bounds the growing, jittered delays.
type BackOff struct {
	First time.Duration // default 500 ms
	Most  time.Duration // default 1 min
	// Tries is how many sessions of an archive may fail one after the other without anything having been read; default 5.
	Tries int
}

// State is what a source is doing.
type State string

// The states of a source.
const (
	Connecting State = "connecting"
	Reading    State = "reading"
	Waiting    State = "waiting" // throttled, or until the next attempt
	Done       State = "done"
)

// Progress is how far a source is.
type Progress struct {
	Counts
	State State
	Why   string // of Waiting
}

// Counts adds up what happened to a source's input.
type Counts struct {
	Read      int   `json:"read"`      // records of input
	Events    int   `json:"events"`    // made of them
	Published int   `json:"published"` // events acknowledged by the stream
	Known     int   `json:"known"`     // events not published because the record holds them
	Unparsed  int   `json:"unparsed"`  // events of kind unparsed
	Ambiguous int   `json:"ambiguous"` // records whose content key another record may share
	Bytes     int64 `json:"bytes"`     // of input
}

// Chat names a chat in a result.
type Chat struct {
	Source    event.Source    `json:"source"`
	Namespace event.Namespace `json:"namespace"`
	Channel   event.Channel   `json:"channel"` // empty: not about a chat
}

// ChatCounts is a chat's share of the result, in events.
type ChatCounts struct {
	Read      int `json:"read"`
	Published int `json:"published"`
	Known     int `json:"known"`
	Unparsed  int `json:"unparsed"`
	Ambiguous int `json:"ambiguous"` // where a batch was of one chat; those of mixed batches are in the sum only
}

// Place is a piece of input that could not be read.
type Place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Reason string `json:"reason"`
}

// MaxPlaces bounds Result.Places; Counts.Unparsed has the total.
const MaxPlaces = 1000

// Result is what a run did, also when it ends with an error.
type Result struct {
	Counts
	Chats     map[Chat]ChatCounts
	Places    []Place            // the first MaxPlaces
	Keys      map[Chat]*Export   // of messages with content keys, in their order; the first MaxKeys
	Notices   []producers.Notice // what was assumed, guessed or left out, each once, most first
	Sequences seqset.Set         // of what was published
}

// Metrics are the figures of all sources of a process.
type Metrics struct {
	records   *prometheus.CounterVec
	events    *prometheus.CounterVec
	publish   *prometheus.HistogramVec
	batch     *prometheus.HistogramVec
	throttled *prometheus.GaugeVec
	connected *prometheus.GaugeVec
	failures  *prometheus.CounterVec
	waited    *prometheus.CounterVec
	notices   *prometheus.CounterVec
}
