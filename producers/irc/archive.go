package irc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// archive is one log file and how to read it.
type archive struct {
	file      producers.File
	account   event.Account
	namespace event.Namespace
	channel   event.Channel
	name      string // of the channel, as shown
	day       civil  // from the path; headers and lines know better
	zone      *time.Location
	charset   charset
}

func newArchive(f producers.File, o producers.Options) (producers.Source, error) {
	cs, err := newCharset(o.Charset)
	if err != nil {
		return nil, err
	}
	p := placeOf(strings.ToValidUTF8(f.Path, "_"))
	a := &archive{
		file: f, account: o.Account, namespace: o.Namespace, day: p.day, name: p.channel, zone: o.Zone, charset: cs,
	}
	if o.Channel != "" {
		a.name = string(o.Channel)
	}
	a.channel = event.Channel(fold(a.name))
	if a.namespace == "" {
		a.namespace = event.Namespace(p.network)
	}
	if a.namespace == "" {
		a.namespace = defaultNetwork
	}
	if a.zone == nil {
		a.zone = time.UTC
	}
	return a, nil
}

// archiveCursor says where to go on. It does not hold the tally, which may have an entry for every line of two days: what it
// held is counted again from Tally on, where the older of those days began.
type archiveCursor struct {
	Version int      `json:"v"`
	Next    position `json:"next"`
	Tally   position `json:"tally"`
	Done    bool     `json:"done,omitempty"`
	Cut     bool     `json:"cut,omitempty"` // the last line had no end: it may go on when the file has grown
}

const cursorVersion = 1

// Connect opens the file, and counts again what the cursor's tally held.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	cur, err := a.cursor(from)
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading the cursor of %s: %w", a.file.Path, err))
	}
	r, err := a.file.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", a.file.Path, err)
	}
	s := &reading{archive: a, closer: r, begun: cur.Version > 0, done: cur.Done}
	if err := s.resume(ctx, r, cur); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// cursor reads a cursor. Version is 0 for the start. A file that has grown since its end was reached goes on there, or,
// if its last line was cut, is read anew: all ids come out as before.
func (a *archive) cursor(from producers.Cursor) (archiveCursor, error) {
	start := archiveCursor{Next: position{Day: a.day}, Tally: position{Day: a.day}}
	if len(from) == 0 {
		return start, nil
	}
	var cur archiveCursor
	if err := json.Unmarshal(from, &cur); err != nil {
		return cur, err
	}
	if cur.Version != cursorVersion {
		return cur, fmt.Errorf("it has version %d, this program reads %d", cur.Version, cursorVersion)
	}
	if cur.Done && a.file.Size > cur.Next.Offset {
		if cur.Cut {
			return start, nil
		}
		cur.Done = false
	}
	return cur, nil
}

// reading is one pass over a file.
type reading struct {
	archive *archive
	closer  io.Closer
	lines   *lines
	log     log
	begun   bool // the channel has been named
	cut     bool // the last line read has no end
	done    bool
}

func (s *reading) resume(ctx context.Context, r io.Reader, cur archiveCursor) error {
	if s.done {
		return nil
	}
	if err := skip(r, cur.Tally.Offset); err != nil {
		return s.cursorError(err)
	}
	s.lines = newLines(r)
	s.log = newLog(s.archive.zone, s.archive.charset, cur.Tally)
	for n := 0; s.log.at.Offset < cur.Next.Offset; n++ {
		if n%linesPerCheck == 0 && ctx.Err() != nil {
			return fmt.Errorf("going on in %s: %w", s.archive.file.Path, ctx.Err())
		}
		line, err := s.lines.next()
		if err != nil {
			return s.cursorError(err)
		}
		s.log.read(line)
	}
	if s.log.at.Offset != cur.Next.Offset {
		return s.cursorError(fmt.Errorf("no line begins at byte %d: %w", cur.Next.Offset, errOtherFile))
	}
	s.log.at = cur.Next
	return nil
}

// linesPerCheck is how many lines are read between two looks at the context.
const linesPerCheck = 1024

// cursorError says that the file is not the one that the cursor was made for; other errors of reading may pass.
func (s *reading) cursorError(err error) error {
	err = fmt.Errorf("going on in %s where the cursor says: %w", s.archive.file.Path, err)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errOtherFile) {
		return fault.AsFatal(fmt.Errorf("%w; the file is not what it was: import it anew", err))
	}
	return err
}

var errOtherFile = errors.New("file has changed")

func skip(r io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	if sk, ok := r.(io.Seeker); ok {
		_, err := sk.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

const (
	batchEvents = 500
	// batchBytes bounds a batch of very long lines: with their escapes they must fit into a few messages of the bus.
	batchBytes = 1 << 20
)

// Next reads the next lines.
func (s *reading) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.archive.file.Path, ctx.Err())
	}
	if s.done {
		return producers.Batch{}, io.EOF
	}
	b := producers.Batch{Events: make([]event.Event, 0, batchEvents+2)}
	if !s.begun {
		s.begun = true
		if err := s.add(&b, s.channelEvent()); err != nil {
			return producers.Batch{}, err
		}
	}
	for len(b.Events) < batchEvents && b.Counts.Bytes < batchBytes && !s.done {
		if err := s.line(&b); err != nil {
			return producers.Batch{}, err
		}
	}
	cur, err := json.Marshal(archiveCursor{
		Version: cursorVersion, Next: s.log.at, Tally: s.log.days.anchor, Done: s.done, Cut: s.cut,
	})
	if err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor of %s: %w", s.archive.file.Path, err)
	}
	b.Cursor = cur
	return b, nil
}

func (s *reading) line(b *producers.Batch) error {
	line, err := s.lines.next()
	if errors.Is(err, io.EOF) {
		s.done = true
		if s.log.at.Latest.IsZero() {
			return nil
		}
		return s.add(b, s.channelEvent())
	}
	if err != nil {
		return fmt.Errorf("reading %s at byte %d: %w", s.archive.file.Path, s.log.at.Offset, err)
	}
	s.cut = line.bytes[len(line.bytes)-1] != '\n'
	before := s.log.at
	e, ok := s.log.read(line)
	b.Counts.Bytes += int64(len(line.bytes))
	if !ok {
		return nil
	}
	b.Counts.Read++
	if e.ambiguous {
		b.Counts.Ambiguous++
	}
	if e.reason != "" {
		b.Counts.Unparsed++
	}
	return s.add(b, s.event(e, line, before))
}

func (s *reading) add(b *producers.Batch, e event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("making an event of %s: %w", s.archive.file.Path, err)
	}
	b.Events = append(b.Events, e)
	return nil
}

func (s *reading) event(e entry, line line, before position) event.Event {
	a := s.archive
	out := event.Event{
		Source: sourceName, Namespace: a.namespace, Account: a.account, Channel: a.channel, NativeID: e.id,
		Revision: event.Unedited, Sent: e.sent, Raw: line.text(),
	}
	if e.reason != "" {
		out.Kind = event.KindUnparsed
		out.Body = &event.Unparsed{
			Reason: e.reason, File: strings.ToValidUTF8(a.file.Path, "\uFFFD"), Line: before.Line + 1, Offset: before.Offset,
		}
		return out
	}
	out.Kind, out.Author, out.Body = event.KindMessage, person(e.said.Nick), e.said.body()
	return out
}

// channelEvent names the channel: at the start of a file as of no time, at the end as of its latest line. A log that grew
// within one instant has another end, so its length is part of the revision.
func (s *reading) channelEvent() event.Event {
	a := s.archive
	e := channelEvent(a.namespace, a.account, a.channel, event.ChannelInfo{Name: a.name})
	if l := s.log.at.Latest; !l.IsZero() {
		e.Sent = l
		e.Revision = event.RevisionAt(l.At) + event.Revision(fmt.Sprintf(".%020d", s.log.at.Offset))
	}
	return e
}

// Close closes the file.
func (s *reading) Close() error {
	if s.closer == nil {
		return nil
	}
	c := s.closer
	s.closer = nil
	if err := c.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.archive.file.Path, err)
	}
	return nil
}
