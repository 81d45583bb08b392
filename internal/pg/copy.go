package pg

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Copy gathers rows for one COPY, in PostgreSQL's binary form. Values are put in the order of the columns, each by the method
// of its column's type: nothing is looked up, and a row costs no memory of its own. It can be used again after Reset.
//
// pgx.CopyFrom does the same for values of any type, with a piece of memory and a search in its map of types for each of them.
type Copy struct {
	buf     []byte
	columns int
	rows    int
	left    int // columns that the row still needs
	uneven  int // the first row, from 1, that had too few columns or too many
}

// The binary form: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
const (
	copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" /* no flags */ + "\x00\x00\x00\x00" /* no extension */
	copyTrailer   = "\xff\xff"
	textOID       = 25
	jsonbVersion  = 1
)

// epoch is when PostgreSQL's time begins: 2000-01-01 UTC, in seconds since 1970.
const epoch = 946_684_800

// Reset begins anew, with rows of so many columns.
func (c *Copy) Reset(columns int) {
	*c = Copy{buf: append(c.buf[:0], copySignature...), columns: columns}
}

// Cap returns how many bytes are kept for rows.
func (c *Copy) Cap() int { return cap(c.buf) }

// Row begins a row.
func (c *Copy) Row() {
	c.check()
	c.rows++
	c.left = c.columns
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(c.columns))
}

func (c *Copy) check() {
	if c.left != 0 && c.uneven == 0 {
		c.uneven = c.rows
	}
}

// size begins a value of n bytes.
func (c *Copy) size(n int) {
	c.left--
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(int32(n)))
}

// Null puts NULL.
func (c *Copy) Null() { c.size(-1) }

// UUID puts a uuid.
func (c *Copy) UUID(v [16]byte) {
	c.size(len(v))
	c.buf = append(c.buf, v[:]...)
}

// UUIDOrNull puts a uuid, or NULL for nil.
func (c *Copy) UUIDOrNull(v *[16]byte) {
	if v == nil {
		c.Null()
		return
	}
	c.UUID(*v)
}

// Text puts a text.
func (c *Copy) Text(s string) {
	c.size(len(s))
	c.buf = append(c.buf, s...)
}

// TextOrNull puts a text, or NULL for nil.
func (c *Copy) TextOrNull(s *string) {
	if s == nil {
		c.Null()
		return
	}
	c.Text(*s)
}

// Texts puts a text[] of one dimension; an empty one for nil.
func (c *Copy) Texts(list []string) {
	at := len(c.buf)
	c.size(0)
	if len(list) == 0 {
		c.buf = binary.BigEndian.AppendUint32(c.buf, 0) // dimensions
		c.buf = binary.BigEndian.AppendUint32(c.buf, 0) // no NULL among the elements
		c.buf = binary.BigEndian.AppendUint32(c.buf, textOID)
	} else {
		c.buf = binary.BigEndian.AppendUint32(c.buf, 1)
		c.buf = binary.BigEndian.AppendUint32(c.buf, 0)
		c.buf = binary.BigEndian.AppendUint32(c.buf, textOID)
		c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(list)))
		c.buf = binary.BigEndian.AppendUint32(c.buf, 1) // its lower bound
		for _, s := range list {
			c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(s)))
			c.buf = append(c.buf, s...)
		}
	}
	binary.BigEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4))
}

// JSON puts a jsonb, or NULL for nil.
func (c *Copy) JSON(v []byte) {
	if v == nil {
		c.Null()
		return
	}
	c.size(1 + len(v))
	c.buf = append(append(c.buf, jsonbVersion), v...)
}

// Bytes puts a bytea, or NULL for nil.
func (c *Copy) Bytes(v []byte) {
	if v == nil {
		c.Null()
		return
	}
	c.size(len(v))
	c.buf = append(c.buf, v...)
}

// Bool puts a boolean.
func (c *Copy) Bool(v bool) {
	c.size(1)
	if v {
		c.buf = append(c.buf, 1)
	} else {
		c.buf = append(c.buf, 0)
	}
}

// Int16 puts a smallint.
func (c *Copy) Int16(v int16) {
	c.size(2)
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(v))
}

// Int32 puts an integer.
func (c *Copy) Int32(v int32) {
	c.size(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(v))
}

// Int64 puts a bigint.
func (c *Copy) Int64(v int64) {
	c.size(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

// TimeOrNull puts a timestamptz, cut to microseconds, or NULL for nil.
func (c *Copy) TimeOrNull(t *time.Time) {
	if t == nil {
		c.Null()
		return
	}
	c.Int64((t.Unix()-epoch)*1_000_000 + int64(t.Nanosecond())/1000)
}

// Into sends the rows through a statement: COPY table (columns) FROM STDIN (FORMAT binary). Without a row it does nothing.
func (c *Copy) Into(ctx context.Context, tx pgx.Tx, sql string) error {
	if c.check(); c.uneven != 0 {
		return fmt.Errorf("row %d of %d does not have %d columns", c.uneven, c.rows, c.columns)
	}
	if c.rows == 0 {
		return nil
	}
	c.buf = append(c.buf, copyTrailer...)
	_, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.buf), sql)
	return err
}
