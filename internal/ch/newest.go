package ch

import (
	"context"
	_ "embed" // the statement
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/agrichat/agrichat/internal/fact"
)

//go:embed queries/newest.sql
var newestSQL string

// Newest returns the highest version of any fact in the database of a URL; zero where there is no database yet, or no tables.
func Newest(ctx context.Context, url string) (fact.Version, error) {
	db, err := Open(ctx, Config{URL: url})
	if isUnknownDatabase(err) {
		return fact.Version{}, nil
	}
	if err != nil {
		return fact.Version{}, err
	}
	defer func() { _ = db.Close() }() // nothing is unwritten in it
	return db.Newest(ctx)
}

// Newest returns the highest version of any fact; zero where there are no tables yet. It reads the column of versions of every table.
func (db *DB) Newest(ctx context.Context) (newest fact.Version, err error) {
	for _, t := range Tables() {
		var n big.Int
		err := db.conn.QueryRow(ctx, strings.ReplaceAll(newestSQL, "{table}", string(t))).Scan(&n)
		var ex *clickhouse.Exception
		if errors.As(err, &ex) && (ex.Code == codeUnknownTable || ex.Code == codeUnknownDatabase) {
			continue
		}
		if err != nil {
			return newest, Classify(fmt.Errorf("asking ClickHouse at %s for the newest version in %s: %w", db.host, t, err))
		}
		if v := fact.FromBig(&n); v.Compare(newest) > 0 {
			newest = v
		}
	}
	return newest, nil
}
