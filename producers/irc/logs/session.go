// Package logs reads the logs that IRC clients, bouncers and bots leave behind.
//
// It promises that overlapping logs of a channel give the same ids, made of the printed minute, the nick and the text, whatever zone or charset
// is named, and that a line that no form fits is kept as an unparsed event. It does not know what a log does not print: ids, often the date,
// the zone, the network. What it takes from the path instead is reported as a notice.
package logs

import (
	"context"
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
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// archive is one log file and how to read it.
type archive struct {
	filekit.Archive
	namespace event.Namespace
	channel   event.Channel
	name      string // of the channel, as shown
	start     position
	zone      *time.Location
	charset   *charset.Decoder
	forms     *conventions
	assumed   []producers.Notice // of every line: what the path was taken to mean
	now       func() time.Time
}

// Archive makes a source of a log. The path names the channel and the network where the user does not.
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
		Archive:   filekit.Archive{File: f, Options: o, BatchSize: filekit.BatchSize},
		namespace: o.Namespace, name: p.channel, channel: event.Channel(chatline.Fold(p.channel)),
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

// cursor is where to resume. It does not hold the tally, which may have an entry for every line of two days: the lines from Tally on, where
// the older of those days began, are counted again.
type cursor struct {
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
		return nil, err
	}
	in, err := a.File.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", a.File.Path, err)
	}
	s := &session{Output: a.NewOutput(), archive: a, begun: cur.Version > 0, done: cur.Done, growing: a.growing(in)}
	s.MaxBytes = batchBytes
	if err := s.resume(ctx, in, cur); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return filekit.NewSession(a.File, in, &s.Output, s), nil
}

// growing reports whether a program may be writing to the file, so that a last line without an end waits for its rest. A log that was not written
// to for a while ends like that, and so does what comes out of a zip.
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

// restedFor is how long a log that counts as finished was not written to.
const restedFor = time.Hour

// cursor decodes a cursor. Version is 0 for the start. A file that has grown since its end was reached is read on from there, or,
// if its last line was read without its end, from its start: all ids come out as before.
func (a *archive) cursor(from producers.Cursor) (cursor, error) {
	start := cursor{Next: a.start, Tally: a.start}
	if len(from) == 0 {
		return start, nil
	}
	cur, err := filekit.DecodeCursor(a.File, from, cursor{}, func(cursor) bool { return true })
	if err != nil {
		return cur, err
	}
	if cur.Version != cursorVersion {
		return cur, fault.AsFatal(fmt.Errorf(
			"reading the cursor of %s: it has version %d, this program reads %d", a.File.Path, cur.Version, cursorVersion))
	}
	if cur.Done && a.File.Size > cur.Next.Offset {
		if cur.Cut {
			return start, nil
		}
		cur.Done = false
	}
	return cur, nil
}

// session is one pass over a file.
type session struct {
	filekit.Output
	archive      *archive
	lines        *lines
	log          log
	begun        bool // the channel has been named
	growing      bool // a program may be writing to the file
	unterminated bool // the last line read has no end
	done         bool
}

func (s *session) resume(ctx context.Context, in io.Reader, cur cursor) error {
	f := s.archive.File
	if s.done {
		s.log.at = cur.Next
		return nil
	}
	if err := filekit.SkipTo(f, in, cur.Tally.Offset); err != nil {
		return err
	}
	s.lines = newLines(in)
	s.log = newLog(s.archive.zone, s.archive.charset, cur.Tally)
	s.log.forms = s.archive.forms
	err := filekit.Replay(ctx, f, cur.Next.Offset, func() int64 { return s.log.at.Offset }, func() error {
		line, err := s.lines.next()
		if err == nil {
			s.log.read(line)
		}
		return err
	})
	s.log.at = cur.Next
	return err
}

// batchBytes bounds a batch of very long lines: with their escapes they must fit into a few messages of the bus.
const batchBytes = 1 << 20

// At is where the next line begins.
func (s *session) At() filekit.Position {
	return filekit.Position{Offset: s.log.at.Offset, Line: s.log.at.Line + 1}
}

// Cursor is where the session resumes.
func (s *session) Cursor() any {
	return cursor{Version: cursorVersion, Next: s.log.at, Tally: s.log.days.Anchor, Done: s.done, Cut: s.unterminated}
}

// Step reads the next line.
func (s *session) Step(context.Context) error {
	if s.done {
		return io.EOF
	}
	if !s.begun {
		s.begun = true
		if err := s.emitChannel(); err != nil {
			return err
		}
	}
	line, err := s.lines.next()
	if errors.Is(err, io.EOF) {
		return s.end()
	}
	if err != nil {
		return err
	}
	s.unterminated = line.whole && line.bytes[len(line.bytes)-1] != '\n'
	if s.unterminated && s.growing && !s.log.at.Long {
		s.unterminated = false
		s.Notices.Add(noticeUnfinishedLine())
		return s.end()
	}
	before := s.log.at
	e, ok := s.log.read(line)
	if !ok {
		return nil
	}
	s.count(&e)
	out := s.event(&e, before)
	return s.Emit(&out)
}

// end is where the last whole line ends.
func (s *session) end() error {
	s.done = true
	if !s.log.at.Latest.IsZero() {
		if err := s.emitChannel(); err != nil {
			return err
		}
	}
	return io.EOF
}

// count adds up what a line was parsed as, and what was assumed of it.
func (s *session) count(e *entry) {
	s.Counts.Read++
	if e.ambiguous {
		s.Counts.Ambiguous++
	}
	for _, n := range s.archive.assumed {
		s.Notices.Add(n)
	}
	if e.reason != "" {
		s.Counts.Unparsed++
		return
	}
	if e.time.Skipped {
		s.Notices.Add(producers.SkippedHour(1))
	}
	if e.yearless {
		s.Notices.Add(noticeYear())
	}
	if e.mixed {
		s.Notices.Add(noticeMixed())
	}
	if e.printed.isSet() {
		s.Notices.Add(noticeDay())
	}
	if s.unterminated {
		s.Notices.Add(noticeOpenEnd())
	}
}

func (s *session) event(e *entry, before position) event.Event {
	a := s.archive
	out := event.Event{
		Source: chatline.Source, Namespace: a.namespace, Account: a.Options.Account, Channel: a.channel, NativeID: e.id,
		Revision: event.Unedited, Sent: e.time.Instant, Raw: e.raw,
	}
	out.Reading.Charset = e.charset
	if e.reason != "" {
		out.Kind = event.KindUnparsed
		out.Body = &event.Unparsed{Reason: e.reason, File: s.Path, Line: before.Line + 1, Offset: before.Offset}
		return out
	}
	body := e.parsed.Body()
	if key, value := e.time.Detail(); key != "" {
		addDetail(body, key, value)
	}
	if e.printed.isSet() {
		addDetail(body, "printed_day", e.printed.String())
	}
	out.Reading.DateGuessed = e.guessed
	out.Kind, out.Author, out.Body = event.KindMessage, chatline.Person(e.parsed.Nick), body
	return out
}

func addDetail(m *event.Message, key, value string) {
	if m.Details == nil {
		m.Details = map[string]string{}
	}
	m.Details[key] = value
}

// emitChannel names the channel: at the start of a file as of no time, at the end as of its latest line. A log that grew
// within one instant has another end, so its length is part of the revision.
func (s *session) emitChannel() error {
	a := s.archive
	e := chatline.ChannelEvent(a.namespace, a.Options.Account, a.channel, event.ChannelInfo{Name: a.name})
	if l := s.log.at.Latest; !l.IsZero() {
		e.Sent = l
		e.Revision = event.RevisionAt(producers.Unnamed(l, a.zone)) + event.Revision(fmt.Sprintf(".%020d", s.log.at.Offset))
	}
	return s.Emit(&e)
}
