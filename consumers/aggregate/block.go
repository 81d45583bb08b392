package aggregate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math/big"
	"time"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
)

// block is the rows of one insert into one table. Columns are appended to; the order of the calls is that of the columns.
type block struct {
	table ch.Table
	sql   string
	cols  []column
	n     int
	bytes int
	sum   hash.Hash // of every row's key and version
}

// column is a growing column; one of the slices is used, as the type says.
type column struct {
	name, kind string
	strings    []string
	arrays     [][]string
	times      []*time.Time
	versions   []*big.Int
	bools      []bool
	bytes      []uint8
	counts     []uint32
	sequences  []uint64
}

// The types, as sent. Where the table has LowCardinality the server makes it: the driver would, row by row.
const (
	typeID      = "FixedString(16)"
	typeVersion = "UInt128"
	typeString  = "String"
	typeStrings = "Array(String)"
	typeTime    = "Nullable(DateTime64(6, 'UTC'))"
	typeBool    = "Bool"
	typeUint8   = "UInt8"
	typeUint32  = "UInt32"
	typeUint64  = "UInt64"
)

// A block is closed when it has as many rows or bytes: far below what the server would cut in two by itself
// (max_insert_block_size, a million rows), for then a token would not stand for the whole.
const (
	maxRows  = 100_000
	maxBytes = 64 << 20
)

func newBlock(table ch.Table, sql string, layout []column) *block {
	return &block{table: table, sql: sql, cols: append([]column(nil), layout...), sum: sha256.New()}
}

func (b *block) rows() int  { return b.n }
func (b *block) full() bool { return b.n >= maxRows || b.bytes >= maxBytes }

// token names the block by its table, its rows' keys and versions and their order, and by what else decides their content:
// the form of the facts and which telling of them this is. Of equal deliveries it is equal.
func (b *block) token(again string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(again)) // a hash never fails
	_, _ = h.Write([]byte{0, fact.FormVersion})
	_, _ = h.Write([]byte(b.table))
	_, _ = h.Write(b.sum.Sum(nil))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// row begins a row: it counts it, and takes its key and version into the token.
func (b *block) row(key string, v fact.Version) *writer {
	var n [18]byte
	binary.BigEndian.PutUint16(n[:], v.Generation)
	binary.BigEndian.PutUint64(n[2:], v.Token)
	binary.BigEndian.PutUint64(n[10:], v.Counter)
	_, _ = b.sum.Write([]byte(key))
	_, _ = b.sum.Write(n[:])
	b.n++
	return &writer{b: b}
}

func (b *block) columns() []ch.Column {
	out := make([]ch.Column, len(b.cols))
	for i := range b.cols {
		c := &b.cols[i]
		out[i] = ch.Column{Name: c.name, Type: c.kind, Values: c.values(), Rows: b.n}
	}
	return out
}

func (c *column) values() any {
	switch c.kind {
	case typeVersion:
		return c.versions
	case typeStrings:
		return c.arrays
	case typeTime:
		return c.times
	case typeBool:
		return c.bools
	case typeUint8:
		return c.bytes
	case typeUint32:
		return c.counts
	case typeUint64:
		return c.sequences
	}
	return c.strings
}

// writer fills a row, column by column, in the order of the table's layout.
type writer struct {
	b *block
	i int
}

func (w *writer) next() *column {
	c := &w.b.cols[w.i]
	w.i++
	return c
}

func (w *writer) text(values ...string) *writer {
	for _, s := range values {
		c := w.next()
		c.strings = append(c.strings, s)
		w.b.bytes += len(s)
	}
	return w
}

func (w *writer) lists(values ...[]string) *writer {
	for _, v := range values {
		c := w.next()
		c.arrays = append(c.arrays, v)
		for _, s := range v {
			w.b.bytes += len(s)
		}
	}
	return w
}

func (w *writer) version(v *big.Int) *writer {
	c := w.next()
	c.versions = append(c.versions, v)
	return w
}

// The seconds since 1970 between which DateTime64(6) holds a time and the driver can send it; others would wrap around.
const (
	firstSecond = -2_208_988_800 // 1900-01-01
	lastSecond  = 9_214_646_400  // 2262-01-01
)

// time leaves empty what the column cannot hold: an empty time is no lie, and the version stays what it is.
func (w *writer) time(t *time.Time) *writer {
	if t != nil && (t.Unix() < firstSecond || t.Unix() >= lastSecond) {
		t = nil
	}
	c := w.next()
	c.times = append(c.times, t)
	return w
}

func (w *writer) bool(v bool) *writer {
	c := w.next()
	c.bools = append(c.bools, v)
	return w
}

func (w *writer) uint8(v uint8) *writer {
	c := w.next()
	c.bytes = append(c.bytes, v)
	return w
}

func (w *writer) uint32(v uint32) *writer {
	c := w.next()
	c.counts = append(c.counts, v)
	return w
}

func (w *writer) uint64(v uint64) *writer {
	c := w.next()
	c.sequences = append(c.sequences, v)
	return w
}
