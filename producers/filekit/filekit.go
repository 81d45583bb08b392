// Package filekit is what connectors that read files share, so that a connector holds its format and nothing else.
//
// A connector writes a Reader, whose Step parses one record and adds what it makes to an Output, and returns it from
// Source.Connect as a Session:
//
//	type archive struct{ filekit.Archive }
//
//	type state struct { // the cursor
//		filekit.Position
//		filekit.Last
//		Done bool `json:"done,omitempty"`
//	}
//
//	type reader struct {
//		filekit.Output
//		state
//		in *bufio.Reader
//	}
//
//	func (a *archive) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
//		st, err := filekit.DecodeCursor(a.File, from, state{Position: filekit.Start()}, state.Valid)
//		if err != nil {
//			return nil, err
//		}
//		in, err := producers.OpenAt(a.File, st.Offset)
//		if err != nil {
//			return nil, err
//		}
//		r := &reader{Output: a.NewOutput(), state: st, in: bufio.NewReader(in)}
//		return filekit.NewSession(a.File, in, &r.Output, r), nil
//	}
//
// The rest is used where the format needs it: Decoder and the functions for byte order marks and cells (text.go), LocalTime for times without
// a zone (localtime.go), Damaged and Last for records that cannot be parsed (damaged.go), Days and Replay for content keys of files
// without ids (days.go), Sidecars for files beside the export (sidecars.go). What a session of one connector adds to its batches it adds
// by wrapping Session.Next.
//
// It promises that a batch ends where a record ends, that its cursor is that of the record after it, and that bytes are counted once.
package filekit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

const (
	// BatchSize is how many events a batch has: the bus takes atomic batches up to 1000, and half of that costs no speed.
	BatchSize = 500
	// MaxRecord is the longest record that is taken whole, in bytes: the bus must take what an event of this size becomes, and no network's
	// longest message comes near it, so that anything longer is a record whose end is lost.
	MaxRecord = 4 << 20
	// MaxSample is how much is kept of a record that is longer than MaxRecord.
	MaxSample = 64 << 10
)

// Archive is one file, and how to read it.
type Archive struct {
	File      producers.File
	Options   producers.Options
	BatchSize int // events
}

// NewOutput returns the output of one reading of the file.
func (a *Archive) NewOutput() Output {
	return Output{Path: ValidText(a.File.Path), size: a.BatchSize}
}

// NewDecoder returns a decoder of the file's text. A charset that the user named and nobody knows is fatal.
func (a *Archive) NewDecoder() (*Decoder, error) {
	d, err := charset.NewDecoder(a.Options.Charset, a.File.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	return &Decoder{Decoder: d}, nil
}

// Reader reads the records of one file.
type Reader interface {
	// Step reads the next record, or whatever stands in its place, and adds what it makes to the output. io.EOF alone says that nothing is
	// left; what Step added before is in the batch all the same.
	Step(ctx context.Context) error
	// At is where the next record begins.
	At() Position
	// Cursor is what encodes to the JSON from which a session resumes at At.
	Cursor() any
}

// Output is the batch that a Reader fills.
type Output struct {
	producers.Batch
	Path     string // of the file, as unparsed events name it
	MaxBytes int64  // of input that a batch may take; 0: any

	size int
}

// spare is room for the events that a record makes beyond the first, so that a full batch is not copied for one.
const spare = 4

func (o *Output) begin() {
	o.Batch = producers.Batch{Events: make([]event.Event, 0, o.size+spare)}
}

// Emit seals an event and adds it to the batch.
func (o *Output) Emit(e *event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	o.Events = append(o.Events, *e)
	return nil
}

// NameChannel adds the name of an event's channel, once, if it is not UTF-8 in the file: its id is the same in every charset, and looks like
// none. announced are the channels that were named; the cursor holds them.
func (o *Output) NameChannel(of *event.Event, name string, announced *[]event.Channel) error {
	if of.Reading.Charset == "" || of.Channel == "" || name == string(of.Channel) || slices.Contains(*announced, of.Channel) {
		return nil
	}
	*announced = append(*announced, of.Channel)
	return o.Emit(&event.Event{
		Source: of.Source, Namespace: of.Namespace, Account: of.Account, Channel: of.Channel, NativeID: event.NativeID(of.Channel),
		Kind: event.KindChannel, Revision: event.Unedited + "." + event.Revision(event.Digest(string(of.Channel))), Reading: of.Reading,
		Body: &event.ChannelInfo{Name: name}, Raw: of.Raw,
	})
}

// Session is one reading of a file. It implements producers.Session.
type Session struct {
	path   string
	in     io.Closer
	out    *Output
	reader Reader
}

// NewSession returns a session that drives r, which fills out. It closes in; nil where nothing is open.
func NewSession(f producers.File, in io.Closer, out *Output, r Reader) *Session {
	return &Session{path: f.Path, in: in, out: out, reader: r}
}

// Next reads records until a batch is full or the file ends.
func (s *Session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.path, err)
	}
	s.out.begin()
	if err := s.fill(ctx); err != nil {
		return producers.Batch{}, err
	}
	b := s.out.Batch
	if len(b.Events) == 0 && len(b.Notices) == 0 && b.Counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	var err error
	if b.Cursor, err = json.Marshal(s.reader.Cursor()); err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor of %s: %w", s.path, err)
	}
	return b, nil
}

func (s *Session) fill(ctx context.Context) error {
	start := s.reader.At().Offset
	for len(s.out.Events) < s.out.size {
		err := s.reader.Step(ctx)
		at := s.reader.At()
		s.out.Counts.Bytes = at.Offset - start
		switch {
		case err == io.EOF: // alone, as io.Reader returns it: a wrapped one is an error of something else
			return nil
		case err != nil:
			return fmt.Errorf("reading %s, line %d: %w", s.path, at.Line, err)
		case s.out.MaxBytes > 0 && s.out.Counts.Bytes >= s.out.MaxBytes:
			return nil
		}
	}
	return nil
}

// Close closes the file.
func (s *Session) Close() error {
	if s.in == nil {
		return nil
	}
	in := s.in
	s.in = nil
	if err := in.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	return nil
}
