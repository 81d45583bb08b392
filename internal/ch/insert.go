package ch

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
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
	// Room, if set, spares the next insert of this column the memory that this one takes.
	Room *Room
}

// Room keeps the driver's column of an insert for the next one. The zero value is ready. It is for one column of one table,
// and for one insert at a time.
type Room struct{ kept column.Interface }

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
	theirs := batch.Columns()
	for i, c := range columns[:min(len(columns), len(theirs))] {
		c.Room.lend(theirs[i])
	}
	if err := fill(batch, columns); err != nil {
		return err
	}
	if err := batch.Send(); err != nil {
		return Classify(err) // whoever sends may still be reading: no room is kept
	}
	for i, c := range columns {
		c.Room.keep(theirs[i])
	}
	return nil
}

// lend lets a column of the driver's that is empty have the memory of the one before. The driver makes new ones for each
// insert, and they grow by copying what is in them again and again; there is no way to say how long they will be.
func (r *Room) lend(to column.Interface) {
	if r == nil || r.kept == nil {
		return
	}
	from := r.kept
	r.kept = nil
	if plain(to) && from.Name() == to.Name() && from.Type() == to.Type() {
		reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem()) // *to = *from, whichever of the types of plain it is
	}
}

// keep takes a column of the driver's that was sent.
func (r *Room) keep(c column.Interface) {
	if r == nil || !plain(c) {
		return
	}
	c.Reset()
	r.kept = c
}

// plain says that a column holds its values and nothing else. Over the network a column is of the table's type, and what one of
// LowCardinality keeps besides them is not for another insert.
func plain(c column.Interface) bool {
	switch c := c.(type) {
	case *column.String, *column.FixedString, *column.BigInt, *column.DateTime64, *column.Bool, *column.UInt8, *column.UInt32,
		*column.UInt64:
		return true
	case *column.Nullable:
		return plain(c.Base())
	case *column.Array:
		return plain(c.Base())
	}
	return false
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

// appendArrays goes row by row: so the driver needs no reflection. To be passed, a row needs a piece of memory; most are like
// the one before.
func appendArrays(column driver.BatchColumn, rows [][]string) error {
	var row any
	for i, r := range rows {
		if i == 0 || !slices.Equal(r, rows[i-1]) {
			row = r
		}
		if err := column.AppendRow(row); err != nil {
			return err
		}
	}
	return nil
}
