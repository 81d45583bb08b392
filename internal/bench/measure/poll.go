package measure

import (
	"context"
	_ "embed" // for the statements below
	"fmt"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/ch"
)

//go:embed queries/live_record.sql
var liveRecordSQL string

//go:embed queries/live_figures.sql
var liveFiguresSQL string

// PollPostgres returns the committed events.
func PollPostgres(pool *pgxpool.Pool) Poll {
	return func(ctx context.Context, above uint64) ([]uint64, error) {
		rows, err := pool.Query(ctx, liveRecordSQL, int64(above))
		if err != nil {
			return nil, fmt.Errorf("looking for new rows in PostgreSQL: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return nil, fmt.Errorf("looking for new rows in PostgreSQL: %w", err)
		}
		out := make([]uint64, len(found))
		for i, seq := range found {
			out[i] = uint64(seq)
		}
		return out, nil
	}
}

// PollClickHouse returns the messages that statistics are computed from.
func PollClickHouse(db *ch.DB) Poll {
	return func(ctx context.Context, above uint64) (out []uint64, err error) {
		p := ch.Params{"source": string(corpus.LiveSource), "channel": string(corpus.LiveChannel), "above": strconv.FormatUint(above, 10)}
		err = db.Each(ctx, liveFiguresSQL, p, func(rows driver.Rows) error {
			var seq uint64
			if err := rows.Scan(&seq); err != nil {
				return ch.Classify(err)
			}
			out = append(out, seq)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("looking for new figures in ClickHouse: %w", err)
		}
		return out, nil
	}
}
