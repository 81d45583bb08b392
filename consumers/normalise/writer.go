package normalise

import (
	"context"
	"errors"
	"fmt"
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
// it: a failover may take back the rows that say so, and what another server said then counts for nothing.
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
