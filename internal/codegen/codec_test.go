package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// declare writes a package of declarations and loads it.
func declare(t *testing.T, text string) *declarations {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "p.go"), []byte("package p\n\n"+text), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := load(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoad(t *testing.T) {
	d := declare(t, "type ID Text\ntype Text string\ntype Sum [16]byte\n"+
		"type S struct {\n\tA, B ID `json:\"a\"`\n\tC *time.Time\n\tL []S\n\tM map[string]Text\n\tS2\n}\ntype S2 struct{}\nfunc (s *S) IsZero() bool { return true }\n")
	s, err := d.get("S")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range s.fields {
		got = append(got, f.name+" "+f.typ+" "+f.tag.Get("json"))
	}
	if want := "A ID a|B ID a|C *time.Time |L []S |M map[string]Text |S2 S2 "; strings.Join(got, "|") != want {
		t.Errorf("%q, not %q", got, want)
	}
	if d.basic("ID") != "string" || d.basic("Sum") != "[16]byte" || d.basic("Unknown") != "Unknown" {
		t.Errorf("made of %q, %q, %q", d.basic("ID"), d.basic("Sum"), d.basic("Unknown"))
	}
	if !d.methods["S"]["IsZero"] {
		t.Error("a method is not found")
	}
	if _, err := d.get("T"); err == nil {
		t.Error("a struct that is not declared is found")
	}
}

// generated is the code of one struct.
func generated(t *testing.T, fields string, lists bool) (string, error) {
	t.Helper()
	c := &codec{
		declarations: declare(t, "type Name string\ntype S struct {\n"+fields+"\n}\ntype Sub struct { X int64 `json:\"x\"` }\n"+
			"type Sum [2]byte\nfunc (s Sum) MarshalText() ([]byte, error) { return nil, nil }\n"),
		source: newSource("p", "strconv"), reader: "Reader", lists: lists, structs: map[string]string{"S": "s", "Sub": "sub"},
	}
	c.writer("S")
	c.readerOf("S")
	files := map[string][]byte{}
	err := c.finish(files, "s")
	return strings.Join(strings.Fields(string(files["s"])), " "), err
}

func TestCodec(t *testing.T) {
	for name, c := range map[string]struct {
		fields string
		lists  bool
		want   []string
	}{
		"a name that must be there": {"A Name `json:\"a\"`", false,
			[]string{"b = appendField(b, `{\"a\":`, string(v.A))", "v.A = Name(r.need(`{\"a\":`))"}},
		"the first may be missing": {"A string `json:\"a,omitempty\"`\nB bool `json:\"b,omitempty\"`\nC string `json:\"c\"`\nD string `json:\"d\"`", false,
			[]string{"b = appendOptional(b, `,\"a\":`, v.A)", "b[start] = '{'", "if r.hasEither(`,\"a\":`, &first) { v.A = r.str() }",
				"v.B = r.hasEither(`,\"b\":true`, &first)", "r.ok = r.hasEither(`,\"c\":`, &first) v.C = r.str()", "v.D = r.need(`,\"d\":`)"}},
		"without a tag": {"Count uint32", false,
			[]string{"b = strconv.AppendUint(append(b, `{\"Count\":`...), uint64(v.Count), 10)", "v.Count = uint32(r.number(`{\"Count\":`, 32))"}},
		"left out": {"A string `json:\"a\"`\nB func() `json:\"-\"`", false, nil},
		"a struct": {"A Sub `json:\"a\"`\nB *Sub `json:\"b,omitempty\"`\nC Sub `json:\"c,omitzero\"`", false,
			[]string{"b = appendSub(append(b, `{\"a\":`...), &v.A)", "if v.B != nil {", "if v.C != (Sub{}) {", "v.B = new(Sub) r.sub(v.B)"}},
		"a text of its own": {"A string `json:\"a\"`\nB Sum `json:\"b,omitzero\"`", false,
			[]string{"b = appendSum(b, `,\"b\":`, v.B)", "v.B = r.sum(`,\"b\":`)"}},
		"what encoding/json writes": {"A string `json:\"a\"`\nL []string `json:\"l,omitempty\"`\nF float64 `json:\"f\"`", false,
			[]string{"if len(v.L) > 0 {", "appendAny(append(b, `,\"l\":`...), v.L)"}},
		"lists": {"A string `json:\"a\"`\nL []string `json:\"l,omitempty\"`\nS []Sub `json:\"s,omitempty\"`", true,
			[]string{"b = appendStrings(b, `,\"l\":[`, v.L)", "appendList(b, `,\"s\":[`, v.S, appendSub)", "readList(r, `,\"s\":[`, &r.lists.S, (*Reader).sub)"}},
		"times": {"A time.Time `json:\"a\"`\nB time.Time `json:\"b,omitzero\"`\nC *time.Time `json:\"c,omitempty\"`", false,
			[]string{"appendTime(b, `{\"a\":`, v.A)", "if !v.B.IsZero() {", "v.C = r.time(`,\"c\":`)"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := generated(t, c.fields, c.lists)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%s\nis not in\n%s", w, got)
				}
			}
		})
	}
	for name, fields := range map[string]string{
		"a number that may be missing": "A string `json:\"a\"`\nN uint32 `json:\"n,omitempty\"`",
		"a truth that must be there":   "A string `json:\"a\"`\nB bool `json:\"b\"`",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := generated(t, fields, false); err == nil {
				t.Errorf("no error: the code would not be what encoding/json does\n%s", got)
			}
		})
	}
}
