package csv

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

func TestParseRow(t *testing.T) {
	for text, want := range map[string]struct {
		cells string // with bars between
		size  int
		open  bool
		odd   bool
	}{
		"a,b\nc":          {"a|b", 4, false, false},
		"a,b\r\nc":        {"a|b", 5, false, false},
		"a,b":             {"a|b", 3, false, false},
		"a,\n":            {"a|", 3, false, false},
		"\n":              {"", 1, false, false},
		"\"a,b\",c\n":     {"a,b|c", 8, false, false},
		"\"a\nb\",c\r\n":  {"a\nb|c", 9, false, false},
		"\"a\"\"b\"\n":    {"a\"b", 7, false, false},
		"\"a\"b\",c\n":    {"a\"b|c", 8, false, true},
		"a\"b,c\n":        {"a\"b|c", 6, false, false}, // a quotation mark within a cell that does not begin with one
		"\"a,b\n":         {"\"a,b\n", 5, true, false},
		"\"a\"\r":         {"a", 4, false, false},
		"it's,\"\",\"\"x": {"it's||\"\"x", 11, true, true},
	} {
		got := parseRow([]byte(text), ',', '"', true)
		if cells := strings.Join(got.cells, "|"); cells != want.cells || got.size != want.size || got.open != want.open || got.odd != want.odd {
			t.Errorf("%q is %q, size %d, open %v, odd %v", text, cells, got.size, got.open, got.odd)
		}
	}
	for _, text := range []string{"a,b", "\"a", "\"a\"", "\"a\"\r", "a,"} {
		if got := parseRow([]byte(text), ',', '"', false); got.size != 0 {
			t.Errorf("%q is whole although more may follow", text)
		}
	}
}

// However the bytes arrive, the rows are the same, and no byte is lost.
func TestRows_Next(t *testing.T) {
	const text = "a,b\r\n\"c\nd\",e\n\"open,f\ng,h\n,,,\n\ni,j"
	read := func(r io.Reader) (out []string) {
		in := &rows{r: r, delimiter: ',', quote: '"'}
		size := 0
		for {
			row, err := in.next(2)
			if errors.Is(err, io.EOF) {
				if size != len(text) {
					t.Errorf("%d of %d bytes", size, len(text))
				}
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			size += row.size
			out = append(out, string(row.raw)+" "+row.why)
		}
	}
	whole := read(strings.NewReader(text))
	want := []string{
		"a,b ", "\"c\nd\",e ", "\"open,f a quotation mark has no second, or the row is longer than any message", "g,h ",
		",,, the row has 4 cells, not 2", " ", "i,j ",
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Error(diff)
	}
	for name, r := range map[string]io.Reader{
		"a byte at a time": iotest.OneByteReader(strings.NewReader(text)), "with the end": iotest.DataErrReader(strings.NewReader(text)),
		"by halves": iotest.HalfReader(strings.NewReader(text)),
	} {
		if diff := cmp.Diff(whole, read(r)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	broken := errors.New("broken disk")
	if _, err := (&rows{r: iotest.ErrReader(broken), delimiter: ','}).next(2); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestLayout_Read(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		layout, printed, want string
		p                     event.Precision
		assumed               bool
	}{
		{"%Y-%m-%d %H:%M:%S", "2024-07-01 12:00:05", "2024-07-01T10:00:05Z", event.PrecisionSecond, true},
		{"%d.%m.%y %H:%M", "1.7.24 12:00", "2024-07-01T10:00:00Z", event.PrecisionMinute, true},
		{"%d.%m.%Y", "01.07.2024", "2024-06-30T22:00:00Z", event.PrecisionDay, true},
		{"%m/%d/%Y %I:%M %p", "7/1/2024 12:05 a.m.", "2024-06-30T22:05:00Z", event.PrecisionMinute, true},
		{"%Y-%m-%d %H:%M:%S.%f", "2024-07-01 12:00:05.250", "2024-07-01T10:00:05.25Z", event.PrecisionMilli, true},
		{"%Y-%m-%dT%H:%M:%S%z", "2024-07-01T12:00:05+03:00", "2024-07-01T09:00:05Z", event.PrecisionSecond, false},
		{"rfc3339", "2024-07-01T12:00:05.000001Z", "2024-07-01T12:00:05.000001Z", event.PrecisionMicro, false},
		{"unix", "1719828005", "2024-07-01T10:00:05Z", event.PrecisionSecond, false},
		{"unix", "1719828005.25", "2024-07-01T10:00:05.25Z", event.PrecisionMicro, false},
		{"unix_ms", "1719828005250", "2024-07-01T10:00:05.25Z", event.PrecisionMilli, false},
	} {
		l, err := parseLayout(c.layout)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := l.read(c.printed, berlin)
		if !ok || got.At.Format(time.RFC3339Nano) != c.want || got.Precision != c.p || got.Assumed != c.assumed {
			t.Errorf("%q as %q is %+v, %v", c.printed, c.layout, got.Instant, ok)
		}
	}
	for layout, printed := range map[string]string{
		"%Y-%m-%d": "yesterday", "unix": "12:00", "unix_ms": "99999999999999999999", "rfc3339": "2024-07-01 12:00:05", "%d.%m.%Y": "32.01.2024",
	} {
		l, err := parseLayout(layout)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := l.read(printed, berlin); ok {
			t.Errorf("%q as %q is %+v: an invented time", printed, layout, got.Instant)
		}
	}
}
