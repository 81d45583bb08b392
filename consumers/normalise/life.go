package normalise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// chatStream is the stream whose sequences the ledger holds.
const chatStream = "CHAT"

// known is what a keeper remembers between transactions. Copies of it that write through other gates share it.
type known struct {
	mu          sync.Mutex // covers all below
	settled     bool       // under token, the record has its generation and its number for the stream's life
	token       uint64
	created     time.Time  // of the stream
	incarnation int32      // for who only reads
	refused     seqset.Set // what the sweep could not store, and said so
}

// forget has the next transaction look again at what the record and the stream are.
func (k *Keeper) forget() {
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	k.known.settled = false
}

func (n *known) under(token uint64) (created time.Time, settled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.created, n.settled && n.token == token
}

// settle returns when the stream was created. At every new token it looks at both again and gives the record what it lacks: its
// generation, and its number for this life of the stream. Several may do so at once.
func (k *Keeper) settle(permit *gate.Permit) (time.Time, error) {
	if created, settled := k.known.under(permit.Token); settled {
		return created, nil
	}
	ctx := permit.Context()
	created, err := k.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return created, fmt.Errorf("asking when the stream was created: %w", err)
	}
	var has life
	var last *entry
	err = k.transaction(permit, created, func(ctx context.Context, tx pgx.Tx, l life) (err error) {
		has = l
		last, err = k.lastEntry(ctx, tx, l.incarnation)
		return err
	})
	if err != nil {
		return created, err
	}
	// The bus is asked between transactions: who waits for it must not hold up whoever raises the token.
	same, err := k.stillStands(ctx, last)
	if err != nil {
		return created, err
	}
	if has, err = k.bear(permit, created, has, same); err != nil {
		return created, err
	}
	k.remember(permit.Token, created, has)
	return created, nil
}

// bear gives the record what it lacks. Of several who do so at once the first wins; the others' generations are never used,
// which is harmless: they only have to rise.
func (k *Keeper) bear(permit *gate.Permit, created time.Time, has life, same bool) (life, error) {
	if has.born() && same {
		return has, nil
	}
	var next uint16
	if has.generation < 0 {
		var err error
		if next, err = k.cfg.Stream.NextGeneration(permit.Context()); err != nil {
			return has, fmt.Errorf("asking for a generation: %w", err)
		}
	}
	err := k.transaction(permit, created, func(ctx context.Context, tx pgx.Tx, l life) error {
		if l.generation < 0 && has.generation < 0 {
			if _, err := tx.Exec(ctx, k.sql["store_generate"], int32(next)); err != nil {
				return fmt.Errorf("writing the store's generation: %w", err)
			}
		}
		if has.incarnation > 0 && same {
			return nil
		}
		if _, err := tx.Exec(ctx, k.sql["incarnations_alone"]); err != nil {
			return fmt.Errorf("noting a new incarnation of the stream: %w", err)
		}
		if _, err := tx.Exec(ctx, k.sql["incarnation_add"], chatStream, created, has.incarnation); err != nil {
			return fmt.Errorf("noting a new incarnation of the stream: %w", err)
		}
		return nil
	})
	if err != nil {
		return has, err
	}
	err = k.transaction(permit, created, func(_ context.Context, _ pgx.Tx, l life) error { has = l; return nil })
	return has, err
}

func (k *Keeper) remember(token uint64, created time.Time, has life) {
	n := k.known
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.token != token || n.incarnation != has.incarnation {
		n.refused = seqset.Set{} // by another server, or of another stream
	}
	n.settled, n.token, n.created, n.incarnation = true, token, created, has.incarnation
}

// entry is the ledger's highest event.
type entry struct {
	sequence int64
	event    [16]byte
}

// asker is a pool or a transaction.
type asker interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// lastEntry returns the highest event that was entered in a life of the stream; nil if none was.
func (k *Keeper) lastEntry(ctx context.Context, q asker, incarnation int32) (*entry, error) {
	var e entry
	err := q.QueryRow(ctx, k.sql["ledger_last"], incarnation).Scan(&e.sequence, &e.event)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's last entry: %w", err)
	}
	return &e, nil
}

// stillStands reports whether the stream is the one that the ledger knows: the last event that was entered stands at its
// sequence, or was deleted.
func (k *Keeper) stillStands(ctx context.Context, last *entry) (bool, error) {
	if last == nil {
		return true, nil
	}
	d, found, err := k.cfg.Stream.Get(ctx, uint64(last.sequence))
	if err != nil {
		return false, fmt.Errorf("looking at sequence %d of the stream: %w", last.sequence, err)
	}
	return !found || d.Carries(event.ID(last.event).String()), nil
}

// reading returns the record's number for the stream's life without writing one; 0 if it has none. What a transaction of this
// keeper has found since counts.
func (k *Keeper) reading(ctx context.Context) (int32, error) {
	k.known.mu.Lock()
	number := k.known.incarnation
	k.known.mu.Unlock()
	if number != 0 {
		return number, nil
	}
	created, err := k.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking when the stream was created: %w", err)
	}
	var l life
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["admit"], chatStream, created).Scan(&l.token, &l.generation, &l.incarnation); err != nil {
		return 0, pg.Classify(fmt.Errorf("looking up the stream's incarnation: %w", err))
	}
	last, err := k.lastEntry(ctx, k.cfg.Pool, l.incarnation)
	if err != nil {
		return 0, pg.Classify(err)
	}
	same, err := k.stillStands(ctx, last)
	if err != nil || !same {
		return 0, err
	}
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	if k.known.incarnation == 0 {
		k.known.incarnation = l.incarnation
	}
	return k.known.incarnation, nil
}
