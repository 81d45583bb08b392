package chserver

import (
	"bytes"
	"errors"
	"testing"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"github.com/google/go-cmp/cmp"
)

func TestParseType(t *testing.T) {
	t.Parallel()
	str := columnType{name: "String"}
	tests := map[string]columnType{
		"Enum8('a(,)' = 1, 'b\\'' = 2)":      {name: "Enum8", width: 1},
		"FixedString(16)":                    {name: "FixedString", width: 16},
		"Decimal(18, 4)":                     {name: "Decimal", width: 8},
		"DateTime64(3, 'UTC')":               {name: "DateTime64", width: 8},
		"Map(String, Array(UInt8))":          {name: "Map", inner: []columnType{str, {name: "Array", inner: []columnType{{name: "UInt8", width: 1}}}}},
		"Tuple(a UInt8, `b c` String)":       {name: "Tuple", inner: []columnType{{name: "UInt8", width: 1}, str}},
		"Tuple(UInt8, Decimal(9, 2))":        {name: "Tuple", inner: []columnType{{name: "UInt8", width: 1}, {name: "Decimal", width: 4}}},
		"SimpleAggregateFunction(max, UUID)": {name: "UUID", width: 16},
	}
	for s, want := range tests {
		got, err := parseType(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(columnType{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s, diff)
		}
	}
	var e *exception
	if _, err := parseType("Array(JSON)"); !errors.As(err, &e) || e.code != codeNotImplemented {
		t.Errorf("got %v", err)
	}
}

// testBlock is one column of strings, in the oldest protocol.
func testBlock(t testing.TB, values ...string) []byte {
	t.Helper()
	b := proto.NewBlock()
	if err := b.AddColumn("s", "Array(Nullable(String))"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := b.Append(values); err != nil {
			t.Fatal(err)
		}
	}
	var buf chproto.Buffer
	if err := b.Encode(&buf, 0); err != nil {
		t.Fatal(err)
	}
	return buf.Buf
}

// Wherever the pieces are cut, the blocks come out whole and readable by a client of the newer protocol.
func TestRewriteOfPieces(t *testing.T) {
	t.Parallel()
	stream := append(testBlock(t, "а", "", "длинное"), testBlock(t)...)
	whole, err := (&native{revision: revisionCustomSerialization}).rewrite(stream, nil)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range stream {
		n := &native{revision: revisionCustomSerialization}
		var got []byte
		for _, piece := range [][]byte{stream[:cut], stream[cut:]} {
			out, err := n.rewrite(piece, nil)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, out...)
		}
		if !bytes.Equal(got, whole) {
			t.Fatalf("cut at %d the result differs", cut)
		}
	}
	r := chproto.NewReader(bytes.NewReader(whole))
	for range 2 {
		b := proto.NewBlock()
		if err := b.Decode(r, revisionCustomSerialization); err != nil {
			t.Fatal(err)
		}
		if b.Rows() != 3 {
			t.Errorf("%d rows", b.Rows())
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(testBlock(f, "a"))
	f.Add([]byte("\x01\x01\x01s\x1cLowCardinality(Nullable(UInt8))\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := &native{revision: revisionCustomSerialization}
		if _, err := n.rewrite(b, nil); err == nil && len(n.pending) > len(b) {
			t.Error("more is pending than came")
		}
	})
}
