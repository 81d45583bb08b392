package normalise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/pg"
)

// republishLock is another one than the reconciliation's: recovery after a failover must not wait for a republication.
const republishLock = sweepLock + 1

// How a republication is paced: it rests as long as it works, and notes every so many steps how far it has come.
const (
	republishNote = 16
	republishWait = "10s" // for writers of an older generation to end
)

// RepublishPending publishes the facts of a store that has taken a new generation, beside normal writing. It goes on where a
// process that died left off. Of several who call it one works; the others get ErrSweeping.
func (k *Store) RepublishPending(ctx context.Context) error {
	var from int64
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["republish_from"]).Scan(&from); err != nil {
		return pg.Classify(fmt.Errorf("asking what is to be published again: %w", err))
	}
	if from == 0 {
		return nil
	}
	return k.alone(ctx, republishLock, k.republish)
}

func (k *Store) republish(ctx context.Context) error {
	var from, newest int64
	var l life
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, now life) error {
		l = now
		return tx.QueryRow(ctx, k.sql["republish_from"]).Scan(&from)
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("asking what is to be published again: %w", err))
	}
	if newest, err = k.barrier(ctx); err != nil {
		return err
	}
	steps, total := 0, 0
	for first := max(from, 1); from > 0 && first <= newest; first += retellStep {
		began := time.Now()
		batches, under, err := k.gather(ctx, first, min(first+retellStep-1, newest), nil, began)
		if err != nil {
			return err
		}
		if under != l.token {
			return errPassed // the next call goes on under the newer token
		}
		if err := k.send(ctx, batches); err != nil {
			return fmt.Errorf("publishing facts again: %w", err)
		}
		k.cfg.Failpoint("republished")
		for i := range batches {
			total += batches[i].Len()
		}
		if steps++; steps%republishNote == 0 {
			if err := k.noteRepublished(ctx, l.generation, first+retellStep); err != nil {
				return err
			}
		}
		if len(batches) > 0 {
			if err := pause(ctx, time.Since(began)); err != nil {
				return err
			}
		}
	}
	if err := k.noteRepublished(ctx, l.generation, 0); err != nil {
		return err
	}
	k.cfg.Log.Info("published all facts again", "generation", l.generation, "facts", total)
	return nil
}

func (k *Store) noteRepublished(ctx context.Context, generation int32, from int64) error {
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, _ life) error {
		_, err := tx.Exec(ctx, k.sql["republish_set"], generation, from)
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("noting how far facts are published again: %w", err))
	}
	return nil
}

// barrier waits until everybody who began to write under an older generation has ended, and returns the newest counter: what
// comes after it is published under the new one.
func (k *Store) barrier(ctx context.Context) (newest int64, err error) {
	tx, err := k.cfg.Pool.Begin(ctx)
	if err != nil {
		return 0, pg.Classify(fmt.Errorf("waiting for writers to end: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	var token int64
	_, err = tx.Exec(ctx, k.sql["writers_barrier"], int64(pg.WriterLock), republishWait)
	if err == nil {
		err = tx.QueryRow(ctx, k.sql["counter_newest"]).Scan(&newest, &token)
	}
	if err != nil {
		return 0, pg.Classify(fmt.Errorf("waiting for writers to end: %w", err))
	}
	return newest, nil
}

// KeepRepublishing calls RepublishPending from time to time until ctx ends. What fails is tried again.
func (k *Store) KeepRepublishing(ctx context.Context, every time.Duration) {
	for {
		err := k.RepublishPending(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrLockHeld) {
			k.cfg.Log.Warn("publishing all facts again failed; going on later", "error", err, "pause", every)
		}
		if pause(ctx, every) != nil {
			return
		}
	}
}
