// Package reread reads the log again as the source of an import: events whose zone or charset was assumed, read in the zone and the
// charset that a user names now.
//
// It promises to keep every event's id, and to leave out what does not change. The wall time that the input printed is the assumed
// time seen in its assumed zone; the bytes of a text are the text written in the charset in which it was read. Where the bytes are not to be
// had so (the charset has no such byte, or single bytes were replaced), the event is left as it is and counted. The revision of an edit
// is made of its printed time, and stays.
package reread

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// Log is the stream CHAT.
type Log interface {
	// Range calls yield with every message from one sequence to another, both included, in order.
	Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error
}

// Config says what is read again, and how.
type Config struct {
	Log     Log
	Last    uint64         // sequence up to which is read
	Zone    *time.Location // nil: times stay
	Charset string         // empty: texts stay
	// Source, Namespace and Channel narrow what is read; empty: everything.
	Source    event.Source
	Namespace event.Namespace
	Channel   event.Channel
}

// Codes of notices.
const (
	NoticeZone      = "zone-changed"
	NoticeCharset   = "charset-changed"
	NoticeUnchanged = "not-read-again"
)

type source struct {
	Config
	encoding encoding.Encoding
	label    string
}

// New returns the source.
func New(c Config) (producers.Source, error) {
	s := &source{Config: c}
	if c.Zone == nil && c.Charset == "" {
		return nil, errors.New("nothing to read again: name a zone or a charset")
	}
	if c.Charset != "" {
		var err error
		if s.encoding, s.label, err = charset.Lookup(c.Charset); err != nil {
			return nil, err
		}
	}
	return s, nil
}

type cursor struct {
	Next uint64 `json:"next"`
}

// Connect implements producers.Source.
func (s *source) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	out := &session{source: s, next: 1, zones: map[string]*time.Location{}, latest: map[event.Key]time.Time{}}
	if len(from) > 0 {
		var c cursor
		if err := json.Unmarshal(from, &c); err != nil {
			return nil, fault.AsFatal(fmt.Errorf("reading the cursor: %w", err))
		}
		out.next = c.Next
	}
	return out, nil
}

// session is one pass over the log.
type session struct {
	*source
	next   uint64
	zones  map[string]*time.Location // by the name an instant has
	latest map[event.Key]time.Time   // last time read of each chat: decides between the two instants of an ambiguous hour
}

// batchMessages is how many messages of the log make a batch: each may be a bundle of 500 events.
const batchMessages = 20

// Next implements producers.Session.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	b := producers.Batch{}
	for len(b.Events) == 0 {
		if s.next > s.Last {
			if b.Counts.Read == 0 && len(b.Notices) == 0 {
				return producers.Batch{}, io.EOF
			}
			break
		}
		to := min(s.next+batchMessages-1, s.Last)
		err := s.Log.Range(ctx, s.next, to, false, func(d consumers.Delivery) error { return s.message(d, &b) })
		if err != nil {
			return producers.Batch{}, fmt.Errorf("reading the log from sequence %d: %w", s.next, err)
		}
		s.next = to + 1
	}
	cur, err := json.Marshal(cursor{s.next})
	if err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	b.Cursor = cur
	return b, nil
}

// Close implements producers.Session.
func (s *session) Close() error { return nil }

func (s *session) message(d consumers.Delivery, b *producers.Batch) error {
	b.Counts.Bytes += int64(len(d.Data))
	for line := range bytes.SplitSeq(d.Data, []byte(event.LineEnd)) {
		e, err := event.Decode(line)
		if err != nil {
			continue // a dead letter, or of a newer program: neither is read
		}
		if !s.wants(e) {
			continue
		}
		changed, err := s.event(e, b)
		if err != nil {
			return err
		}
		if changed {
			b.Events = append(b.Events, *e)
		}
	}
	return nil
}

func (s *session) wants(e *event.Event) bool {
	return (s.Source == "" || e.Source == s.Source) && (s.Namespace == "" || e.Namespace == s.Namespace) &&
		(s.Channel == "" || e.Channel == s.Channel)
}

// event changes an event, and reports whether there was anything to change.
func (s *session) event(e *event.Event, b *producers.Batch) (changed bool, err error) {
	if s.Zone != nil {
		changed = s.times(e, b)
	}
	if s.label != "" && e.Reading.Charset != "" {
		read, err := s.texts(e, b)
		if err != nil {
			return false, err
		}
		changed = changed || read
	}
	if !changed {
		return false, nil
	}
	b.Counts.Read++
	e.Seen = time.Time{}
	return true, e.Seal()
}

// times moves the assumed times of an event into the zone.
func (s *session) times(e *event.Event, b *producers.Batch) bool {
	key := e.ChannelKey()
	from := s.move(&e.Sent, s.latest[key], b)
	if m, ok := e.Body.(*event.Message); ok {
		from = cmp.Or(from, s.move(&m.Edited, e.Sent.At, b))
		if m.Forward != nil {
			from = cmp.Or(from, s.move(&m.Forward.Sent, time.Time{}, b))
		}
	}
	if e.Sent.Assumed && e.Kind == event.KindMessage {
		s.latest[key] = e.Sent.At
	}
	if from != "" {
		e.Reading.ZoneNamed = 0 // the runner puts in when it was named
		b.Notices.Add(producers.Notice{Code: NoticeZone, Count: 1,
			Text: fmt.Sprintf("times that were read in the zone %s are read in %s", from, s.Zone)})
	}
	return from != ""
}

// move moves a time into the zone, and returns the one in which it was read; empty: it stays.
func (s *session) move(i *event.Instant, after time.Time, b *producers.Batch) (from string) {
	if i.IsZero() || !i.Assumed || i.Zone == "" || i.Zone == s.Zone.String() { // without a zone it is the time of our clock
		return ""
	}
	old, known := s.zones[i.Zone]
	if !known {
		var err error
		if old, err = time.LoadLocation(i.Zone); err != nil {
			old = nil
		}
		s.zones[i.Zone] = old
	}
	if old == nil {
		b.Notices.Add(producers.Notice{Code: NoticeUnchanged, Count: 1,
			Text: fmt.Sprintf("times were read in the zone %q, which is not known by name here, and stay", i.Zone)})
		return ""
	}
	from = i.Zone
	i.At, i.Zone = wall(i.At.In(old), s.Zone, after).UTC(), s.Zone.String()
	return from
}

// wall returns when clocks in a zone show what t's own show. Of an hour that they show twice it is the second pass if the first would
// be before after.
func wall(t time.Time, zone *time.Location, after time.Time) time.Time {
	first, second, _ := producers.WallTime(t, zone)
	if !second.IsZero() && first.Before(after) && !second.Before(after) {
		return second
	}
	return first
}

// texts reads what an event says in the charset.
func (s *session) texts(e *event.Event, b *producers.Batch) (bool, error) {
	was := e.Reading.Charset
	if was == s.label {
		return false, nil
	}
	old, _, err := charset.Lookup(was)
	if was == charset.Damaged || err != nil {
		b.Notices.Add(producers.Notice{Code: NoticeUnchanged, Count: 1, Text: "single bytes of texts were replaced; such texts stay"})
		return false, nil
	}
	t := &transcoding{from: old, to: s.encoding}
	author := event.Person{Namespace: e.Author.Namespace, ID: event.AuthorID(t.text(string(e.Author.ID))), Name: t.text(e.Author.Name), Bot: e.Author.Bot}
	body, err := t.body(e)
	if err != nil {
		return false, err
	}
	if t.lost {
		b.Notices.Add(producers.Notice{Code: NoticeUnchanged, Count: 1, Option: "--charset",
			Text: "texts have bytes that " + was + " does not have and stay; importing their files again with the charset reads them"})
		return false, nil
	}
	e.Author, e.Body = author, body
	e.Reading.Charset, e.Reading.CharsetNamed = s.label, 0
	b.Notices.Add(producers.Notice{Code: NoticeCharset, Count: 1, Text: fmt.Sprintf("texts that were read as %s are read as %s", was, s.label)})
	return true, nil
}

// transcoding reads bytes in another charset than before. lost: some bytes were replaced, and cannot be recovered.
type transcoding struct {
	from, to encoding.Encoding
	lost     bool
}

func (t *transcoding) text(s string) string {
	if charset.IsASCII(s) {
		return s
	}
	b, err := t.from.NewEncoder().Bytes([]byte(s))
	if err != nil || strings.ContainsRune(s, utf8.RuneError) {
		t.lost = true
		return s
	}
	return charset.In(t.to, b)
}

// body reads every string of a body.
func (t *transcoding) body(e *event.Event) (event.Body, error) {
	data, err := event.AppendBody(nil, e.Body)
	if err != nil {
		return nil, fmt.Errorf("encoding the body of event %s: %w", e.ID, err)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading the body of event %s: %w", e.ID, err)
	}
	if data, err = json.Marshal(t.value(v)); err != nil {
		return nil, fmt.Errorf("encoding the body of event %s: %w", e.ID, err)
	}
	return event.DecodeBody(e.Kind, data)
}

func (t *transcoding) value(v any) any {
	switch x := v.(type) {
	case string:
		return t.text(x)
	case []any:
		for i := range x {
			x[i] = t.value(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = t.value(x[k])
		}
	}
	return v
}
