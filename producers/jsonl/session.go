package jsonl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

const (
	// longest is the longest line that is taken whole: the bus must take what an event of this size becomes.
	longest = 4 << 20
	// sampled is how much is kept of a longer one.
	sampled = 64 << 10
)

// lines reads lines of any length and holds no more than the longest that is taken.
type lines struct {
	r   *bufio.Reader
	buf []byte
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 256<<10)} }

// next returns a line without its end, cut if it is too long, and how many bytes were read. The line is good until the next
// call. io.EOF comes alone.
func (l *lines) next() (line []byte, size int64, err error) {
	l.buf = l.buf[:0]
	for {
		piece, err := l.r.ReadSlice('\n')
		size += int64(len(piece))
		if size <= longest+1 {
			l.buf = append(l.buf, piece...)
		} else if len(l.buf) > sampled {
			l.buf = l.buf[:sampled]
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && size > 0, err == nil:
			return bytes.TrimRight(l.buf, "\r\n"), size, nil
		}
		return nil, size, err
	}
}

// session is one reading of a file.
type session struct {
	reader
	in    io.ReadCloser
	lines *lines
}

// Next reads lines until a batch is full or the file ends.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.file.Path, err)
	}
	var b producers.Batch
	for len(b.Events) < s.batch && !s.Done {
		line, size, err := s.lines.next()
		if errors.Is(err, io.EOF) {
			s.Done = true
			break
		}
		if err != nil {
			return producers.Batch{}, fmt.Errorf("reading %s after line %d: %w", s.file.Path, s.Line, err)
		}
		b.Counts.Bytes += size
		if err := s.take(&b, line, size); err != nil {
			return producers.Batch{}, err
		}
	}
	if b.Counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	var err error
	if b.Cursor, err = json.Marshal(s.position); err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	return b, nil
}

// take puts into the batch what a line says.
func (s *session) take(b *producers.Batch, line []byte, size int64) error {
	offset := s.Offset
	s.Offset += size
	s.Line++
	if s.Line == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark())
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	b.Counts.Read++
	var e *event.Event
	err := error(nil)
	if size > longest+1 {
		err = fmt.Errorf("the line has %d bytes, more than %d: its beginning is kept", size, longest)
	} else {
		e, err = s.event(line)
	}
	if err != nil {
		b.Counts.Unparsed++
		if e, err = s.unparsed(line, offset, err); err != nil {
			return err
		}
	} else {
		s.Last, s.Broken = e.ID.String(), 0
	}
	if s.again {
		b.Counts.Ambiguous++
	}
	if s.skipped {
		b.Notices = append(b.Notices, producers.SkippedHour(1))
	}
	if err := s.announce(b, e); err != nil {
		return err
	}
	b.Events = append(b.Events, *e)
	return nil
}

// announce says what a channel is called whose name is not UTF-8: its id is the same in every charset.
func (s *session) announce(b *producers.Batch, of *event.Event) error {
	if of.Reading.Charset == "" || of.Channel == "" || s.called == string(of.Channel) || slices.Contains(s.Announced, of.Channel) {
		return nil
	}
	s.Announced = append(s.Announced, of.Channel)
	e := event.Event{
		Source: of.Source, Namespace: of.Namespace, Account: of.Account, Channel: of.Channel, NativeID: event.NativeID(of.Channel),
		Kind: event.KindChannel, Revision: event.Unedited + "." + event.Revision(event.Digest(string(of.Channel))), Reading: of.Reading,
		Body: &event.ChannelInfo{Name: s.called}, Raw: of.Raw,
	}
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing line %d of %s: %w", s.Line, s.file.Path, err)
	}
	b.Events = append(b.Events, e)
	return nil
}

// Close closes the file.
func (s *session) Close() error {
	if s.in == nil {
		return nil
	}
	err := s.in.Close()
	s.in = nil
	if err != nil {
		return fmt.Errorf("closing %s: %w", s.file.Path, err)
	}
	return nil
}

// reader makes events of lines.
type reader struct {
	*archive
	position
	again   bool // the last line's content key may be another line's too
	chars   *charset.Decoder
	called  string // the last line's channel, as it is shown, where that is not its id
	skipped bool   // the last line's time lies in an hour that the zone skips
}

// unparsed keeps a line that could not be understood. Its id is made of its bytes and of the event before it, so that a
// second file with the same lines agrees.
func (r *reader) unparsed(line []byte, offset int64, why error) (*event.Event, error) {
	r.again, r.skipped = false, false
	r.Broken++
	e := &event.Event{
		Source: sourceName, Namespace: r.namespace(""), Account: r.options.Account,
		NativeID: event.NativeID("u" + event.Digest("unparsed", r.Last, strconv.Itoa(r.Broken), string(line))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: jsonscan.Reason(why), File: strings.ToValidUTF8(r.file.Path, "\uFFFD"), Line: r.Line, Offset: offset},
		Raw:  bytes.Clone(line),
	}
	if err := e.Seal(); err != nil {
		return nil, fmt.Errorf("sealing line %d of %s: %w", r.Line, r.file.Path, err)
	}
	return e, nil
}

func (r *reader) namespace(network event.Namespace) event.Namespace {
	switch {
	case network != "":
		return network
	case r.options.Namespace != "":
		return r.options.Namespace
	}
	return sourceName
}
