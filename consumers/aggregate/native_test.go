package aggregate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/ch"
)

// nativeTypes checks that the driver takes our values for the tables' own types, which it is given over the native
// protocol. The embedded engine has HTTP only, where we name simpler types.
type nativeTypes struct {
	t     *testing.T
	types map[string]string // by table.column
	rows  int
}

func (n *nativeTypes) Insert(_ context.Context, sql, _ string, columns []ch.Column) error {
	table := strings.Fields(sql)[2]
	for _, c := range columns {
		col, err := column.Type(n.types[table+"."+c.Name]).Column(c.Name, &column.ServerContext{})
		if err != nil {
			return err
		}
		if arrays, ok := c.Values.([][]string); ok {
			for _, a := range arrays {
				err = col.AppendRow(a)
			}
		} else {
			_, err = col.Append(c.Values)
		}
		if err != nil || col.Rows() != c.Rows {
			n.t.Errorf("%s.%s took %d of %d rows: %v", table, c.Name, col.Rows(), c.Rows, err)
		}
		n.rows += c.Rows
	}
	return nil
}

func TestColumns_types(t *testing.T) {
	t.Parallel()
	db := store(t)
	sql, err := reads.ReadFile("testdata/types.sql")
	if err != nil {
		t.Fatal(err)
	}
	n := &nativeTypes{t: t, types: make(map[string]string)}
	err = db.Each(t.Context(), string(sql), nil, func(rows driver.Rows) error {
		var table, name, kind string
		if err := rows.Scan(&table, &name, &kind); err != nil {
			return err
		}
		n.types[table+"."+name] = kind
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := handler(t, n).Handle(t.Context(), generate(t, 3, 40)); err != nil || n.rows == 0 {
		t.Errorf("%d values were taken: %v", n.rows, err)
	}
}
