package normalise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// chatStream is the stream whose sequences the ledger holds.
const chatStream = "CHAT"

// findGeneration returns the store's generation, and gives it one if it is new. Of several who do so at once the first
// wins; the others' numbers are never used, which is harmless: generations only have to rise.
func (k *Keeper) findGeneration(ctx context.Context) (uint16, error) {
	var have *int32
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["store_generation"]).Scan(&have); err != nil {
		return 0, fmt.Errorf("reading the store's generation: %w", err)
	}
	if have != nil {
		return uint16(*have), nil
	}
	next, err := k.cfg.Stream.NextGeneration(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking for a generation: %w", err)
	}
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["store_generate"], int32(next)).Scan(&have); err != nil {
		return 0, fmt.Errorf("writing the store's generation: %w", err)
	}
	return uint16(*have), nil
}

// findIncarnation returns this store's number of the stream's life. A stream is the one that the ledger knows if it was
// created at the same time and the last event that was entered still stands at its sequence, or was deleted.
func (k *Keeper) findIncarnation(ctx context.Context) (int32, error) {
	created, err := k.cfg.Stream.Incarnation(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking when the stream was created: %w", err)
	}
	tx, err := k.cfg.Pool.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("looking up the stream's incarnation: %w", err)
	}
	defer pg.Rollback(ctx, tx)
	var number *int32
	// The lock keeps two keepers from giving one life two numbers.
	if err := tx.QueryRow(ctx, k.sql["incarnation_find"], chatStream, created).Scan(&number); err != nil {
		return 0, fmt.Errorf("looking up the stream's incarnation: %w", err)
	}
	if number != nil {
		same, err := k.stillStands(ctx, tx, *number)
		if err != nil || same {
			return *number, err
		}
	}
	var fresh int32
	if err := tx.QueryRow(ctx, k.sql["incarnation_add"], chatStream, created).Scan(&fresh); err != nil {
		return 0, fmt.Errorf("noting a new incarnation of the stream: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("noting a new incarnation of the stream: %w", err)
	}
	return fresh, nil
}

func (k *Keeper) stillStands(ctx context.Context, tx pgx.Tx, incarnation int32) (bool, error) {
	var seq int64
	var id [16]byte
	err := tx.QueryRow(ctx, k.sql["ledger_last"], incarnation).Scan(&seq, &id)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the ledger's last entry: %w", err)
	}
	d, found, err := k.cfg.Stream.Get(ctx, uint64(seq))
	if err != nil {
		return false, fmt.Errorf("looking at sequence %d of the stream: %w", seq, err)
	}
	return !found || d.EventID == event.ID(id).String(), nil
}

// mark notes that the facts of transactions are published.
func (k *Keeper) mark(ctx context.Context, counters []int64) error {
	if _, err := k.cfg.Pool.Exec(ctx, k.sql["ledger_mark"], counters); err != nil {
		return pg.Classify(fmt.Errorf("noting that facts are published: %w", err))
	}
	return nil
}

// Held returns which of the sequences first to last of the current incarnation the ledger holds.
func (k *Keeper) Held(ctx context.Context, first, last uint64) (seqset.Set, error) {
	var text string
	err := k.cfg.Pool.QueryRow(ctx, k.sql["ledger_held"], k.currentIncarnation(), int64(first), int64(last)).Scan(&text)
	if err != nil {
		return seqset.Set{}, pg.Classify(fmt.Errorf("reading the ledger: %w", err))
	}
	return seqset.Parse(text)
}

// Compact joins the ledger's rows that are older than age and told of.
func (k *Keeper) Compact(ctx context.Context, age time.Duration) error {
	if _, err := k.cfg.Pool.Exec(ctx, k.sql["ledger_compact"], age); err != nil {
		return pg.Classify(fmt.Errorf("compacting the ledger: %w", err))
	}
	return nil
}

// Known implements what importers ask: which of these exact events, collected by these accounts, the record holds from
// the current incarnation of the stream. Those need not be published again.
func (k *Keeper) Known(ctx context.Context, events []event.Event) ([]bool, error) {
	out := make([]bool, len(events))
	rows, err := k.cfg.Pool.Query(ctx, k.sql["events_by_id"], ids(events, func(e *event.Event) [16]byte { return e.ID }))
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("asking what the record holds: %w", err))
	}
	found, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("asking what the record holds: %w", err))
	}
	byID := make(map[event.ID]item, len(found))
	for _, it := range found {
		byID[it.ID] = it
	}
	for i := range events {
		if stands, ok := byID[events[i].ID]; ok {
			if out[i], err = k.knows(stands, &events[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// knows takes the event through its envelope, as it would come from the bus.
func (k *Keeper) knows(stands item, e *event.Event) (bool, error) {
	if stands.incarnation != k.currentIncarnation() {
		return false, nil
	}
	data, err := event.Encode(e)
	if err != nil {
		return false, err
	}
	it, err := decodeOne(data)
	if err != nil {
		return false, err
	}
	it.incarnation, it.sequence = stands.incarnation, stands.sequence
	_, more := grow(stands, it)
	return !more, nil
}
