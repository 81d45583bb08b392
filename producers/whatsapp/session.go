package whatsapp

import (
	"bytes"
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
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// session is one reading of an export.
type session struct {
	archive *archive
	closer  io.Closer
	survey  survey
	decoder *decoder
	log     *log
	begun   bool // the channel has been named
	done    bool

	observed event.Instant // as of which results of polls are emitted; zero before the first poll
}

func (s *session) resume(ctx context.Context, r io.Reader, cur cursor) error {
	if s.done {
		return nil
	}
	s.log = newLog(r, newReader(s.archive.phrases, s.survey, header.Clean(s.archive.chat)), s.archive.zone, s.decoder, cur)
	at := &s.log.records.at
	if err := producers.Skip(r, at.Offset); err != nil {
		return s.cursorError(err)
	}
	for n := 0; at.Offset < cur.Next.Offset; n++ {
		if n%linesPerCheck == 0 && ctx.Err() != nil {
			return fmt.Errorf("going on in %s: %w", s.archive.file.Path, ctx.Err())
		}
		if _, err := s.log.next(); err != nil {
			return s.cursorError(err)
		}
	}
	if at.Offset != cur.Next.Offset {
		return s.cursorError(fmt.Errorf("no message begins at byte %d: %w", cur.Next.Offset, errOtherFile))
	}
	*at = cur.Next
	s.log.records.others, s.log.records.stranges = 0, 0
	return nil
}

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
	// batchBytes bounds a batch of very long messages: with their escapes they must fit into a few messages of the bus.
	batchBytes = 1 << 20
)

// Next reads the next messages.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.archive.file.Path, err)
	}
	if s.done {
		return producers.Batch{}, io.EOF
	}
	b := producers.Batch{Events: make([]event.Event, 0, batchEvents+2)}
	if !s.begun {
		s.begun = true
		s.addOpeningNotices(&b)
		if err := s.add(&b, s.channelEvent()); err != nil {
			return producers.Batch{}, err
		}
	}
	for len(b.Events) < batchEvents && b.Counts.Bytes < batchBytes && !s.done {
		if err := s.record(ctx, &b); err != nil {
			return producers.Batch{}, err
		}
	}
	s.addHeaderNotices(&b)
	cur, err := s.cursor()
	if err != nil {
		return producers.Batch{}, err
	}
	b.Cursor = cur
	return b, nil
}

func (s *session) cursor() (producers.Cursor, error) {
	cur, err := json.Marshal(cursor{
		Version: cursorVersion, Survey: s.survey, Next: s.log.records.at, Tally: s.log.days.anchor,
		Years: s.log.days.yearAnchor, Done: s.done, Observed: s.observed,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the cursor of %s: %w", s.archive.file.Path, err)
	}
	return cur, nil
}

func (s *session) record(ctx context.Context, b *producers.Batch) error {
	e, err := s.log.next()
	if errors.Is(err, io.EOF) {
		s.done = true
		s.addEndingNotices(b)
		if s.log.records.at.Latest.IsZero() {
			return nil
		}
		return s.add(b, s.channelEvent())
	}
	if err != nil {
		return fmt.Errorf("reading %s at byte %d: %w", s.archive.file.Path, s.log.records.at.Offset, err)
	}
	b.Counts.Read++
	b.Counts.Bytes += e.size
	if e.ambiguous {
		b.Counts.Ambiguous++
	}
	if e.reason != "" {
		b.Counts.Unparsed++
		if e.reason == unreadableDate {
			b.Notices.Add(producers.Notice{
				Code: noticeDate, Count: 1,
				Text: "messages have dates of no calendar that is read, and are kept as unparsed; export the chat with the phone set to another calendar",
			})
		}
		return s.add(b, s.unparsed(e))
	}
	if err := s.archive.locate(ctx, e.parsed.body.Attachments); err != nil {
		return err
	}
	message := s.message(e)
	s.addNotices(b, &e)
	if e.parsed.body.Poll == nil {
		return s.add(b, message)
	}
	results, err := s.pollResults(ctx, &message)
	if err != nil {
		return err
	}
	if err := s.add(b, message); err != nil {
		return err
	}
	return s.add(b, results)
}

func (s *session) add(b *producers.Batch, e event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("making an event of %s: %w", s.archive.file.Path, err)
	}
	b.Events = append(b.Events, e)
	return nil
}

func (s *session) event(k event.Kind, id event.NativeID, body event.Body) event.Event {
	a := s.archive
	return event.Event{
		Source: sourceName, Namespace: a.namespace, Account: a.account, Channel: a.channel(), NativeID: id,
		Kind: k, Revision: event.Unedited, Body: body,
	}
}

func (s *session) message(e entry) event.Event {
	body := e.parsed.body
	out := s.event(event.KindMessage, e.id, &body)
	out.Author, out.Sent, out.Raw = speaker(e.parsed.author), e.sent, bytes.Clone(e.raw)
	if e.parsed.message != "" { // only WhatsApp itself calls anybody You: a contact may have a short name
		out.Author = s.log.reader.person(e.parsed.author)
	}
	out.Reading = event.Reading{DateGuessed: e.open, Charset: e.charset}
	if e.skipped || !e.other.IsZero() {
		e.parsed.body.Details = body.Details
		if e.skipped {
			e.parsed.detail(producers.DetailSkippedHour, "true")
		} else {
			e.parsed.detail("sent_or", e.other.UTC().Format(time.RFC3339))
		}
		body.Details = e.parsed.body.Details
	}
	return out
}

func (s *session) unparsed(e entry) event.Event {
	out := s.event(event.KindUnparsed, e.id, &event.Unparsed{
		Reason: e.reason, File: strings.ToValidUTF8(s.archive.file.Path, "\uFFFD"), Line: e.at.Line + 1, Offset: e.at.Offset,
	})
	out.Raw = bytes.Clone(e.raw)
	return out
}

// channelEvent names the chat: at the start of a file as of no time, at the end as of its latest message. An export that
// grew within one instant has another end, so its length is part of the revision.
func (s *session) channelEvent() event.Event {
	e := s.event(event.KindChannel, event.NativeID(s.archive.channel()), &event.ChannelInfo{Name: s.archive.chat})
	if at := s.log.records.at; !at.Latest.IsZero() {
		e.Sent = at.Latest
		e.Revision = event.RevisionAt(producers.Unnamed(at.Latest, s.archive.zone)) + event.Revision(fmt.Sprintf(".%020d", at.Offset))
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
