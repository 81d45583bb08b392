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

// errUnborn says that the record has lost, since it was last looked at, its generation or its number for the stream's life.
var errUnborn = errors.New("the record no longer knows which store it is, or of which stream")

// errPassed says that what was read under one token would be answered under another.
var errPassed = errors.New("the leader changed meanwhile")

// life is which store a transaction has to do with, and which life of the stream, as the transaction itself has read it: a
// failover may take back the rows that say so, and what another server said then counts for nothing.
type life struct {
	token       int64
	generation  int32     // -1: none yet
	incarnation int32     // 0: none yet
	started     time.Time // of the server process
}

func (l life) born() bool { return l.generation >= 0 && l.incarnation > 0 }

func (l life) version(s rowVersion) fact.Version {
	return fact.Version{Generation: uint16(l.generation), Token: uint64(s.token), Counter: uint64(s.counter)}
}

// step is what a transaction does; its context ends with the permission.
type step func(ctx context.Context, tx pgx.Tx, l life) error

// write runs one transaction: every statement of the keeper that writes, or that decides what is written, goes through it. It
// waits for permission, shares the writers' lock, holds the token against the database's, and looks at the clock right before
// the commit. On error nothing of it stands, unless the connection broke on commit: then the ledger tells, when the delivery
// comes again.
func (k *Store) write(ctx context.Context, do step) error {
	permit, err := k.cfg.Gate.Enter(ctx)
	if err != nil {
		return fmt.Errorf("waiting for permission to write: %w", err)
	}
	defer permit.Leave()
	if err = k.within(permit, do); errors.Is(err, errUnborn) || errors.Is(err, errReplaced) {
		k.forget()
		err = k.within(permit, do)
	}
	if err != nil && ctx.Err() == nil && permit.Context().Err() != nil {
		return fault.AsTransient(fmt.Errorf("permission to write ended: %w", err), 0)
	}
	return err
}

func (k *Store) within(permit *gate.Permit, do step) error {
	created, err := k.ensureIdentity(permit)
	if err != nil {
		return err
	}
	return k.transaction(permit, created, func(ctx context.Context, tx pgx.Tx, l life) error {
		if !l.born() || !k.known.sameServer(l.started) {
			return errUnborn
		}
		return do(ctx, tx, l)
	})
}

// transaction is write for those who have permission and may find the record unborn.
func (k *Store) transaction(permit *gate.Permit, created time.Time, do step) error {
	ctx := permit.Context()
	tx, err := k.cfg.Pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer pg.Rollback(ctx, tx)
	l, err := k.admit(ctx, tx, int64(permit.Token), created)
	if err != nil {
		return err
	}
	if err := do(ctx, tx, l); err != nil {
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

// admit shares the writers' lock and refuses to go on under a token that is not the database's: a newer one has fenced this
// writer out, and where the token is still lower this is not the server that it was raised on.
func (k *Store) admit(ctx context.Context, tx pgx.Tx, token int64, created time.Time) (life, error) {
	var l life
	var both pgx.Batch
	both.Queue(k.sql["writers_share"], int64(pg.WriterLock))
	both.Queue(k.sql["admit"], chatStream, created)
	answers := tx.SendBatch(ctx, &both)
	_, err := answers.Exec()
	if err == nil {
		err = answers.QueryRow().Scan(&l.token, &l.generation, &l.incarnation, &l.started)
	}
	if err = errors.Join(err, answers.Close()); err != nil {
		return life{}, fmt.Errorf("asking for the newest token: %w", err)
	}
	switch {
	case l.token > token:
		return life{}, fault.AsTransient(fmt.Errorf("token %d is stale: the database has seen %d", token, l.token), 0)
	case l.token < token:
		return life{}, fault.AsTransient(fmt.Errorf("token %d has not been raised here: the database has seen %d", token, l.token), 0)
	}
	return l, nil
}
