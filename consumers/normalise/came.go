package normalise

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// ImportCounts is what of some sequences came into the record, for one chat.
type ImportCounts struct {
	Source, Namespace, Channel string
	Name                       string // what the chat is called now
	Stored                     int64  // different events that first stood at one of the sequences
	Facts                      int64  // rows that stand as the transactions of these sequences wrote them
	Updated                    int64  // different events that stood before and that these sequences completed or corrected
	Differing                  int64  // of both, those of which copies had different texts
	Swapped                    int64  // of both, those of which copies were sure of dates whose day and month are exchanged
}

// ImportCounts counts, in the record itself, what came of the sequences of the current incarnation.
func (k *Store) ImportCounts(ctx context.Context, sequences seqset.Set) ([]ImportCounts, error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := k.cfg.Pool.Query(ctx, k.sql["came"], incarnation, sequences.String())
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("counting what was stored: %w", err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ImportCounts])
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("counting what was stored: %w", err))
	}
	return out, nil
}
