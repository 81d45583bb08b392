package measure

import (
	"context"
	_ "embed" // for the statement below
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/ch"
)

//go:embed queries/committed.sql
var committedSQL string

// Probe asks a store which of the wanted sequences, in rising order and at least one, it holds now. It may return others too.
type Probe func(ctx context.Context, wanted []uint64) ([]uint64, error)

// followPatience is how long nothing new may be seen, after the last acknowledgement, before what is wanted counts as missing.
const followPatience = time.Minute

// Follow probes a store for every message that the watch has an acknowledgement of, until done is closed and all are seen, and
// returns when each was seen first. Others may publish to the stream meanwhile: only acknowledged messages are asked for. Those
// that do not come are returned as missing.
func (w *Watch) Follow(ctx context.Context, done <-chan struct{}, every time.Duration, probe Probe) (seen map[uint64]time.Time, missing []uint64, err error) {
	seen = map[uint64]time.Time{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var wanted []uint64
	taken, progress := 0, time.Now()
	for {
		ended := closed(done) // asked first: all acknowledgements before it are in what follows
		more := w.ackedFrom(taken)
		taken += len(more)
		wanted = append(wanted, more...)
		slices.Sort(wanted)
		before := len(seen)
		if wanted, err = probeOnce(ctx, probe, wanted, seen); err != nil {
			return seen, nil, err
		}
		if !ended || len(seen) > before {
			progress = time.Now()
		}
		if ended && (len(wanted) == 0 || time.Since(progress) >= followPatience) {
			return seen, wanted, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seen, nil, fmt.Errorf("waiting for live messages to be stored: %w", context.Cause(ctx))
		}
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// probeOnce moves what the store holds from wanted to seen.
func probeOnce(ctx context.Context, probe Probe, wanted []uint64, seen map[uint64]time.Time) ([]uint64, error) {
	if len(wanted) == 0 {
		return wanted, nil
	}
	found, err := probe(ctx, wanted)
	if err != nil {
		return wanted, err
	}
	now := time.Now()
	for _, seq := range found {
		if i, ok := slices.BinarySearch(wanted, seq); ok {
			seen[seq] = now
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	return wanted, nil
}

// ProbePostgres asks PostgreSQL for committed events, of messages that carry one event each.
func ProbePostgres(pool *pgxpool.Pool) Probe {
	return func(ctx context.Context, wanted []uint64) ([]uint64, error) {
		sequences := make([]int64, len(wanted))
		for i, seq := range wanted {
			sequences[i] = int64(seq)
		}
		rows, err := pool.Query(ctx, committedSQL, sequences)
		if err != nil {
			return nil, fmt.Errorf("looking for live rows in PostgreSQL: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, fmt.Errorf("looking for live rows in PostgreSQL: %w", err)
		}
		out := make([]uint64, len(found))
		for i, seq := range found {
			out[i] = uint64(seq)
		}
		return out, nil
	}
}

// ProbeClickHouse asks ClickHouse for the messages of the live channel from the first wanted one on.
func ProbeClickHouse(db *ch.DB) Probe {
	look := PollClickHouse(db)
	return func(ctx context.Context, wanted []uint64) ([]uint64, error) { return look(ctx, wanted[0]-1) }
}
