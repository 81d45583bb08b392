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
	at    int // the column that is written next
	n     int
	bytes int
	sum   hash.Hash // of every row's key and version
	id    []byte    // of the row that is begun
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
	positions  []uint64
	room       ch.Room
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
// (max_insert_block_size, a million rows), because then a deduplication token would not name the whole.
const (
	maxRows  = 100_000
	maxBytes = 64 << 20
)

func newBlock(table ch.Table, sql string, layout []column) *block {
	return &block{table: table, sql: sql, cols: append([]column(nil), layout...), sum: sha256.New()}
}

func (b *block) rows() int  { return b.n }
func (b *block) full() bool { return b.n >= maxRows || b.bytes >= maxBytes }

// token is ClickHouse's deduplication token. It names the block by its table, its rows' keys and versions and their order, and by what
// else decides their content: the form of the facts and the id of a republication. Equal deliveries have equal tokens.
func (b *block) token(republishID string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(republishID)) // a hash never fails
	_, _ = h.Write([]byte{0, fact.FormVersion})
	_, _ = h.Write([]byte(b.table))
	_, _ = h.Write(b.sum.Sum(nil))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// row begins a row: it counts it, and takes its key and version into the token. What follows fills it, column by column, in
// the order of the table's layout.
func (b *block) row(key string, v fact.Version) *block {
	b.id = append(b.id[:0], key...)
	b.id = binary.BigEndian.AppendUint16(b.id, v.Generation)
	b.id = binary.BigEndian.AppendUint64(b.id, v.Token)
	b.id = binary.BigEndian.AppendUint64(b.id, v.Counter)
	_, _ = b.sum.Write(b.id)
	b.at = 0
	b.n++
	return b
}

// oversized reports whether the buffers of a block fit far more rows than are in it. Batches of one import differ by less.
func (b *block) oversized() bool { return cap(b.cols[0].strings) > max(1000, 16*b.n) }

// empty makes a block ready for other rows. It keeps the buffers, and nothing of what was in them.
func (b *block) empty() {
	for i := range b.cols {
		b.cols[i].empty()
	}
	b.n, b.bytes = 0, 0
	b.sum.Reset()
}

func (c *column) empty() {
	clear(c.strings)
	clear(c.arrays)
	clear(c.times)
	clear(c.versions)
	c.strings, c.arrays, c.times, c.versions = c.strings[:0], c.arrays[:0], c.times[:0], c.versions[:0]
	c.bools, c.bytes, c.counts, c.positions = c.bools[:0], c.bytes[:0], c.counts[:0], c.positions[:0]
}

func (b *block) columns() []ch.Column {
	out := make([]ch.Column, len(b.cols))
	for i := range b.cols {
		c := &b.cols[i]
		out[i] = ch.Column{Name: c.name, Type: c.kind, Values: c.values(), Rows: b.n, Room: &c.room}
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
		return c.positions
	}
	return c.strings
}

func (b *block) next() *column {
	c := &b.cols[b.at]
	b.at++
	return c
}

func (b *block) text(values ...string) *block {
	for _, s := range values {
		c := b.next()
		c.strings = append(c.strings, s)
		b.bytes += len(s)
	}
	return b
}

func (b *block) lists(values ...[]string) *block {
	for _, v := range values {
		c := b.next()
		c.arrays = append(c.arrays, v)
		for _, s := range v {
			b.bytes += len(s)
		}
	}
	return b
}

func (b *block) version(v *big.Int) *block {
	c := b.next()
	c.versions = append(c.versions, v)
	return b
}

// time leaves empty what the column cannot hold: an empty time is no lie, and the version stays what it is.
func (b *block) time(t *time.Time) *block {
	if t != nil && !ch.InRange(*t) {
		t = nil
	}
	c := b.next()
	c.times = append(c.times, t)
	return b
}

func (b *block) bool(v bool) *block {
	c := b.next()
	c.bools = append(c.bools, v)
	return b
}

func (b *block) uint8(v uint8) *block {
	c := b.next()
	c.bytes = append(c.bytes, v)
	return b
}

func (b *block) uint32(v uint32) *block {
	c := b.next()
	c.counts = append(c.counts, v)
	return b
}

func (b *block) uint64(v uint64) *block {
	c := b.next()
	c.positions = append(c.positions, v)
	return b
}
