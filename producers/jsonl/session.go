package jsonl

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// reader reads the lines of a file.
type reader struct {
	parser
	filekit.Output
	lines *filekit.Lines
}

// At implements filekit.Reader.
func (s *reader) At() filekit.Position { return filekit.Position{Offset: s.Offset, Line: s.Line + 1} }

// Cursor implements filekit.Reader.
func (s *reader) Cursor() any { return s.position }

// Step reads a line.
func (s *reader) Step(context.Context) error {
	if s.Done {
		return io.EOF
	}
	line, size, err := s.lines.Next()
	if err != nil {
		s.Done = err == io.EOF
		return err
	}
	at := s.At()
	s.Offset += size
	s.Line++
	if s.Line == 1 {
		line = filekit.TrimMark(line)
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	if size > filekit.MaxRecord+1 {
		return s.unparsed(line, at, fmt.Errorf("the line has %d bytes, more than %d: its beginning is kept", size, filekit.MaxRecord))
	}
	e, err := s.event(line)
	if err != nil {
		return s.unparsed(line, at, err)
	}
	s.Last, s.Broken = e.ID.String(), 0
	s.Counts.Read++
	if s.again {
		s.Counts.Ambiguous++
	}
	if s.skipped {
		s.Notices.Add(producers.SkippedHour(1))
	}
	if err := s.NameChannel(e, s.called, &s.Announced); err != nil {
		return err
	}
	s.Events = append(s.Events, *e) // it is sealed
	return nil
}

// unparsed keeps a line that could not be parsed.
func (s *reader) unparsed(line []byte, at filekit.Position, why error) error {
	s.Broken++
	e := s.UnparsedAfter(filekit.Damaged{Position: at, Raw: line, Reason: jsonscan.Reason(why)}, s.Last, s.Broken)
	e.Source, e.Namespace, e.Account, e.NativeID = sourceName, s.namespace(""), s.Options.Account, "u"+e.NativeID
	return s.Emit(&e)
}

// parser makes events of lines.
type parser struct {
	*archive
	position
	again   bool // the last line's content key may be another line's too
	chars   *filekit.Decoder
	called  string // the last line's channel, as it is shown, where that is not its id
	skipped bool   // the last line's time lies in an hour that the zone skips
}

func (r *parser) namespace(network event.Namespace) event.Namespace {
	return cmp.Or(network, r.Options.Namespace, sourceName)
}
