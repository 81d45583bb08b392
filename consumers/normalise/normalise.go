// Package normalise stores events of the bus as rows of PostgreSQL, and publishes what changed as facts.
//
// It promises that a stored state is a pure function of the set of events that were ever stored, so that order, duplicates and batching
// of deliveries do not matter: applying a delivery is idempotent; that rows and the ledger of the sequences they came from are written
// in one transaction, under a fencing token that the database checks; and that facts are published after the commit, at once or, where
// the stream does not take them, in a later retry: the ledger holds which are pending. It does not fetch, retry outages, or decide what
// is a dead letter.
package normalise

import (
	"context"
	"embed"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/internal/sqlfile"
)

//go:embed queries/*.sql
var queries embed.FS

// Stream is what the store needs of the bus. Its methods may block, and several may be called at once; an unmarked error is
// transient.
type Stream interface {
	// PublishFacts returns when all of them are acknowledged. Called after every commit that changed something.
	PublishFacts(ctx context.Context, facts []fact.Batch) error
	// Incarnation returns when the stream CHAT was created. Called before anything is written, and again under every new token.
	Incarnation(ctx context.Context) (time.Time, error)
	// LastSequence returns the last sequence that CHAT ever gave out, as the stream's leader answers.
	LastSequence(ctx context.Context) (uint64, error)
	// NextGeneration returns a number above the given one that no store was given before. Called when a store has none, or was
	// restored from a backup.
	NextGeneration(ctx context.Context, above uint16) (uint16, error)
	// Published returns the highest version that facts were published under; it may be a little too low, never too high.
	Published(ctx context.Context) (fact.Version, error)
	// Get returns the message at a sequence of CHAT; found is false if it was deleted, as the stream's leader answers.
	Get(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error)
	// DeadLetter returns when a copy of a message of CHAT, or of an event out of one, is among the dead letters; it is idempotent. Called
	// while backfilling, for what was settled and cannot be decoded, and for the events of a bundle that cannot be stored.
	DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error
}

// Config is what a store is made of; all of it is required but Failpoint, Observe and Replaced.
type Config struct {
	Pool   *pgxpool.Pool
	Gate   gate.Gate
	Stream Stream
	Log    *slog.Logger
	// Failpoint is called between two effects: where tests kill the process.
	Failpoint func(point string)
	// Observe is called after every transaction.
	Observe func(Transaction)
	// Replaced is called when a store that was restored from a backup took a new "generation", or such a stream a new "incarnation".
	Replaced func(what string)
}

// Transaction is what Observe counts.
type Transaction struct {
	Events, Facts, Conflicts int
	Unstored                 uint64 // sequences that were removed from the stream before they were stored
	Took                     time.Duration
}

// Store stores events. It is safe for concurrent use: any number of goroutines and processes may write to one database.
type Store struct {
	*core
	db          *writer
	ids         *identity
	ledger      *ledger
	publisher   *Publisher
	reports     *Reports
	applier     *applier
	deadLetters *deadLetters
}

// core is what the parts of a store share.
type core struct {
	cfg     Config
	sql     map[string]string
	cache   *cache
	breaker *breaker
	buffers *sync.Pool // of *pg.Copy
	only    int32      // the incarnation that transactions must be of; 0: any
}

// New makes a store, and checks that its database and stream answer. It writes nothing, since another process may be the one that is
// allowed to: an empty database gets its identity before the first transaction. The schema must be up to date.
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
	s := assemble(core{cfg: c, sql: sqlfile.All(queries), cache: newCache(), breaker: newBreaker(c.Log), buffers: &sync.Pool{New: func() any { return new(pg.Copy) }}})
	if _, err := s.ids.current(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// assemble connects the parts of a store.
func assemble(shared core) *Store {
	c := &shared
	db := &transactor{c}
	ids := &identity{core: c, db: db}
	w := &writer{core: c, db: db, ids: ids}
	l := &ledger{core: c, db: w, ids: ids}
	p := &Publisher{core: c, db: w, ledger: l}
	a := &applier{core: c, db: w, publisher: p}
	return &Store{core: c, db: w, ids: ids, ledger: l, publisher: p, reports: &Reports{core: c, ids: ids}, applier: a,
		deadLetters: &deadLetters{core: c, db: w, apply: a}}
}

// Through returns the store as it writes through another gate.
func (s *Store) Through(g gate.Gate) *Store {
	c := *s.core
	c.cfg.Gate = g
	return assemble(c)
}

// during returns the store as it writes only while the stream has an incarnation.
func (s *Store) during(incarnation int32) *Store {
	c := *s.core
	c.only = incarnation
	return assemble(c)
}

// Publisher publishes the facts of committed transactions.
func (s *Store) Publisher() *Publisher { return s.publisher }

// Reports answers questions about what is stored.
func (s *Store) Reports() *Reports { return s.reports }

// Handle implements consumers.Handler for deliveries of the stream CHAT.
func (s *Store) Handle(ctx context.Context, batch []consumers.Delivery) error {
	return s.applier.apply(ctx, batch, applyNormal)
}

// Repair is Handle for deliveries that the ledger holds already but whose rows are missing: it applies them whatever the
// ledger holds.
func (s *Store) Repair(ctx context.Context, batch []consumers.Delivery) error {
	return s.applier.apply(ctx, batch, applyRepair)
}

// AffectedIDs returns the ids of all rows that a delivery can have made or changed; none for one that cannot be decoded.
func (s *Store) AffectedIDs(d consumers.Delivery) [][16]byte { return projection.AffectedIDs(d) }

// Republish publishes again what the transactions of these counters changed and no other has changed since.
func (s *Store) Republish(ctx context.Context, counters []int64) error {
	return s.publisher.Republish(ctx, counters)
}

// MarkDeleted inserts sequences into the ledger that the stream no longer holds.
func (s *Store) MarkDeleted(ctx context.Context, sequences seqset.Set) error {
	return s.applier.markDeleted(ctx, sequences)
}

// DeadLetter implements consumers.DeadLetterer: it inserts the sequence of a delivery that will never be stored into the ledger, with its
// cause. A bundle is split: what of it can be stored is, and each of the other events becomes a dead letter of its own. Where Postgres
// rejects every one of them none can be blamed, and the bundle is one dead letter.
func (s *Store) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	return s.deadLetters.deadLetter(ctx, d, cause)
}

// ResolveDeadLetter records what became of a dead letter: "requeued" or "dropped".
func (s *Store) ResolveDeadLetter(ctx context.Context, d consumers.Delivery, state string) error {
	return s.deadLetters.resolve(ctx, d, state)
}

// AcceptUnstored records who accepts the loss of the unstored sequences that these transactions found.
func (s *Store) AcceptUnstored(ctx context.Context, counters []int64, by string) error {
	return s.ledger.acceptUnstored(ctx, counters, by)
}

// Incarnation returns the number under which the ledger holds the stream as it is; 0: none yet.
func (s *Store) Incarnation(ctx context.Context) (int32, error) { return s.ids.current(ctx) }

// Invalidate has the next transaction check again that stream and database are the ones that it knows. It is to be called whenever
// the connection to the bus was lost: the servers may have been restored from a backup meanwhile.
func (s *Store) Invalidate() { s.cache.invalidate() }

// LedgerRange returns which of the sequences first to last of the current incarnation the ledger holds.
func (s *Store) LedgerRange(ctx context.Context, first, last uint64) (seqset.Set, error) {
	return s.ledger.rangeOf(ctx, first, last)
}

// LedgerFloor reads again which database and stream this is, in an admitted transaction, and returns the stream's incarnation, the
// fencing token, and a sequence up to which the ledger has no gap.
func (s *Store) LedgerFloor(ctx context.Context) (incarnation int32, token int64, floor uint64, err error) {
	ident, floor, err := s.ledger.floor(ctx)
	return ident.incarnation, ident.token, floor, err
}

// LedgerGaps returns which of the sequences first to last the ledger does not hold. It reads them in an admitted transaction: another
// server's answer counts for nothing.
func (s *Store) LedgerGaps(ctx context.Context, incarnation int32, first, last uint64) (seqset.Set, error) {
	return s.ledger.gaps(ctx, incarnation, first, last)
}

// Backfill stores deliveries that the ledger does not hold although they were settled, and publishes all that they are about. What cannot
// be decoded becomes a dead letter, since it will not be delivered again. What Postgres rejects together is halved until the culprit is
// alone; rejected is called with it, and its error ends the backfill. A rejected message stays a gap, unless it is a bundle of which Postgres
// takes some events.
func (s *Store) Backfill(ctx context.Context, incarnation int32, batch []consumers.Delivery, rejected func(sequence uint64, cause error) error) error {
	return s.during(incarnation).deadLetters.backfill(ctx, batch, rejected)
}

// MarkUnstored inserts sequences into the ledger that the stream does not hold. Those that the ledger did not hold either were removed
// before they were stored: they are recorded in the same transaction.
func (s *Store) MarkUnstored(ctx context.Context, incarnation int32, sequences seqset.Set) error {
	return s.during(incarnation).applier.markUnstored(ctx, sequences)
}

// PublishOldest publishes the oldest pending facts of transactions that are older than patience; what the stream does not take is left to
// PublishPending. While the stream is known to take none, a call that is not to wait does nothing.
func (s *Store) PublishOldest(ctx context.Context, patience time.Duration, wait bool) error {
	if !wait && !s.breaker.allow() {
		return nil
	}
	return s.publisher.publishOldest(ctx, patience)
}

// Compact joins the ledger's rows that are older than age and published.
func (s *Store) Compact(ctx context.Context, age time.Duration) error {
	return s.ledger.compact(ctx, age)
}
