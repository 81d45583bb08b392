package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// DeadLetters returns at most deadCauses causes, and deadExamples events of each.
const (
	deadCauses   = 20
	deadExamples = 3
)

// DeadLetters is what of some sequences was dead-lettered and neither requeued nor dropped.
type DeadLetters struct {
	Events int64
	Causes []DeadCause // the most frequent ones, most frequent first
}

// DeadCause is one cause of dead letters.
type DeadCause struct {
	Cause  string
	Events int64
	First  []DeadEvent
}

// DeadEvent is an event that was dead-lettered.
type DeadEvent struct {
	Position event.Position
	EventID  string
	Subject  string
}

// DeadLettersIn returns the dead letters at the given sequences of the current incarnation.
func (k *Store) DeadLettersIn(ctx context.Context, sequences seqset.Set) (out DeadLetters, err error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return DeadLetters{}, err
	}
	rows, err := k.cfg.Pool.Query(ctx, k.sql["dead_letters_in"], incarnation, sequences.String(), deadCauses, deadExamples)
	if err == nil {
		out.Causes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c DeadCause, err error) {
			var positions []int64
			var ids, subjects []string
			err = row.Scan(&out.Events, &c.Events, &c.Cause, &positions, &ids, &subjects)
			for i, p := range positions {
				c.First = append(c.First, DeadEvent{event.Position(p), ids[i], subjects[i]})
			}
			return c, err
		})
	}
	if err != nil {
		return DeadLetters{}, pg.Classify(fmt.Errorf("counting dead letters: %w", err))
	}
	return out, nil
}

// UnstoredIn returns which of the given sequences of the current incarnation were removed from the stream before they were stored.
func (k *Store) UnstoredIn(ctx context.Context, sequences seqset.Set) (seqset.Set, error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return seqset.Set{}, err
	}
	var text string
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["unstored_in"], incarnation, sequences.String()).Scan(&text); err != nil {
		return seqset.Set{}, pg.Classify(fmt.Errorf("asking what was removed before it was stored: %w", err))
	}
	return seqset.Parse(text)
}
