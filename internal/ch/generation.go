package ch

import (
	"context"
	_ "embed" // the statement
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

//go:embed queries/generation.sql
var generationSQL string

// Generation returns the highest generation of any fact; 0 where there are no tables yet.
func (db *DB) Generation(ctx context.Context) (g uint16, err error) {
	err = db.conn.QueryRow(ctx, generationSQL).Scan(&g)
	var ex *clickhouse.Exception
	if errors.As(err, &ex) && (ex.Code == codeUnknownTable || ex.Code == codeUnknownDatabase) {
		return 0, nil
	}
	if err != nil {
		return 0, Classify(fmt.Errorf("asking ClickHouse at %s for the newest generation: %w", db.host, err))
	}
	return g, nil
}
