package producers_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers"
)

// stream is a reader that cannot seek, and counts how often it was closed.
type stream struct {
	io.Reader
	closed *int
}

func (s stream) Close() error { *s.closed++; return nil }

type seekable struct {
	io.ReadSeeker
	closed *int
}

func (s seekable) Close() error { *s.closed++; return nil }

func TestOpenAt(t *testing.T) {
	t.Parallel()
	const text = "0123456789"
	for _, offset := range []int64{0, 1, 9, 10} {
		closed := 0
		for name, open := range map[string]func() (io.ReadCloser, error){
			"stream": func() (io.ReadCloser, error) {
				return stream{io.MultiReader(strings.NewReader(text)), &closed}, nil
			},
			"seeker": func() (io.ReadCloser, error) { return seekable{strings.NewReader(text), &closed}, nil },
		} {
			r, err := producers.OpenAt(producers.File{Path: "a.log", Open: open}, offset)
			if err != nil {
				t.Fatalf("%s at %d: %v", name, offset, err)
			}
			if rest, err := io.ReadAll(r); err != nil || string(rest) != text[offset:] {
				t.Errorf("%s at %d goes on with %q, %v", name, offset, rest, err)
			}
		}
	}
	closed := 0
	_, err := producers.OpenAt(producers.File{Path: "a.log", Open: func() (io.ReadCloser, error) {
		return stream{io.MultiReader(strings.NewReader(text)), &closed}, nil
	}}, 11)
	if !errors.Is(err, io.EOF) || closed != 1 || !strings.Contains(err.Error(), "byte 11 of a.log") {
		t.Errorf("past the end: %v, closed %d times", err, closed)
	}
}

func TestTrimEnd(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{"a\r\n": "a", "a\n": "a", "a\r": "a", "a": "a", "a\n\n": "a\n", "\r\n": "", "": ""} {
		if got := string(producers.TrimEnd([]byte(line))); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}
