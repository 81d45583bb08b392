package normalise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
)

// errNoIdentity says that Postgres has lost, since it was last read, the store's generation or the stream's incarnation.
var errNoIdentity = errors.New("the database no longer names this store's generation, or the stream's incarnation")

// errTokenChanged says that what was read under one fencing token would be answered under another.
var errTokenChanged = errors.New("the leader changed meanwhile")

// storeIdentity is which store a transaction runs on, and which incarnation of the stream it is of, as the transaction itself has read
// it: a failover may roll back those rows, and what another server answered then counts for nothing.
type storeIdentity struct {
	token       int64
	generation  int32     // -1: none yet
	incarnation int32     // 0: none yet
	started     time.Time // of the server process
}

func (ident storeIdentity) complete() bool { return ident.generation >= 0 && ident.incarnation > 0 }

func (ident storeIdentity) version(v rowVersion) fact.Version {
	return fact.Version{Generation: uint16(ident.generation), Token: uint64(v.token), Counter: uint64(v.counter)}
}

// txFunc is what a transaction does; its context ends with the permission.
type txFunc func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error

// writer runs the transactions that write, or that decide what is written: every such statement of the store goes through it.
type writer struct {
	*core
	db  *transactor
	ids *identity
}

// write waits for permission, takes the writers' lock shared, compares the fencing token with the database's, and checks the permit
// right before the commit. On error nothing is committed, unless the connection broke during the commit: then the ledger answers
// when the delivery comes again.
func (w *writer) write(ctx context.Context, do txFunc) error {
	permit, err := w.cfg.Gate.Enter(ctx)
	if err != nil {
		return fmt.Errorf("waiting for permission to write: %w", err)
	}
	defer permit.Leave()
	if err = w.writeUnder(permit, do); errors.Is(err, errNoIdentity) || errors.Is(err, errReplaced) {
		w.cache.invalidate()
		err = w.writeUnder(permit, do)
	}
	if err != nil && ctx.Err() == nil && permit.Context().Err() != nil {
		return fault.AsTransient(fmt.Errorf("permission to write ended: %w", err), 0)
	}
	return err
}

func (w *writer) writeUnder(permit *gate.Permit, do txFunc) error {
	created, err := w.ids.ensure(permit)
	if err != nil {
		return err
	}
	return w.db.run(permit, created, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error {
		if !ident.complete() || !w.cache.sameServer(ident.started) {
			return errNoIdentity
		}
		return do(ctx, tx, ident)
	})
}

// probe reports whether a transaction is admitted and commits.
func (w *writer) probe(ctx context.Context) error {
	err := w.write(ctx, func(context.Context, pgx.Tx, storeIdentity) error { return nil })
	return pg.Classify(err)
}

// transactor runs a transaction under a permit, whether or not the store has an identity yet.
type transactor struct{ *core }

func (t *transactor) run(permit *gate.Permit, created time.Time, do txFunc) error {
	ctx := permit.Context()
	tx, err := t.cfg.Pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer pg.Rollback(ctx, tx)
	ident, err := t.admit(ctx, tx, int64(permit.Token), created)
	if err != nil {
		return err
	}
	if err := do(ctx, tx, ident); err != nil {
		return err
	}
	if err := permit.Check(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// admit takes the writers' lock shared and refuses to go on under a fencing token that is not the database's: a newer one has fenced
// this writer off, and where the database's is lower this is not the server that the token was raised on.
func (t *transactor) admit(ctx context.Context, tx pgx.Tx, token int64, created time.Time) (storeIdentity, error) {
	var ident storeIdentity
	var both pgx.Batch
	both.Queue(t.sql["writers_share"], int64(pg.WriterLock))
	both.Queue(t.sql["admit"], chatStream, created)
	answers := tx.SendBatch(ctx, &both)
	_, err := answers.Exec()
	if err == nil {
		err = answers.QueryRow().Scan(&ident.token, &ident.generation, &ident.incarnation, &ident.started)
	}
	if err = errors.Join(err, answers.Close()); err != nil {
		return storeIdentity{}, fmt.Errorf("reading the newest token: %w", err)
	}
	switch {
	case ident.token > token:
		return storeIdentity{}, fault.AsTransient(fmt.Errorf("token %d is stale: the database has seen %d", token, ident.token), 0)
	case ident.token < token:
		return storeIdentity{}, fault.AsTransient(fmt.Errorf("token %d has not been raised here: the database has seen %d", token, ident.token), 0)
	}
	return ident, nil
}

// cache is what a process remembers between transactions of the store's identity. The copies of a store that write through other gates
// share it.
type cache struct {
	mu          sync.Mutex // covers all below
	valid       bool       // under token, the database has its generation and the incarnation of the stream
	token       uint64
	created     time.Time     // of the stream
	started     time.Time     // of the Postgres server
	incarnation int32         // for those who only read; 0: to be read
	newest      storeIdentity // of the newest transaction that this process has committed
	counter     int64         // of that transaction
	floor       uint64        // the ledger has no gap up to it
	floorOf     storeIdentity // under which floor was read
	replaced    storeIdentity // its generation and incarnation were found to be another store's, or another stream's
}

func newCache() *cache { return &cache{replaced: storeIdentity{generation: -1}} }

// invalidate has the next transaction read the identities of store and stream again.
func (c *cache) invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid, c.incarnation = false, 0
}

// under returns when the stream was created, if that was read under the token.
func (c *cache) under(token uint64) (created time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.created, c.valid && c.token == token
}

// put keeps what was read under a token.
func (c *cache) put(token uint64, created time.Time, ident storeIdentity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.valid, c.token, c.created, c.started, c.incarnation = true, token, created, ident.started, ident.incarnation
}

// reading returns the incarnation that readers know, 0 if none, and when the stream was created.
func (c *cache) reading() (incarnation int32, created time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.incarnation, c.created
}

// putReading keeps what a reader found out.
func (c *cache) putReading(incarnation int32, created time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.incarnation = incarnation
	if !c.valid {
		c.created = created
	}
}

// isReplaced reports whether the generation or the incarnation must not be used any more; -1 and 0 match none.
func (c *cache) isReplaced(generation, incarnation int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return generation >= 0 && generation == c.replaced.generation || incarnation > 0 && incarnation == c.replaced.incarnation
}

// replace marks a generation, or an incarnation as not to be used any more; -1 and 0 change nothing.
func (c *cache) replace(generation, incarnation int32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation >= 0 {
		c.replaced.generation = generation
	}
	if incarnation > 0 {
		c.replaced.incarnation = incarnation
	}
	return errReplaced
}

// sameServer reports whether a transaction runs on the server process that the identity was read from.
func (c *cache) sameServer(started time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started.Equal(started)
}

// committed returns the newest counter that this process has committed under the token and generation.
func (c *cache) committed(ident storeIdentity) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest.token != ident.token || c.newest.generation != ident.generation {
		return 0
	}
	return c.counter
}

// commit keeps the counter of a committed transaction.
func (c *cache) commit(ident storeIdentity, counter int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.newest.token == ident.token && c.newest.generation == ident.generation {
		counter = max(counter, c.counter)
	}
	c.newest, c.counter = ident, counter
}

// floorFor returns up to which sequence the ledger has no gap. It counts only for the server, token, generation and incarnation that
// it was read under.
func (c *cache) floorFor(ident storeIdentity) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.floorOf != ident {
		return 0
	}
	return c.floor
}

// raiseFloor keeps that the ledger holds first to last.
func (c *cache) raiseFloor(ident storeIdentity, first, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.floorOf != ident {
		c.floor, c.floorOf = 0, ident
	}
	if first <= c.floor+1 {
		c.floor = max(c.floor, last)
	}
}
