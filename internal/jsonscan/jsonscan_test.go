package jsonscan_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// values is for values of all kinds, records for objects in a list.
func values() *jsonscan.Policy {
	return &jsonscan.Policy{Longest: 1 << 20, Sampled: 16, Next: nextID, Match: true}
}

func records() *jsonscan.Policy {
	return &jsonscan.Policy{Longest: 1 << 20, Sampled: 16, Next: nextID, Objects: true, Flat: true}
}

func nextID(b []byte, lines bool) int {
	if lines || len(b) == 0 {
		return 0
	}
	return 1 + bytes.Index(b[1:], []byte(`{"id"`))
}

func scannerOf(r io.Reader, p *jsonscan.Policy) *jsonscan.Scanner {
	return jsonscan.NewScanner(jsonscan.NewWindow(r, 64, 0, 1, 0), p)
}

// piece is what was found, and where.
type piece struct {
	Raw, Why string
	Line     int
	Cut      bool
}

// pieces reads a list: what its elements are, and what is between them.
func pieces(t testing.TB, s *jsonscan.Scanner) (out []piece) {
	t.Helper()
	for {
		c, ok := s.Next()
		before, line := s.Offset(), s.Line()
		switch {
		case !ok:
			return out
		case c == ',' || c == '[' || c == ']':
			s.Skip(1)
			continue
		}
		f := jsonscan.Found{}
		if c == '{' {
			f = s.Value(true)
		} else {
			f = s.Junk(true, "junk")
		}
		if got := s.Offset() - before; got != f.Size || got == 0 {
			t.Fatalf("%d bytes were passed, and %d are said to be found", got, f.Size)
		}
		out = append(out, piece{string(f.Raw), f.Why, line, f.Cut})
	}
}

func TestScanner_Damage(t *testing.T) {
	tests := map[string]struct {
		policy *jsonscan.Policy
		in     string
		want   []piece
	}{
		"sound": {values(), "[\n {\"a\": \"}\\\"\"},\n {\n  \"b\": [1, {}]\n }\n]", []piece{
			{Raw: `{"a": "}\""}`, Line: 2}, {Raw: "{\n  \"b\": [1, {}]\n }", Line: 3},
		}},
		"a quotation mark is lost": {values(), "[\n {\n  \"a\": \"b\n },\n {}\n]", []piece{
			{Raw: "{\n  \"a\": \"b\n }", Why: "a string has no end", Line: 2}, {Raw: "{}", Line: 5},
		}},
		"a bracket is lost": {values(), "[\n {\n  \"a\": [\n },\n {}\n]", []piece{
			{Raw: "{\n  \"a\": [\n }", Why: "the record has no end: something else begins before it", Line: 2}, {Raw: "{}", Line: 5},
		}},
		"brackets do not match": {values(), "[\n {\"a\": ]},\n {}\n]", []piece{
			{Raw: "{\"a\": ]}", Why: "its brackets do not match", Line: 2}, {Raw: "{}", Line: 3},
		}},
		"nobody compares brackets": {records(), "[\n {\"a\": [1}},\n {}\n]", []piece{
			{Raw: "{\"a\": [1}}", Line: 2}, {Raw: "{}", Line: 3},
		}},
		"the end is lost without lines": {records(), `[{"id":1,"a":{,{"id":2}]`, []piece{
			{Raw: `{"id":1,"a":{`, Why: "the record has no end", Line: 1}, {Raw: `{"id":2}`, Line: 1},
		}},
		"another where a name should be": {values(), `[{"id":1,{"id":2}]`, []piece{
			{Raw: `{"id":1`, Why: "the record has no end", Line: 1}, {Raw: `{"id":2}`, Line: 1},
		}},
		"the file is cut": {values(), "[\n {\n  \"a\": 1,", []piece{
			{Raw: "{\n  \"a\": 1", Why: "the file ends in the middle of a record", Line: 2, Cut: true},
		}},
		"lines that are not indented": {records(), "[\n{\n\"a\": {\n\"b\": 1\n}\n},\n{}\n]", []piece{
			{Raw: "{\n\"a\": {\n\"b\": 1\n}\n}", Line: 2}, {Raw: "{}", Line: 7},
		}},
		"junk": {values(), "[\n x\n {}\n]", []piece{{Raw: "x", Why: "junk", Line: 2}, {Raw: "{}", Line: 3}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, pieces(t, scannerOf(strings.NewReader(tt.in), tt.policy))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScanner_Value(t *testing.T) {
	s := scannerOf(strings.NewReader("\"a\\\"b\" 12.5, [1, \"]\"] true"), values())
	for _, want := range []string{`"a\"b"`, "12.5", ",", `[1, "]"]`, "true"} {
		c, _ := s.Next()
		if c == ',' {
			s.Skip(1)
			continue
		}
		if f := s.Value(false); string(f.Raw) != want || f.Why != "" {
			t.Errorf("got %q, %s, want %q", f.Raw, f.Why, want)
		}
	}
	if _, ok := s.Next(); ok || s.Err() != nil || !s.EOF() {
		t.Error("there is more, or the end is an error:", s.Err())
	}
}

func TestScanner_LongValue(t *testing.T) {
	p := values()
	p.Longest = 100
	long := `{"a": "` + strings.Repeat("x", 1000) + `"}`
	s := scannerOf(strings.NewReader(long+` {"b": 1}`), p)
	f := s.Value(true)
	if f.Size != int64(len(long)) || string(f.Raw) != long[:p.Sampled] || f.Why == "" || f.Cut {
		t.Errorf("got %d bytes, %q: %s", f.Size, f.Raw, f.Why)
	}
	s.Next()
	if f := s.Value(true); string(f.Raw) != `{"b": 1}` {
		t.Errorf("then %q", f.Raw)
	}
	s = scannerOf(strings.NewReader(long+"1"), p)
	if f := s.Pass(); f.Why != "" || f.Size != int64(len(long)) {
		t.Errorf("passed %d bytes: %s", f.Size, f.Why)
	}
	s = scannerOf(strings.NewReader(long[:500]), p)
	if f := s.Pass(); !f.Cut || s.Offset() != 500 {
		t.Errorf("passed %d bytes of 500: %s", s.Offset(), f.Why)
	}
}

func TestWindow_Err(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, tt := range map[string]struct {
		r    io.Reader
		want error
	}{
		"fails":      {io.MultiReader(strings.NewReader("{\"a\":"), iotest.ErrReader(broken)), broken},
		"never ends": {io.MultiReader(strings.NewReader("{\"a\":"), nothing{}), io.ErrNoProgress},
	} {
		s := scannerOf(tt.r, values())
		s.Next()
		if f := s.Value(true); !f.Cut || !errors.Is(s.Err(), tt.want) {
			t.Errorf("%s: found %+v, error %v", name, f, s.Err())
		}
	}
}

// nothing reads nothing, and does not say that it is the end.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

func TestWindow_Position(t *testing.T) {
	w := jsonscan.NewWindow(strings.NewReader("ab\n\t c\nd"), 2, 10, 5, 3)
	w.Next()
	if w.Offset() != 10 || w.Line() != 5 || w.Indent() != 3 {
		t.Errorf("begins at %d, line %d, indented by %d", w.Offset(), w.Line(), w.Indent())
	}
	for len(w.Rest()) < len("ab\n\t c") && w.Fill() {
		continue
	}
	w.Skip(len("ab\n\t"))
	if c, _ := w.Next(); c != 'c' || w.Offset() != 15 || w.Line() != 6 || w.Indent() != 2 {
		t.Errorf("%q at %d, line %d, indented by %d", c, w.Offset(), w.Line(), w.Indent())
	}
}

// FuzzScanner holds what the package promises against any bytes: each is passed once, and how they arrive decides nothing.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("[\n {\n  \"id\": 1,\n  \"a\": \"b\n },\n {\"id\": 2}\n]"))
	f.Add([]byte(`[{"id":1,{"id":2,"a":[}]},{"id":3`))
	f.Add([]byte("[\n{\n\"a\": {\n\"b\": 1\n}\n},\n{}\n]x\\\"\n ]"))
	f.Add([]byte("{\"a\": \"\\\n\"}\r\n\t{\r\n}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []*jsonscan.Policy{values(), records()} {
			s := scannerOf(bytes.NewReader(data), p)
			whole := pieces(t, s)
			if s.Offset() != int64(len(data)) || s.Line() != 1+bytes.Count(data, []byte{'\n'}) {
				t.Errorf("ended at %d of %d, line %d", s.Offset(), len(data), s.Line())
			}
			if diff := cmp.Diff(whole, pieces(t, scannerOf(iotest.OneByteReader(bytes.NewReader(data)), p))); diff != "" {
				t.Errorf("byte by byte it is different:\n%s", diff)
			}
			p.Longest = 24
			pieces(t, scannerOf(bytes.NewReader(data), p))
		}
	})
}

func BenchmarkPass(b *testing.B) {
	record := "  {\n   \"id\": 1,\n   \"text\": \"" + strings.Repeat("the beans came up ", 10) + "\",\n" +
		"   \"more\": [1, {}]\n  },\n"
	data := []byte("[\n" + strings.Repeat(record, 10000) + "  {}\n]")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if f := scannerOf(bytes.NewReader(data), values()).Pass(); f.Why != "" {
			b.Fatal(f.Why)
		}
	}
}
