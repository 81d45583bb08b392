package chserver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The library writes Native without what newer protocols put in: a head before each block and a byte before each column.
// Clients that name their protocol expect both, and nothing else differs, so the columns are measured and copied, not decoded.

// revisionCustomSerialization is the protocol since which each column says how it is laid out: 0, as ever.
const revisionCustomSerialization = 54454

// blockInfo says that a block is neither an overflow nor of a bucket: two numbered fields and the end.
const blockInfo = "\x01\x00\x02\xff\xff\xff\xff\x00"

// errShort says that a block goes on in the next piece.
var errShort = errors.New("the block is not complete")

// native rewrites a stream of blocks.
type native struct {
	revision uint64
	pending  []byte // the beginning of a block whose rest has not come
}

// rewrite returns the complete blocks of what has come so far. The result is valid until the next call.
func (n *native) rewrite(piece, out []byte) ([]byte, error) {
	if n.revision == 0 {
		return append(out, piece...), nil
	}
	n.pending = append(n.pending, piece...)
	rest := n.pending
	for len(rest) > 0 {
		mark := len(out)
		r := &nativeReader{b: rest}
		var err error
		if out, err = r.block(out, n.revision); errors.Is(err, errShort) {
			out = out[:mark]
			break
		} else if err != nil {
			return nil, err
		}
		rest = rest[r.pos:]
	}
	n.pending = append(n.pending[:0], rest...)
	return out, nil
}

// nativeReader measures one block. Every method moves pos past what it names.
type nativeReader struct {
	b   []byte
	pos int
}

func (r *nativeReader) block(out []byte, revision uint64) ([]byte, error) {
	columns, err := r.varint()
	if err != nil {
		return out, err
	}
	rows, err := r.varint()
	if err != nil {
		return out, err
	}
	out = append(out, blockInfo...)
	out = append(out, r.b[:r.pos]...)
	for range columns {
		head := r.pos
		if err := r.text(); err != nil {
			return out, err
		}
		name, err := r.string()
		if err != nil {
			return out, err
		}
		out = append(out, r.b[head:r.pos]...)
		if revision >= revisionCustomSerialization {
			out = append(out, 0)
		}
		data := r.pos
		if err := r.column(name, int(rows)); err != nil {
			return out, err
		}
		out = append(out, r.b[data:r.pos]...)
	}
	return out, nil
}

func (r *nativeReader) column(name string, rows int) error {
	if rows == 0 {
		return nil
	}
	t, err := parseType(name)
	if err != nil {
		return err
	}
	if err := r.prefix(t); err != nil {
		return err
	}
	return r.values(t, rows)
}

// prefix is what types with a dictionary write before all else of the column, however deep they lie in it.
func (r *nativeReader) prefix(t columnType) error {
	if t.name == "LowCardinality" {
		return r.skip(8, 1)
	}
	for _, inner := range t.inner {
		if err := r.prefix(inner); err != nil {
			return err
		}
	}
	return nil
}

func (r *nativeReader) values(t columnType, rows int) error {
	switch t.name {
	case "String":
		for range rows {
			if err := r.text(); err != nil {
				return err
			}
		}
		return nil
	case "Nullable":
		if err := r.skip(rows, 1); err != nil {
			return err
		}
		return r.values(t.inner[0], rows)
	case "Array", "Map":
		n, err := r.lastOffset(rows)
		if err != nil {
			return err
		}
		return r.each(t.inner, n)
	case "Tuple":
		return r.each(t.inner, rows)
	case "LowCardinality":
		return r.dictionary(t.inner[0], rows)
	}
	return r.skip(rows, t.width)
}

func (r *nativeReader) each(types []columnType, rows int) error {
	if rows == 0 {
		return nil
	}
	for _, t := range types {
		if err := r.values(t, rows); err != nil {
			return err
		}
	}
	return nil
}

// lastOffset passes over the ends of the arrays, and returns the last: how many values they hold together.
func (r *nativeReader) lastOffset(rows int) (int, error) {
	if rows == 0 {
		return 0, nil
	}
	if err := r.skip(rows, 8); err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint64(r.b[r.pos-8:])), nil
}

// dictionary is: the width of the indexes, the words, and an index a row.
func (r *nativeReader) dictionary(word columnType, rows int) error {
	if rows == 0 {
		return nil
	}
	flags, err := r.uint64()
	if err != nil {
		return err
	}
	words, err := r.uint64()
	if err != nil {
		return err
	}
	if word.name == "Nullable" { // word 0 stands for null
		word = word.inner[0]
	}
	if err := r.values(word, int(words)); err != nil {
		return err
	}
	indexes, err := r.uint64()
	if err != nil {
		return err
	}
	return r.skip(int(indexes), 1<<(flags&3))
}

func (r *nativeReader) skip(n, width int) error {
	if n < 0 || width > 0 && n > (len(r.b)-r.pos)/width {
		return errShort
	}
	r.pos += n * width
	return nil
}

func (r *nativeReader) varint() (uint64, error) {
	v, n := binary.Uvarint(r.b[r.pos:])
	if n == 0 {
		return 0, errShort
	}
	if n < 0 {
		return 0, errEngine("the engine wrote a number that is too long")
	}
	r.pos += n
	return v, nil
}

func (r *nativeReader) uint64() (uint64, error) {
	if err := r.skip(8, 1); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(r.b[r.pos-8:]), nil
}

func (r *nativeReader) text() error {
	n, err := r.varint()
	if err != nil {
		return err
	}
	return r.skip(int(n), 1)
}

func (r *nativeReader) string() (string, error) {
	n, err := r.varint()
	if err != nil {
		return "", err
	}
	if err := r.skip(int(n), 1); err != nil {
		return "", err
	}
	return string(r.b[r.pos-int(n) : r.pos]), nil
}

// columnType is as much of a type as decides how long its values are.
type columnType struct {
	name  string
	width int // of a value, if it is always the same
	inner []columnType
}

func parseType(s string) (columnType, error) {
	name, args, _ := strings.Cut(s, "(")
	args = strings.TrimSuffix(args, ")")
	t := columnType{name: name}
	var inner []string
	switch name {
	case "String":
		return t, nil
	case "Nullable", "Array", "LowCardinality":
		inner = []string{args}
	case "Map":
		inner = splitTypes(args)
	case "Tuple", "Nested":
		inner = elementTypes(args)
		if t.name = "Tuple"; name == "Nested" {
			return parseType("Array(Tuple(" + args + "))")
		}
	case "SimpleAggregateFunction":
		all := splitTypes(args)
		return parseType(all[len(all)-1])
	default:
		width, err := fixedWidth(name, args)
		t.width = width
		return t, err
	}
	for _, in := range inner {
		it, err := parseType(in)
		if err != nil {
			return t, err
		}
		t.inner = append(t.inner, it)
	}
	return t, nil
}

// elementTypes drops the names of a tuple's elements, which may or may not be there, and may be quoted.
func elementTypes(args string) []string {
	types := splitTypes(args)
	for i, s := range types {
		if strings.HasPrefix(s, "`") {
			if end := strings.LastIndex(s, "` "); end > 0 {
				types[i] = s[end+2:]
			}
			continue
		}
		name, rest, named := strings.Cut(s, " ")
		if named && !strings.ContainsAny(name, "(,'") {
			types[i] = rest
		}
	}
	return types
}

// splitTypes cuts at the commas that lie neither in brackets nor in quotes.
func splitTypes(s string) []string {
	var parts []string
	depth, start := 0, 0
	sc := scanner{sql: s}
	for sc.pos < len(s) {
		switch c := s[sc.pos]; c {
		case '\'', '`':
			sc.skipQuoted(c)
			continue
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(s[start:sc.pos]))
				start = sc.pos + 1
			}
		}
		sc.pos++
	}
	return append(parts, strings.TrimSpace(s[start:]))
}

func fixedWidth(name, args string) (int, error) {
	switch name {
	case "UInt8", "Int8", "Bool", "Enum8", "Nothing":
		return 1, nil
	case "UInt16", "Int16", "Enum16", "Date", "BFloat16":
		return 2, nil
	case "UInt32", "Int32", "Float32", "DateTime", "Date32", "IPv4", "Time", "Decimal32":
		return 4, nil
	case "UInt64", "Int64", "Float64", "DateTime64", "Time64", "Decimal64":
		return 8, nil
	case "UInt128", "Int128", "UUID", "IPv6", "Decimal128":
		return 16, nil
	case "UInt256", "Int256", "Decimal256":
		return 32, nil
	case "FixedString":
		n, err := strconv.Atoi(args)
		if err != nil {
			return 0, fmt.Errorf("reading the length of %s: %w", name, err)
		}
		return n, nil
	case "Decimal":
		return decimalWidth(args)
	}
	if strings.HasPrefix(name, "Interval") {
		return 8, nil
	}
	return 0, newException(codeNotImplemented, "The embedded engine cannot give a column of type %s to this client: "+
		"select toString of it, or another FORMAT", name)
}

func decimalWidth(args string) (int, error) {
	digits, _, _ := strings.Cut(args, ",")
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil:
		return 0, fmt.Errorf("reading the digits of a Decimal: %w", err)
	case n <= 9:
		return 4, nil
	case n <= 18:
		return 8, nil
	case n <= 38:
		return 16, nil
	}
	return 32, nil
}
