package normalise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

// republishStep is how many transactions are republished at once: a batch of facts for each of their channels fits in memory.
const republishStep = 32

// Republish publishes again what the transactions of these counters changed and no other has changed since. It marks nothing: a caller
// who names counters does not know under which token they were allocated.
func (p *Publisher) Republish(ctx context.Context, counters []int64) error {
	for part := range slices.Chunk(counters, republishStep) {
		if _, err := p.republishCounters(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// republishAll publishes what transactions changed whose processes died before they published it, and marks them. They were read under
// a token, and only under that one their counters mean the same.
func (p *Publisher) republishAll(ctx context.Context, token int64, transactions []rowVersion) error {
	for part := range slices.Chunk(transactions, republishStep) {
		counters := make([]int64, len(part))
		for i, s := range part {
			counters[i] = s.counter
		}
		under, err := p.republishCounters(ctx, counters)
		if err != nil {
			return err
		}
		if under != token {
			return fault.AsTransient(fmt.Errorf("republishing under token %d what was found under %d: %w", under, token, errTokenChanged), 0)
		}
		if err := p.ledger.markPublishedUnder(ctx, token, part); err != nil {
			return err
		}
	}
	return nil
}

// RepublishFrom publishes again everything that was last changed by a transaction from the given counter on. It completes a ClickHouse
// that is empty or has lost rows; for a complete one it is idempotent. done is called with the number of facts published so far.
func (p *Publisher) RepublishFrom(ctx context.Context, from int64, done func(facts int)) error {
	var newest, token int64
	if err := p.cfg.Pool.QueryRow(ctx, p.sql["counter_newest"]).Scan(&newest, &token); err != nil {
		return pg.Classify(fmt.Errorf("reading the newest counter: %w", err))
	}
	began, total := time.Now(), 0
	for first := from; first <= newest; first += republishStep {
		batches, under, err := p.gather(ctx, first, min(first+republishStep-1, newest), nil, began)
		if err != nil {
			return err
		}
		if under != token { // rows that were passed over may have been written again, under counters that were allocated twice
			return fault.AsTransient(fmt.Errorf("republishing: %w; begin again", errTokenChanged), 0)
		}
		if err := p.send(ctx, batches); err != nil {
			return fmt.Errorf("publishing facts: %w", err)
		}
		for i := range batches {
			total += batches[i].Len()
		}
		done(total)
	}
	return nil
}

// republishCounters returns the token of the snapshot that the facts were read from.
func (p *Publisher) republishCounters(ctx context.Context, counters []int64) (token int64, err error) {
	batches, token, err := p.gather(ctx, slices.Min(counters), slices.Max(counters), counters, time.Now())
	if err != nil || len(batches) == 0 {
		return token, err
	}
	return token, p.publish(ctx, batches)
}

// How a republication is paced: it pauses as long as it works, and records every so many steps how far it has come.
const (
	republishNote = 16
	republishWait = "10s" // for writers of an older generation to end
)

// RepublishPending publishes the facts of a store that has taken a new generation, concurrently with normal writing. It resumes where a
// process that died left off. Of several callers one works; the others get lock.ErrHeld.
func (p *Publisher) RepublishPending(ctx context.Context) error {
	var from int64
	if err := p.cfg.Pool.QueryRow(ctx, p.sql["republish_from"]).Scan(&from); err != nil {
		return pg.Classify(fmt.Errorf("reading what is to be republished: %w", err))
	}
	if from == 0 {
		return nil
	}
	return lock.With(ctx, p.cfg.Pool, lock.Republication, p.republish)
}

func (p *Publisher) republish(ctx context.Context) error {
	var from, newest int64
	var ident storeIdentity
	err := p.db.write(ctx, func(ctx context.Context, tx pgx.Tx, now storeIdentity) error {
		ident = now
		return tx.QueryRow(ctx, p.sql["republish_from"]).Scan(&from)
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("reading what is to be republished: %w", err))
	}
	if newest, err = p.barrier(ctx); err != nil {
		return err
	}
	steps, total := 0, 0
	for first := max(from, 1); from > 0 && first <= newest; first += republishStep {
		began := time.Now()
		batches, under, err := p.gather(ctx, first, min(first+republishStep-1, newest), nil, began)
		if err != nil {
			return err
		}
		if under != ident.token {
			return errTokenChanged // the next call resumes under the newer token
		}
		if err := p.send(ctx, batches); err != nil {
			return fmt.Errorf("publishing facts again: %w", err)
		}
		p.cfg.Failpoint("republished")
		for i := range batches {
			total += batches[i].Len()
		}
		if steps++; steps%republishNote == 0 {
			if err := p.noteRepublished(ctx, ident.generation, first+republishStep); err != nil {
				return err
			}
		}
		if len(batches) > 0 {
			if err := pause(ctx, time.Since(began)); err != nil {
				return err
			}
		}
	}
	if err := p.noteRepublished(ctx, ident.generation, 0); err != nil {
		return err
	}
	p.cfg.Log.Info("published all facts again", "generation", ident.generation, "facts", total)
	return nil
}

func (p *Publisher) noteRepublished(ctx context.Context, generation int32, from int64) error {
	err := p.db.write(ctx, func(ctx context.Context, tx pgx.Tx, _ storeIdentity) error {
		_, err := tx.Exec(ctx, p.sql["republish_set"], generation, from)
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("recording how far facts are republished: %w", err))
	}
	return nil
}

// barrier waits until all transactions that began under an older generation have ended, and returns the newest counter: what
// comes after it is published under the new one.
func (p *Publisher) barrier(ctx context.Context) (newest int64, err error) {
	tx, err := p.cfg.Pool.Begin(ctx)
	if err != nil {
		return 0, pg.Classify(fmt.Errorf("waiting for writers to end: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	var token int64
	_, err = tx.Exec(ctx, p.sql["writers_barrier"], int64(pg.WriterLock), republishWait)
	if err == nil {
		err = tx.QueryRow(ctx, p.sql["counter_newest"]).Scan(&newest, &token)
	}
	if err != nil {
		return 0, pg.Classify(fmt.Errorf("waiting for writers to end: %w", err))
	}
	return newest, nil
}

// KeepRepublishing calls RepublishPending from time to time until ctx ends. What fails is retried.
func (p *Publisher) KeepRepublishing(ctx context.Context, every time.Duration) {
	for {
		err := p.RepublishPending(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, lock.ErrHeld) {
			p.cfg.Log.Warn("publishing all facts again failed; retrying later", "error", err, "pause", every)
		}
		if pause(ctx, every) != nil {
			return
		}
	}
}
