package normalise

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// ledger keeps which sequences of the stream are stored, and which transactions have facts that are not published yet.
type ledger struct {
	*core
	db  *writer
	ids *identity
}

// markPublished records that the facts of a transaction are published. It is by counter and token, which is right under a later token
// too: another leader may have allocated the counter again.
//
// A store that has taken another generation since may have lost the transaction without a new token, and allocated its counter again:
// nothing is marked then, and what is pending is republished.
func (l *ledger) markPublished(ctx context.Context, generation int32, published rowVersion) error {
	return markError(l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error {
		if ident.generation != generation {
			return nil
		}
		return l.markIn(ctx, tx, []rowVersion{published})
	}))
}

// markPublishedUnder is markPublished for transactions of other processes: they were read under a token, and are marked under that
// one or not at all.
func (l *ledger) markPublishedUnder(ctx context.Context, token int64, published []rowVersion) error {
	return markError(l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error {
		if ident.token != token {
			return errTokenChanged
		}
		return l.markIn(ctx, tx, published)
	}))
}

func (l *ledger) markIn(ctx context.Context, tx pgx.Tx, published []rowVersion) error {
	counters, tokens := make([]int64, len(published)), make([]int64, len(published))
	for i, s := range published {
		counters[i], tokens[i] = s.counter, s.token
	}
	_, err := tx.Exec(ctx, l.sql["ledger_mark"], counters, tokens)
	return err
}

func markError(err error) error {
	if err != nil {
		return pg.Classify(fmt.Errorf("recording that facts are published: %w", err))
	}
	return nil
}

// rangeOf returns which of the sequences first to last of the current incarnation the ledger holds.
func (l *ledger) rangeOf(ctx context.Context, first, last uint64) (seqset.Set, error) {
	incarnation, err := l.ids.current(ctx)
	if err != nil {
		return seqset.Set{}, err
	}
	return l.held(ctx, l.cfg.Pool, incarnation, first, last)
}

func (l *ledger) held(ctx context.Context, q rowQuerier, incarnation int32, first, last uint64) (seqset.Set, error) {
	var text string
	if err := q.QueryRow(ctx, l.sql["ledger_held"], incarnation, int64(first), int64(last)).Scan(&text); err != nil {
		return seqset.Set{}, pg.Classify(fmt.Errorf("reading the ledger: %w", err))
	}
	return seqset.Parse(text)
}

// compact is Store.Compact.
func (l *ledger) compact(ctx context.Context, age time.Duration) error {
	err := l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, _ storeIdentity) error {
		_, err := tx.Exec(ctx, l.sql["ledger_compact"], age)
		l.cfg.Failpoint("compacting")
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("compacting the ledger: %w", err))
	}
	l.cfg.Failpoint("compacted")
	return nil
}

// pendingAfter returns transactions with pending facts, and the token under which they were read.
func (l *ledger) pendingAfter(ctx context.Context, patience time.Duration, after int64) (page []rowVersion, token int64, err error) {
	err = l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) error {
		rows, err := tx.Query(ctx, l.sql["ledger_unmarked"], patience, after)
		if err != nil {
			return err
		}
		token = ident.token
		page, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s rowVersion, err error) {
			err = row.Scan(&s.counter, &s.token)
			return s, err
		})
		return err
	})
	if err != nil {
		return nil, 0, pg.Classify(fmt.Errorf("reading pending facts: %w", err))
	}
	return page, token, nil
}

// acceptUnstored is Store.AcceptUnstored.
func (l *ledger) acceptUnstored(ctx context.Context, counters []int64, by string) error {
	err := l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, _ storeIdentity) error {
		_, err := tx.Exec(ctx, l.sql["unstored_accept"], counters, by)
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("accepting sequences that were removed before they were stored: %w", err))
	}
	return nil
}

// floor is Store.LedgerFloor.
func (l *ledger) floor(ctx context.Context) (ident storeIdentity, floor uint64, err error) {
	l.cache.invalidate()
	err = l.db.write(ctx, func(_ context.Context, _ pgx.Tx, now storeIdentity) error {
		ident = now
		return nil
	})
	if err != nil {
		return ident, 0, pg.Classify(err)
	}
	return ident, l.cache.floorFor(ident), nil
}

// gaps is Store.LedgerGaps.
func (l *ledger) gaps(ctx context.Context, incarnation int32, first, last uint64) (seqset.Set, error) {
	var held seqset.Set
	var now storeIdentity
	err := l.db.write(ctx, func(ctx context.Context, tx pgx.Tx, ident storeIdentity) (err error) {
		if ident.incarnation != incarnation {
			return fault.AsTransient(errOtherIncarnation, 0)
		}
		now = ident
		held, err = l.held(ctx, tx, ident.incarnation, first, last)
		return err
	})
	if err != nil {
		return seqset.Set{}, pg.Classify(err)
	}
	missing := held.Missing(first, last)
	end := last
	if missing.Len() > 0 {
		end, _ = missing.Bounds()
		end--
	}
	l.cache.raiseFloor(now, first, end)
	return missing, nil
}
