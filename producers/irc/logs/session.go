// Package logs reads the logs that IRC clients, bouncers and bots leave behind.
//
// It promises that overlapping logs of a channel give the same ids, made of the printed minute, the nick and the text, whatever zone or charset
// is named, and that a line that no form fits is kept as an unparsed event. It does not know what a log does not print: ids, often the date,
// the zone, the network. What it takes from the path instead is reported as a notice.
package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// archive is one log file and how to read it.
type archive struct {
	file      producers.File
	account   event.Account
	namespace event.Namespace
	channel   event.Channel
	name      string // of the channel, as shown
	start     position
	zone      *time.Location
	charset   *charset.Decoder
	forms     *conventions
	assumed   []producers.Notice // of every line: what the path was taken to say
	now       func() time.Time
}

func (s *Folders) Archive(f producers.File, o producers.Options) (producers.Source, error) {
	cs, err := charset.NewDecoder(o.Charset, f.Open)
	if err != nil {
		return nil, err
	}
	p := locationOf(strings.ToValidUTF8(f.Path, "_"), o.DateOrder)
	if o.Channel != "" {
		p.channel, p.channelGuessed = string(o.Channel), false
	}
	if p.channel == "" {
		return nil, errNoChannel(f.Path, p)
	}
	a := &archive{
		file: f, account: o.Account, namespace: o.Namespace, name: p.channel, channel: event.Channel(chatline.Fold(p.channel)),
		start: position{Day: p.day, Guessed: p.guessed, Year: p.year}, zone: o.Zone, charset: cs, now: time.Now,
		forms: newConventions(f, o.DateOrder),
	}
	if p.channelGuessed {
		a.assumed = append(a.assumed, noticeChannel())
	}
	if o.Channel == "" && p.network == "" {
		if p.network = s.network(p); p.network != "" {
			p.networkGuessed = true
		}
	}
	if a.namespace == "" && p.networkGuessed {
		a.assumed = append(a.assumed, noticeNear())
	}
	if a.namespace == "" && p.network == "" {
		a.assumed = append(a.assumed, noticeNetwork())
		p.network = defaultNetwork
	}
	if a.namespace == "" {
		a.namespace = event.Namespace(p.network)
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
	Cut     bool     `json:"cut,omitempty"` // the last line was read without its end: it may go on when the file has grown
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
	s := &session{archive: a, closer: r, begun: cur.Version > 0, done: cur.Done, growing: a.growing(r)}
	if err := s.resume(ctx, r, cur); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// growing reports whether somebody may be writing to the file, so that a last line without an end waits for its rest. A log that has
// rested for a while ends like that, and so does what comes out of a zip.
func (a *archive) growing(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false // reading will say why
	}
	rested := a.now().Sub(info.ModTime())
	return -restedFor < rested && rested < restedFor // a time far ahead is that of another clock
}

// restedFor is how long nobody wrote to a log that is taken for finished.
const restedFor = time.Hour

// cursor reads a cursor. Version is 0 for the start. A file that has grown since its end was reached goes on there, or,
// if its last line was read without its end, is read anew: all ids come out as before.
func (a *archive) cursor(from producers.Cursor) (archiveCursor, error) {
	start := archiveCursor{Next: a.start, Tally: a.start}
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

// session is one pass over a file.
type session struct {
	archive      *archive
	closer       io.Closer
	lines        *lines
	log          log
	begun        bool // the channel has been named
	growing      bool // somebody may be writing to the file
	unterminated bool // the last line read has no end
	done         bool
}

func (s *session) resume(ctx context.Context, r io.Reader, cur archiveCursor) error {
	if s.done {
		return nil
	}
	if err := producers.Skip(r, cur.Tally.Offset); err != nil {
		return s.cursorError(err)
	}
	s.lines = newLines(r)
	s.log = newLog(s.archive.zone, s.archive.charset, cur.Tally)
	s.log.forms = s.archive.forms
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
func (s *session) cursorError(err error) error {
	err = fmt.Errorf("going on in %s where the cursor says: %w", s.archive.file.Path, err)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errOtherFile) {
		return fault.AsFatal(fmt.Errorf("%w; the file is not what it was: import it anew", err))
	}
	return err
}

var errOtherFile = errors.New("file has changed")

const (
	batchEvents = 500
	// batchBytes bounds a batch of very long lines: with their escapes they must fit into a few messages of the bus.
	batchBytes = 1 << 20
)

// Next reads the next lines.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
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
		Version: cursorVersion, Next: s.log.at, Tally: s.log.days.anchor, Done: s.done, Cut: s.unterminated,
	})
	if err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor of %s: %w", s.archive.file.Path, err)
	}
	b.Cursor = cur
	return b, nil
}

func (s *session) line(b *producers.Batch) error {
	line, err := s.lines.next()
	if errors.Is(err, io.EOF) {
		return s.end(b)
	}
	if err != nil {
		return fmt.Errorf("reading %s at byte %d: %w", s.archive.file.Path, s.log.at.Offset, err)
	}
	s.unterminated = line.whole && line.bytes[len(line.bytes)-1] != '\n'
	if s.unterminated && s.growing && !s.log.at.Long {
		s.unterminated = false
		b.Notices.Add(noticeUnfinishedLine())
		return s.end(b)
	}
	before := s.log.at
	e, ok := s.log.read(line)
	b.Counts.Bytes += int64(len(line.bytes))
	if !ok {
		return nil
	}
	s.count(b, &e)
	return s.add(b, s.event(&e, before))
}

// end is where the last whole line ends.
func (s *session) end(b *producers.Batch) error {
	s.done = true
	if s.log.at.Latest.IsZero() {
		return nil
	}
	return s.add(b, s.channelEvent())
}

// count adds up what a line was understood as, and what was assumed of it.
func (s *session) count(b *producers.Batch, e *entry) {
	b.Counts.Read++
	if e.ambiguous {
		b.Counts.Ambiguous++
	}
	for _, n := range s.archive.assumed {
		b.Notices.Add(n)
	}
	if e.reason != "" {
		b.Counts.Unparsed++
		return
	}
	if e.skipped {
		b.Notices.Add(producers.SkippedHour(1))
	}
	if e.yearless {
		b.Notices.Add(noticeYear())
	}
	if e.mixed {
		b.Notices.Add(noticeMixed())
	}
	if e.printed.isSet() {
		b.Notices.Add(noticeDay())
	}
	if s.unterminated {
		b.Notices.Add(noticeOpenEnd())
	}
}

func (s *session) add(b *producers.Batch, e event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("making an event of %s: %w", s.archive.file.Path, err)
	}
	b.Events = append(b.Events, e)
	return nil
}

func (s *session) event(e *entry, before position) event.Event {
	a := s.archive
	out := event.Event{
		Source: chatline.Source, Namespace: a.namespace, Account: a.account, Channel: a.channel, NativeID: e.id,
		Revision: event.Unedited, Sent: e.sent, Raw: e.raw,
	}
	out.Reading.Charset = e.charset
	if e.reason != "" {
		out.Kind = event.KindUnparsed
		out.Body = &event.Unparsed{
			Reason: e.reason, File: strings.ToValidUTF8(a.file.Path, "\uFFFD"), Line: before.Line + 1, Offset: before.Offset,
		}
		return out
	}
	body := e.parsed.Body()
	if e.skipped {
		detail(body, producers.DetailSkippedHour, "true")
	}
	if !e.other.IsZero() {
		detail(body, "sent_or", e.other.UTC().Format(time.RFC3339))
	}
	if e.printed.isSet() {
		detail(body, "printed_day", e.printed.String())
	}
	out.Reading.DateGuessed = e.guessed
	out.Kind, out.Author, out.Body = event.KindMessage, chatline.Person(e.parsed.Nick), body
	return out
}

func detail(m *event.Message, key, value string) {
	if m.Details == nil {
		m.Details = map[string]string{}
	}
	m.Details[key] = value
}

// channelEvent names the channel: at the start of a file as of no time, at the end as of its latest line. A log that grew
// within one instant has another end, so its length is part of the revision.
func (s *session) channelEvent() event.Event {
	a := s.archive
	e := chatline.ChannelEvent(a.namespace, a.account, a.channel, event.ChannelInfo{Name: a.name})
	if l := s.log.at.Latest; !l.IsZero() {
		e.Sent = l
		e.Revision = event.RevisionAt(producers.Unnamed(l, a.zone)) + event.Revision(fmt.Sprintf(".%020d", s.log.at.Offset))
	}
	return e
}

// Close closes the file.
func (s *session) Close() error {
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
