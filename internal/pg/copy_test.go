package pg_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
)

// kinds is a row of one column of each type.
type kinds struct {
	ID, IDOrNull     *[16]byte
	Text, TextOrNull *string
	Texts            []string
	JSON             map[string]any
	Bytes            []byte
	Bool             bool
	Small            int16
	Int              int32
	Big              int64
	Time             *time.Time
}

func (k *kinds) put(c *pg.Copy) {
	c.Row()
	c.UUID(*k.ID)
	c.UUIDOrNull(k.IDOrNull)
	c.Text(*k.Text)
	c.TextOrNull(k.TextOrNull)
	c.Texts(k.Texts)
	if k.JSON == nil {
		c.JSON(nil)
	} else {
		c.JSON([]byte(`{"a": [1, "б"]}`))
	}
	c.Bytes(k.Bytes)
	c.Bool(k.Bool)
	c.Int16(k.Small)
	c.Int32(k.Int)
	c.Int64(k.Big)
	c.TimeOrNull(k.Time)
}

func TestCopiedRowsAreReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	pool, err := pg.Open(t.Context(), pg.Config{DSN: testenv.Postgres(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `CREATE TEMPORARY TABLE kinds (id uuid, id_or_null uuid, text text, text_or_null text, texts text[],
		json jsonb, bytes bytea, bool boolean, small smallint, int integer, big bigint, time timestamptz)`)
	if err != nil {
		t.Fatal(err)
	}
	id, text, empty := [16]byte{1, 15: 255}, "Ещё «text»\n\t\\N", ""
	moment := func(s string) *time.Time {
		m, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return &m
	}
	rows := []kinds{
		{ID: &id, IDOrNull: &id, Text: &text, TextOrNull: &empty, Texts: []string{"one", "", text}, JSON: map[string]any{"a": []any{1.0, "б"}},
			Bytes: []byte{0, 255}, Bool: true, Small: -32768, Int: -2147483648, Big: -9223372036854775808, Time: moment("0001-01-01T00:00:00Z")},
		{ID: &id, Text: &empty, Texts: []string{}, Small: 32767, Int: 2147483647, Big: 9223372036854775807,
			Time: moment("9999-12-31T23:59:59.999999Z")},
		{ID: &id, Text: &empty, Texts: []string{strings.Repeat("x", 100_000)}, Bytes: []byte{}, Time: moment("1969-12-31T23:59:59.999999Z")},
		{ID: &id, Text: &empty, Texts: []string{}},
	}
	var c pg.Copy
	for range 2 { // its room is used again
		c.Reset(12)
		for i := range rows {
			rows[i].put(&c)
		}
		if err := c.Into(t.Context(), tx, "COPY kinds FROM STDIN (FORMAT binary)"); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := tx.Query(t.Context(), "SELECT * FROM kinds")
	if err != nil {
		t.Fatal(err)
	}
	back, err := pgx.CollectRows(answer, pgx.RowToStructByPos[kinds])
	if err != nil {
		t.Fatal(err)
	}
	if len(back) != 2*len(rows) {
		t.Fatalf("%d rows came back", len(back))
	}
	for i := range back {
		if back[i].Time != nil {
			*back[i].Time = back[i].Time.UTC()
		}
		if want := rows[i%len(rows)]; !reflect.DeepEqual(back[i], want) {
			t.Errorf("row %d came back as %+v, not %+v", i, back[i], want)
		}
	}
	c.Reset(2)
	c.Row()
	c.Int64(1)
	c.Row()
	c.Int64(1)
	c.Int64(1)
	if err := c.Into(t.Context(), tx, "COPY kinds (big, int) FROM STDIN (FORMAT binary)"); err == nil || !strings.Contains(err.Error(), "row 1 of 2") {
		t.Errorf("a row that lacks a column: %v", err)
	}
	c.Reset(1)
	if err := c.Into(t.Context(), tx, "not even a statement"); err != nil {
		t.Errorf("copying nothing: %v", err)
	}
}
