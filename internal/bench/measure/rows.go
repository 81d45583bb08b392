package measure

import (
	"context"
	_ "embed" // for the statements below
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/ch"
)

//go:embed queries/record.sql
var recordSQL string

//go:embed queries/figures.sql
var figuresSQL string

// Rows is what a store holds.
type Rows struct {
	Messages  uint64 `json:"messages"`
	Events    uint64 `json:"events"`
	Reactions uint64 `json:"reactions"`
}

// RowsInPostgres counts the rows of PostgreSQL.
func RowsInPostgres(ctx context.Context, pool *pgxpool.Pool) (Rows, error) {
	var r Rows
	if err := pool.QueryRow(ctx, recordSQL).Scan(&r.Messages, &r.Events, &r.Reactions); err != nil {
		return Rows{}, fmt.Errorf("counting the rows of PostgreSQL: %w", err)
	}
	return r, nil
}

// RowsInClickHouse counts the rows of ClickHouse.
func RowsInClickHouse(ctx context.Context, db *ch.DB) (Rows, error) {
	var r Rows
	err := db.Each(ctx, figuresSQL, nil, func(rows driver.Rows) error { return rows.Scan(&r.Messages, &r.Events, &r.Reactions) })
	if err != nil {
		return Rows{}, fmt.Errorf("counting the rows of ClickHouse: %w", err)
	}
	return r, nil
}
