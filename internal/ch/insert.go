package ch

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/fault"
)

// Column is one column of a block.
type Column struct {
	Name string
	// Type is what is sent. It may be simpler than the table's: the server makes String LowCardinality by itself.
	Type string
	// Values is a slice of what the type takes; of an Array, [][]string.
	Values any
	// Rows is how many they are.
	Rows int
}

// Insert writes one block, as a whole or not at all. sql is INSERT INTO table (the columns, in order). A block with a token
// that the table has among its last ten thousand is taken for written already, and ignored, even if its rows are gone since.
//
// An error of class poison says that the server, or the driver, will not take these values.
func (db *DB) Insert(ctx context.Context, sql, token string, columns []Column) error {
	batch, err := db.conn.PrepareBatch(db.insertContext(ctx, token, columns), sql)
	if err != nil {
		return Classify(err)
	}
	defer batch.Close()
	if err := fill(batch, columns); err != nil {
		return err
	}
	return Classify(batch.Send())
}

// insertContext sets what an insert needs whatever the server's defaults are: it has ended when it is on disk, and the
// block arrives as the one it is.
func (db *DB) insertContext(ctx context.Context, token string, columns []Column) context.Context {
	settings := clickhouse.Settings{
		"async_insert":       0, // the default since 26.x is 1, which puts blocks of several inserts together
		"insert_deduplicate": 1, "insert_deduplication_token": token,
		// States of one thing in one block are rare, and FINAL and the merges sort them out. Looking for them before each
		// insert took 0.5 s of the server's threads for 330,000 rows.
		"optimize_on_insert": 0,
	}
	opts := []clickhouse.QueryOption{clickhouse.WithSettings(settings)}
	if !db.network {
		// Over HTTP the driver would ask the server for the types before each insert.
		types := make([]clickhouse.ColumnNameAndType, len(columns))
		for i, c := range columns {
			types[i] = clickhouse.ColumnNameAndType{Name: c.Name, Type: c.Type}
		}
		opts = append(opts, clickhouse.WithColumnNamesAndTypes(types))
	}
	return clickhouse.Context(ctx, opts...)
}

func fill(batch driver.Batch, columns []Column) error {
	for i, c := range columns {
		var err error
		if arrays, ok := c.Values.([][]string); ok {
			err = appendArrays(batch.Column(i), arrays)
		} else {
			err = batch.Column(i).Append(c.Values)
		}
		if err != nil {
			return fault.AsPoison(fmt.Errorf("filling column %s: %w", c.Name, err))
		}
	}
	// The driver finds columns of unequal length only while it sends, and then sends an empty block without an error.
	for i, c := range batch.Columns() {
		if c.Rows() != columns[0].Rows {
			return fault.AsPoison(fmt.Errorf("filling column %s: it has %d rows, and the block %d", columns[i].Name, c.Rows(), columns[0].Rows))
		}
	}
	return nil
}

// appendArrays goes row by row: so the driver needs no reflection.
func appendArrays(column driver.BatchColumn, rows [][]string) error {
	for _, r := range rows {
		if err := column.AppendRow(r); err != nil {
			return err
		}
	}
	return nil
}
