// Package normalise keeps the record: it turns events of the bus into rows of PostgreSQL, and tells what changed.
//
// It promises that a state in the record is a pure function of the set of events that were ever stored, so that order,
// repetition and company of deliveries do not matter; that rows and the ledger of the sequences they came from are written
// in one transaction, under a token that the database checks; and that facts are published after the commit, at once or, where
// the stream does not take them, later: the ledger tells which are pending. It does not fetch, retry outages, or decide what is a dead letter.
package normalise

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

//go:embed queries/*.sql
var queries embed.FS

// Stream is what the keeper needs of the bus. Its methods may block, and several may be called at once; an unmarked error is
// transient.
type Stream interface {
	// PublishFacts returns when all of them are acknowledged. Called after every commit that changed something.
	PublishFacts(ctx context.Context, facts []fact.Batch) error
	// Incarnation returns when the stream CHAT was created. Called before anything is written, and again under every new token.
	Incarnation(ctx context.Context) (time.Time, error)
	// LastSequence returns the last sequence that CHAT ever gave out, by the word of the stream's leader.
	LastSequence(ctx context.Context) (uint64, error)
	// NextGeneration returns a number above the given one that no store was given before. Called when a store has none, or was put
	// back to an earlier state.
	NextGeneration(ctx context.Context, above uint16) (uint16, error)
	// Published returns the highest version that facts were published under; it may be a little too low, never too high.
	Published(ctx context.Context) (fact.Version, error)
	// Get returns the message at a sequence of CHAT; found is false if it was deleted, by the word of the stream's leader.
	Get(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error)
	// Next returns the first message of CHAT at the sequence or above it, by the word of the stream's leader. Called to find out
	// where a gap ends that a purge left.
	Next(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error)
	// Range calls yield with the messages of CHAT from one sequence to another, in order. That one is left out proves nothing.
	// The delivery is yield's to keep; an error of it ends the range and is returned. Called to fill many holes.
	Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error
	// DeadLetter returns when a copy of a message of CHAT, or of an event out of one, stands among the dead letters; a second one is
	// not made. Called by the sweep, for what was settled and cannot be read, and for what is guilty in a bundle.
	DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error
}

// Config is what a keeper is made of; all of it is required, Hook, Observe and Replaced excepted.
type Config struct {
	Pool   *pgxpool.Pool
	Gate   gate.Gate
	Stream Stream
	Log    *slog.Logger
	// Failpoint is called between two effects: the places where tests kill the process.
	Failpoint func(point string)
	// Observe is told of every transaction.
	Observe func(Transaction)
	// Replaced is called when a store that was put back took a new "generation", or a stream that was a new "incarnation".
	Replaced func(what string)
}

// Transaction is what Observe is told.
type Transaction struct {
	Events, Facts, Conflicts int
	Unstored                 uint64 // sequences that were removed from the stream before they were stored
	Took                     time.Duration
}

// Store keeps the record. It is safe for concurrent use: any number of goroutines and processes may keep one record.
type Store struct {
	cfg   Config
	sql   map[string]string
	known *known
	room  *sync.Pool // of *pg.Copy
	facts *breaker
	only  int32 // the incarnation that transactions must be of; 0: any
}

// manner is how deliveries are applied.
type manner uint8

const (
	ordinary manner = iota // what the ledger does not hold
	// What the ledger does not hold, and all that it is about is told of whether it changes or not: a transaction that a failover
	// took back may have told of a state in between, which nobody would set right.
	filling
	repairing // as filling, but whatever the ledger holds
	unstored  // as ordinary, of sequences that the stream does not hold
	parted    // as repairing, and the ledger is told nothing of their sequence: not all that it carries may be among them
)

// A transaction that another one is in the way of is run again, after a moment of random length so that the two do not meet
// again; after so many times the delivery goes back to the stream. Two workers that both meet a new message's reactions
// conflict once or twice.
const (
	conflictTries = 20
	conflictPause = 5 * time.Millisecond
)

// New makes a keeper, and looks whether its store and stream answer. It writes nothing, for nobody may be writing now: what the
// record lacks at its beginning is given to it before the first transaction. The schema must be up to date.
func New(ctx context.Context, c Config) (*Store, error) {
	if c.Failpoint == nil {
		c.Failpoint = func(string) {}
	}
	if c.Observe == nil {
		c.Observe = func(Transaction) {}
	}
	if c.Replaced == nil {
		c.Replaced = func(string) {}
	}
	k := &Store{cfg: c, known: &known{replaced: life{generation: -1}}, room: &sync.Pool{New: func() any { return new(pg.Copy) }},
		facts: newBreaker(c.Log)}
	var err error
	if k.sql, err = loadQueries(); err != nil {
		return nil, err
	}
	if _, err = k.reading(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// through returns the keeper as it writes through another gate.
func (k *Store) through(g gate.Gate) *Store {
	other := *k
	other.cfg.Gate = g
	return &other
}

// loadQueries reads the statements by their files' names, without ending.
func loadQueries() (map[string]string, error) {
	entries, err := queries.ReadDir("queries")
	if err != nil {
		return nil, fmt.Errorf("listing the queries: %w", err)
	}
	out := make(map[string]string, len(entries))
	for _, e := range entries {
		b, err := queries.ReadFile("queries/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading query %s: %w", e.Name(), err)
		}
		out[e.Name()[:len(e.Name())-len(".sql")]] = string(b)
	}
	return out, nil
}

// Handle implements consumers.Handler for deliveries of the stream CHAT.
func (k *Store) Handle(ctx context.Context, batch []consumers.Delivery) error {
	return k.handle(ctx, batch, ordinary)
}

// Repair is Handle for deliveries that the ledger holds already but whose rows are missing: it applies them whatever the
// ledger says.
func (k *Store) Repair(ctx context.Context, batch []consumers.Delivery) error {
	return k.handle(ctx, batch, repairing)
}

func (k *Store) handle(ctx context.Context, batch []consumers.Delivery, how manner) error {
	items, failed, err := Decode(batch)
	if err != nil {
		return err
	}
	for len(items) > 0 {
		n := portion(items)
		if err := k.store(ctx, items[:n], seqset.Set{}, how); err != nil {
			return err
		}
		items = items[n:]
	}
	if len(failed) > 0 {
		return &consumers.PartialError{Failed: failed}
	}
	return nil
}

// portionMost is how many events one transaction takes of a batch that carries more: beyond it they cost memory and save nothing.
// A message is never parted, because its sequence is entered with all that it carries.
const portionMost = 4000

// portion returns how many of the items one transaction takes.
func portion(items []PendingEvent) int {
	if len(items) <= portionMost {
		return len(items)
	}
	n := portionMost
	for n < len(items) && items[n].Position.Sequence() == items[n-1].Position.Sequence() {
		n++
	}
	return n
}

// MarkDeleted enters sequences into the ledger that the stream no longer holds.
func (k *Store) MarkDeleted(ctx context.Context, sequences seqset.Set) error {
	return k.store(ctx, nil, sequences, ordinary)
}

// store runs one transaction and everything that must follow it.
func (k *Store) store(ctx context.Context, items []PendingEvent, without seqset.Set, how manner) error {
	began := time.Now()
	var done outcome
	for try := 0; ; try++ {
		var err error
		done, err = k.attempt(ctx, items, without, how)
		if err == nil {
			done.conflicts = try
			break
		}
		if !(pg.Conflict(err) || errors.Is(err, errMoved)) || try == conflictTries {
			return classify(err)
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(try+1)*int64(conflictPause)))); err != nil {
			return err
		}
	}
	k.cfg.Log.Debug("stored a batch", "token", done.token, "counter", done.counter, "events", done.events, "conflicts", done.conflicts)
	k.reportUnstored(done)
	k.cfg.Failpoint("committed")
	if err := k.announce(ctx, done); err != nil {
		return err
	}
	k.cfg.Observe(Transaction{Events: done.events, Facts: done.count, Conflicts: done.conflicts, Unstored: done.unstored.Len(), Took: time.Since(began)})
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// classify says what to do about a conflict that would not end. That another transaction came first ends by itself. A duplicate
// key may be the batch's own doing, which only its company can tell: it stays unmarked, and one that comes back alone while others
// succeed is poison.
func classify(err error) error {
	switch {
	case errors.Is(err, errMoved) || pg.Conflict(err) && !pg.Duplicate(err):
		return fault.AsTransient(fmt.Errorf("storing a batch: others are in the way: %w", err), 0)
	case pg.Duplicate(err):
		return fmt.Errorf("storing a batch: a key is there twice: %w", err)
	}
	return pg.Classify(err)
}

// announce publishes what a transaction changed, and notes that it did. Facts can be made again from Postgres: where the stream
// does not take them the ledger row stays pending, the delivery is settled, and PublishPending catches up.
func (k *Store) announce(ctx context.Context, done outcome) error {
	if len(done.unmarked) == 0 && (done.counter == 0 || done.count == 0) {
		return nil
	}
	if !k.facts.allow() {
		k.facts.signal()
		return nil
	}
	err := k.announceNow(ctx, done)
	if pendingPublish(ctx, err) {
		k.facts.signal()
		return nil
	}
	return err
}

func (k *Store) announceNow(ctx context.Context, done outcome) error {
	if len(done.unmarked) > 0 { // an earlier life committed these and died before it could tell
		if err := k.tellAgain(ctx, done.token, done.unmarked); err != nil {
			return err
		}
	}
	if done.counter == 0 || done.count == 0 {
		return nil
	}
	if err := k.publish(ctx, done.facts); err != nil {
		return err
	}
	k.cfg.Failpoint("facts")
	if err := k.mark(ctx, done.generation, done.rowVersion); err != nil {
		return err
	}
	k.cfg.Failpoint("marked")
	return nil
}
