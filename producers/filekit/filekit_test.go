package filekit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// words is a format: a line is a message, and one of question marks is damaged.
type words struct {
	filekit.Output
	wordsState
	in   *bufio.Reader
	fail error // of the second line
}

type wordsState struct {
	filekit.Position
	filekit.Last
}

func (w *words) At() filekit.Position { return w.Position }

func (w *words) Cursor() any { return &w.wordsState }

func (w *words) Step(context.Context) error {
	line, err := w.in.ReadBytes('\n')
	if len(line) == 0 {
		return err
	}
	if w.fail != nil && w.Line == 2 {
		return w.fail
	}
	at := w.Position
	w.Offset += int64(len(line))
	w.Line++
	text := producers.TrimEnd(line)
	if len(text) == 0 {
		return nil
	}
	e := event.Event{NativeID: event.NativeID(text), Kind: event.KindMessage, Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: string(text)}}
	if text[0] == '?' {
		e = w.Unparsed(filekit.Damaged{Position: at, Raw: text, Reason: "nobody knows"}, &w.Last)
	} else {
		w.Counts.Read++
		w.Parsed(e.NativeID)
	}
	e.Source, e.Namespace, e.Channel = "words", "n", "c"
	return w.Emit(&e)
}

// connect opens a session of words, which counts how often its file is closed.
func connect(t *testing.T, text string, from producers.Cursor, set func(*words)) (*filekit.Session, *closer) {
	t.Helper()
	a := filekit.Archive{File: producertest.File("a/words.txt", []byte(text)), BatchSize: 2}
	st, err := filekit.DecodeCursor(a.File, from, wordsState{Position: filekit.Start()}, wordsState.Valid)
	if err != nil {
		t.Fatal(err)
	}
	in, err := producers.OpenAt(a.File, st.Offset)
	if err != nil {
		t.Fatal(err)
	}
	w := &words{Output: a.NewOutput(), wordsState: st, in: bufio.NewReader(in)}
	if set != nil {
		set(w)
	}
	c := &closer{Closer: in}
	return filekit.NewSession(a.File, c, &w.Output, w), c
}

type closer struct {
	io.Closer
	times int
	err   error
}

func (c *closer) Close() error {
	c.times++
	return errors.Join(c.err, c.Closer.Close())
}

func drain(t *testing.T, s *filekit.Session) (out []producers.Batch, err error) {
	t.Helper()
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
}

func TestSession_Next(t *testing.T) {
	const text = "one\n\n??\n???\ntwo\nthree\n"
	read := func(from producers.Cursor, set func(*words)) []producers.Batch {
		s, _ := connect(t, text, from, set)
		out, err := drain(t, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole := read(nil, nil)
	t.Run("a batch ends where a record ends", func(t *testing.T) {
		var cursors []string
		var n producers.Counts
		for _, b := range whole {
			cursors = append(cursors, string(b.Cursor))
			n.Add(b.Counts)
		}
		want := []string{
			`{"offset":8,"line":4,"last_id":"one","broken":1}`, `{"offset":16,"line":6,"last_id":"two"}`, `{"offset":22,"line":7,"last_id":"three"}`,
		}
		if diff := cmp.Diff(want, cursors); diff != "" {
			t.Error(diff)
		}
		if want := (producers.Counts{Read: 5, Unparsed: 2, Bytes: int64(len(text))}); n != want {
			t.Errorf("counted %+v, want %+v", n, want)
		}
	})
	t.Run("every cursor gives the rest", func(t *testing.T) {
		for i, b := range whole {
			if diff := cmp.Diff(producertest.Events(whole[i+1:]), producertest.Events(read(b.Cursor, nil))); diff != "" {
				t.Errorf("after batch %d: %s", i, diff)
			}
		}
	})
	t.Run("bytes bound a batch", func(t *testing.T) {
		if got := len(read(nil, func(w *words) { w.MaxBytes = 1 })); got != 6 { // the blank line too
			t.Errorf("%d batches, want one for each line", got)
		}
	})
	t.Run("an error names file and line", func(t *testing.T) {
		broken := errors.New("broken disk")
		s, _ := connect(t, text, nil, func(w *words) { w.fail = broken })
		if _, err := drain(t, s); !errors.Is(err, broken) || !strings.Contains(err.Error(), "a/words.txt, line 2") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("an end within something else is an error", func(t *testing.T) {
		s, _ := connect(t, text, nil, func(w *words) { w.fail = fmt.Errorf("reading something else: %w", io.EOF) })
		if _, err := s.Next(t.Context()); err == nil || err == io.EOF {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a cancelled context stops it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, _ := connect(t, text, nil, nil)
		if _, err := s.Next(ctx); fault.Of(err) != fault.Stopped {
			t.Errorf("error %v is %s", err, fault.Of(err))
		}
	})
	t.Run("a notice alone is given out", func(t *testing.T) {
		s, _ := connect(t, "", nil, nil)
		if b, err := s.Next(t.Context()); err != io.EOF {
			t.Errorf("an empty file gives %+v, %v", b, err)
		}
		w := &noticed{Output: (&filekit.Archive{BatchSize: 1}).NewOutput()}
		if b, err := filekit.NewSession(producers.File{}, nil, &w.Output, w).Next(t.Context()); err != nil || len(b.Notices) != 1 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// noticed has nothing but a notice.
type noticed struct{ filekit.Output }

func (n *noticed) At() filekit.Position { return filekit.Start() }

func (n *noticed) Cursor() any { return filekit.Start() }

func (n *noticed) Step(context.Context) error {
	n.Notices.Add(producers.SkippedHour(1))
	return io.EOF
}

func TestSession_Close(t *testing.T) {
	s, c := connect(t, "one\n", nil, nil)
	c.err = errors.New("broken disk")
	if err := s.Close(); !errors.Is(err, c.err) || !strings.Contains(err.Error(), "a/words.txt") {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil || c.times != 1 {
		t.Errorf("closed %d times, then %v", c.times, err)
	}
	if err := filekit.NewSession(producers.File{}, nil, nil, nil).Close(); err != nil {
		t.Error(err)
	}
}

func TestOutput_Unparsed(t *testing.T) {
	a := filekit.Archive{File: producers.File{Path: "a/\xff.txt"}}
	out := a.NewOutput()
	raw := []byte("abc")
	last := &filekit.Last{LastID: "m1"}
	first := out.Unparsed(filekit.Damaged{Position: filekit.Position{Offset: 7, Line: 3}, Raw: raw, Size: filekit.MaxRecord + 1, Reason: "too long"}, last)
	raw[0] = 'x'
	second := out.Unparsed(filekit.Damaged{Raw: []byte("abc"), Reason: "again"}, last)
	want := &event.Unparsed{Reason: "too long: 4194305 bytes, of which the first 3 are kept", File: "a/\uFFFD.txt", Line: 3, Offset: 7}
	if diff := cmp.Diff(want, first.Body); diff != "" || string(first.Raw) != "abc" {
		t.Errorf("kept %q: %s", first.Raw, diff)
	}
	if first.NativeID == second.NativeID || last.Broken != 2 || out.Counts != (producers.Counts{Read: 2, Unparsed: 2}) {
		t.Errorf("ids %s and %s, %+v, %+v", first.NativeID, second.NativeID, last, out.Counts)
	}
	last.Parsed("m2")
	if third := out.Unparsed(filekit.Damaged{Raw: []byte("abc")}, last); third.NativeID == first.NativeID || last.Broken != 1 {
		t.Errorf("another record before it gives the same id %s", third.NativeID)
	}
}

func TestDamagedJSON(t *testing.T) {
	at := filekit.Position{Offset: 1, Line: 2}
	got := filekit.DamagedJSON(jsonscan.Found{Raw: []byte("{"), Size: 1, Why: "no end", Cut: true}, at)
	if diff := cmp.Diff(filekit.Damaged{Position: at, Raw: []byte("{"), Size: 1, Reason: "no end", Cut: true}, got); diff != "" {
		t.Error(diff)
	}
	if got.Describe() != "no end" {
		t.Errorf("described as %q", got.Describe())
	}
}

func TestDecodeCursor(t *testing.T) {
	start := wordsState{Position: filekit.Start()}
	for cursor, want := range map[string]wordsState{
		"":                        start,
		`{"last_id":"x"}`:         {Position: filekit.Start(), Last: filekit.Last{LastID: "x"}},
		`{"offset":5,"line":2}`:   {Position: filekit.Position{Offset: 5, Line: 2}},
		`{"offset":5,"future":2}`: {Position: filekit.Position{Offset: 5, Line: 1}},
	} {
		got, err := filekit.DecodeCursor(producers.File{}, producers.Cursor(cursor), start, wordsState.Valid)
		if err != nil || got != want {
			t.Errorf("%s gives %+v, %v", cursor, got, err)
		}
	}
	for _, cursor := range []string{"no cursor", `{"offset":-1}`, `{"line":0}`, `{"offset":"1"}`} {
		_, err := filekit.DecodeCursor(producers.File{Path: "a.txt"}, producers.Cursor(cursor), start, wordsState.Valid)
		if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "a.txt") {
			t.Errorf("%s gives %v, which is %s", cursor, err, fault.Of(err))
		}
	}
}

func TestArchive_NewDecoder(t *testing.T) {
	a := filekit.Archive{File: producertest.File("a", nil), Options: producers.Options{Charset: "no such charset"}}
	if _, err := a.NewDecoder(); fault.Of(err) != fault.Fatal {
		t.Errorf("error %v is %s", err, fault.Of(err))
	}
}
