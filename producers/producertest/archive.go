// Package producertest is the suite that every chat source passes.
//
// It promises that a source which passes can be stopped and started again anywhere without losing or doubling anything,
// and that damaged input costs it no more than the damaged records. It does not check that a format is understood rightly:
// that is for the source's own tests.
package producertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// Case is one fixture, and what is known of it.
type Case struct {
	Path string // of the file; with Data, the path that the source is told
	Data []byte // what the file holds, if it is not on disk
	// Beside are other files of the same export, by their paths from this one's folder. Nil: those on disk, if it is there.
	Beside  map[string][]byte
	Options producers.Options
	Events  int // how many events it makes at least
	// Unparsed is how many of its records cannot be read.
	Unparsed int
	// Cuts is how many places the file is cut off at, spread evenly; 0 means 64. Every byte of a small file may be one.
	Cuts int
}

// patience is how long one reading may take before it counts as hanging.
const patience = 30 * time.Second

// Archive holds a definition against one fixture.
func Archive(t *testing.T, def producers.Definition, c Case) {
	t.Helper()
	if c.Data == nil {
		b, err := os.ReadFile(c.Path)
		if err != nil {
			t.Fatalf("reading the fixture: %v", err)
		}
		c.Data = b
	}
	s := suite{def: def, c: c}
	t.Run("recognised", s.recognised)
	t.Run("read", s.read)
	t.Run("twice", s.twice)
	t.Run("resumed", s.resumed)
	t.Run("cut", s.cut)
	t.Run("cancelled", s.cancelled)
	t.Run("closed", s.closed)
}

// Foreign checks that none of the given files, exports of something else, is taken for one of the definition's.
func Foreign(t *testing.T, def producers.Definition, files ...producers.File) {
	t.Helper()
	for _, f := range files {
		if got := def.Recognise(f); got != producers.No {
			t.Errorf("%s takes %s for its own with confidence %d", def.Name, f.Path, got)
		}
	}
}

// File makes what a source is given from a path and what stands there.
func File(path string, data []byte) producers.File {
	return producers.File{
		Path: filepath.ToSlash(path),
		Head: data[:min(len(data), producers.HeadSize)],
		Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// file is what a source is given of data, which stands where the case's file does.
func (c Case) file(data []byte) producers.File {
	f := File(c.Path, data)
	f.Beside = func(rel string) (io.ReadCloser, error) {
		if c.Beside == nil {
			return os.Open(filepath.Join(filepath.Dir(c.Path), filepath.FromSlash(rel)))
		}
		if b, ok := c.Beside[rel]; ok {
			return io.NopCloser(bytes.NewReader(b)), nil
		}
		return nil, &fs.PathError{Op: "open", Path: rel, Err: fs.ErrNotExist}
	}
	return f
}

// Read reads all of data from a cursor on, and returns every batch.
func Read(t *testing.T, def producers.Definition, c Case, from producers.Cursor) []producers.Batch {
	t.Helper()
	batches, err := read(t, def, c, c.Data, from)
	if err != nil {
		t.Fatalf("reading %s: %v", c.Path, err)
	}
	return batches
}

// Events joins the events of batches.
func Events(batches []producers.Batch) []event.Event {
	var out []event.Event
	for _, b := range batches {
		out = append(out, b.Events...)
	}
	return out
}

func read(
	t *testing.T, def producers.Definition, c Case, data []byte, from producers.Cursor,
) (out []producers.Batch, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	src, err := def.Archive(c.file(data), c.Options)
	if err != nil {
		return nil, fmt.Errorf("making the source: %w", err)
	}
	return Drain(ctx, src, from)
}

// Drain returns all batches of an archive from a cursor on; none is nil. Where reading fails it returns those before, and the error.
func Drain(ctx context.Context, src producers.Source, from producers.Cursor) (out []producers.Batch, err error) {
	out = []producers.Batch{}
	s, err := src.Connect(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		b, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			if len(b.Events) > 0 {
				return nil, errors.New("a batch came together with the end")
			}
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
}

type suite struct {
	def producers.Definition
	c   Case
}

func (s suite) recognised(t *testing.T) {
	if got := s.def.Recognise(s.c.file(s.c.Data)); got < producers.Likely {
		t.Errorf("recognised with confidence %d, want at least %d", got, producers.Likely)
	}
}

func (s suite) read(t *testing.T) {
	batches := Read(t, s.def, s.c, nil)
	events := Events(batches)
	if len(events) < s.c.Events {
		t.Errorf("%d events, want at least %d", len(events), s.c.Events)
	}
	if n := total(batches); n.Unparsed != s.c.Unparsed || n.Read < n.Unparsed || n.Bytes > int64(len(s.c.Data)) {
		t.Errorf("counted %+v, want %d unparsed of a file of %d bytes", n, s.c.Unparsed, len(s.c.Data))
	}
	seen := map[event.ID]int{}
	for i := range events {
		checkEvent(t, i, &events[i])
		if j, twice := seen[events[i].ID]; twice {
			t.Errorf("events %d and %d are the same: %s", j, i, describe(&events[i]))
		}
		seen[events[i].ID] = i
	}
	for i, b := range batches {
		if len(b.Cursor) == 0 {
			t.Errorf("batch %d has no cursor", i)
		}
	}
}

func checkEvent(t *testing.T, i int, e *event.Event) {
	t.Helper()
	if !e.Seen.IsZero() {
		t.Errorf("event %d: a source set Seen to %v: that is the runner's", i, e.Seen)
	}
	sealed := *e
	if err := sealed.Seal(); err != nil || sealed.ID != e.ID {
		t.Errorf("event %d is not sealed: %s (%v)", i, describe(e), err)
	}
	if u, ok := e.Body.(*event.Unparsed); ok && (u.Reason == "" || u.File == "") {
		t.Errorf("event %d is unparsed and does not say why or where: %+v", i, u)
	}
	b, err := event.Encode(e)
	if err != nil {
		t.Errorf("event %d: %v", i, err)
		return
	}
	back, err := event.Decode(b)
	if err != nil {
		t.Errorf("event %d: %v", i, err)
		return
	}
	if diff := cmp.Diff(*e, *back); diff != "" {
		t.Errorf("event %d changes on the wire: %s", i, diff)
	}
}

func (s suite) twice(t *testing.T) {
	first, second := Events(Read(t, s.def, s.c, nil)), Events(Read(t, s.def, s.c, nil))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("a second reading differs: %s", diff)
	}
}

// resumed reads on from every cursor. Bodies are compared too: what a source remembers must be in its cursor.
func (s suite) resumed(t *testing.T) {
	batches := Read(t, s.def, s.c, nil)
	for i := range batches {
		rest := Read(t, s.def, s.c, slices.Clone(batches[i].Cursor))
		if diff := cmp.Diff(Events(batches[i+1:]), Events(rest)); diff != "" {
			t.Fatalf("resuming after batch %d of %d differs: %s", i, len(batches), diff)
		}
		if want, got := total(batches[i+1:]), total(rest); want != got {
			t.Errorf("resuming after batch %d of %d counts %+v, want %+v", i, len(batches), got, want)
		}
	}
}

// tail is how many events at the end of a file cut off may be unlike those of the whole: the record that was cut, what a
// source says of its chat at the end, and that the end is missing.
const tail = 4

// cut reads the file cut off at many places: whatever stands whole before the cut must come, in order.
func (s suite) cut(t *testing.T) {
	whole := withoutPolls(Events(Read(t, s.def, s.c, nil)))
	cuts := s.c.Cuts
	if cuts == 0 {
		cuts = 64
	}
	before := 0
	for i := range cuts {
		at := len(s.c.Data) * i / cuts
		batches, err := read(t, s.def, s.c, s.c.Data[:at], nil)
		if err != nil {
			if fault.Of(err) != fault.Fatal {
				t.Errorf("cut at %d: %v", at, err)
			}
			continue // a preamble that is missing may be the one thing that a source cannot do without
		}
		got := withoutPolls(Events(batches))
		n, readable := common(got, whole)
		if len(got)-n > tail {
			t.Errorf("cut at %d of %d: of %d events only the first %d are those of the whole", at, len(s.c.Data), len(got), n)
		}
		if readable < before {
			t.Errorf("cut at %d of %d: %d readable, fewer than with an earlier cut (%d)", at, len(s.c.Data), readable, before)
		}
		before = readable
	}
}

func (s suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src, err := s.def.Archive(s.c.file(s.c.Data), s.c.Options)
	if err != nil {
		t.Fatalf("making the source: %v", err)
	}
	session, err := src.Connect(ctx, nil)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	cancel()
	if _, err := session.Next(ctx); fault.Of(err) != fault.Stopped {
		t.Errorf("Next of a cancelled context returned %v, which is %s, not stopped", err, fault.Of(err))
	}
	if err := session.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

func (s suite) closed(t *testing.T) {
	src, err := s.def.Archive(s.c.file(s.c.Data), s.c.Options)
	if err != nil {
		t.Fatalf("making the source: %v", err)
	}
	if _, err := src.Connect(t.Context(), producers.Cursor("not a cursor")); fault.Of(err) != fault.Fatal {
		t.Errorf("a cursor that nobody wrote gives %v, which is %s, not fatal", err, fault.Of(err))
	}
	session, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	for i := range 2 {
		if err := session.Close(); err != nil {
			t.Errorf("closing, time %d: %v", i+1, err)
		}
	}
}

// common returns how many events two readings begin with alike, and how many of these could be read: a broken record may end
// elsewhere if the file does.
func common(a, b []event.Event) (n, readable int) {
	for n < len(a) && n < len(b) && a[n].ID == b[n].ID {
		if a[n].Kind != event.KindUnparsed {
			readable++
		}
		n++
	}
	return n, readable
}

// withoutPolls leaves out the results of polls: they are of the time of the newest message of the whole export.
func withoutPolls(events []event.Event) []event.Event {
	return slices.DeleteFunc(events, func(e event.Event) bool { return e.Kind == event.KindPoll })
}

func total(batches []producers.Batch) (n producers.Counts) {
	for _, b := range batches {
		n.Add(b.Counts)
	}
	return n
}

func describe(e *event.Event) string {
	return fmt.Sprintf("%s %s/%s/%s/%s at %s", e.Kind, e.Source, e.Namespace, e.Channel, e.NativeID, e.Revision)
}
