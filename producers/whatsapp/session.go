package whatsapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// session is one reading of an export.
type session struct {
	filekit.Output
	archive  *archive
	survey   survey
	decoder  *decoder
	log      *log
	begun    bool // the channel has been named
	done     bool
	sidecars *filekit.Sidecars

	observed event.Instant // as of which results of polls are emitted; zero before the first poll
}

// batchBytes bounds a batch of very long messages: with their escapes they must fit into a few messages of the bus.
const batchBytes = 1 << 20

func (s *session) resume(ctx context.Context, in io.Reader, cur cursor) error {
	if s.done {
		return nil
	}
	s.log = newLog(in, newReader(s.archive.phrases, s.survey, header.Clean(s.archive.chat)), s.archive.zone, s.decoder, cur)
	at := &s.log.records.at
	if err := filekit.SkipTo(s.archive.File, in, at.Offset); err != nil {
		return err
	}
	err := filekit.Replay(ctx, s.archive.File, cur.Next.Offset, func() int64 { return at.Offset }, func() error {
		_, err := s.log.next()
		return err
	})
	*at = cur.Next
	s.log.records.others, s.log.records.stranges = 0, 0
	return err
}

// reading reports with each batch the lines of its texts that look like headers.
type reading struct {
	*filekit.Session
	session *session
}

// Next reads the next messages.
func (r reading) Next(ctx context.Context) (producers.Batch, error) {
	b, err := r.Session.Next(ctx)
	if err == nil {
		r.session.addHeaderNotices(&b)
	}
	return b, err
}

// At is where the next message begins.
func (s *session) At() filekit.Position {
	if s.log == nil { // the end was reached before
		return filekit.Start()
	}
	at := s.log.records.at
	return filekit.Position{Offset: at.Offset, Line: at.Line + 1}
}

// Cursor is where the session resumes.
func (s *session) Cursor() any {
	return cursor{
		Version: cursorVersion, Survey: s.survey, Next: s.log.records.at, Tally: s.log.days.Anchor,
		Years: s.log.days.yearAnchor, Done: s.done, Observed: s.observed,
	}
}

// Step reads the next message.
func (s *session) Step(ctx context.Context) error {
	if s.done {
		return io.EOF
	}
	if !s.begun {
		s.begun = true
		s.addOpeningNotices()
		if err := s.emitChannel(); err != nil {
			return err
		}
	}
	e, err := s.log.next()
	if errors.Is(err, io.EOF) {
		return s.end()
	}
	if err != nil {
		return err
	}
	s.Counts.Read++
	if e.ambiguous {
		s.Counts.Ambiguous++
	}
	if e.reason != "" {
		return s.emitUnparsed(&e)
	}
	if err := s.locate(ctx, e.parsed.body.Attachments); err != nil {
		return err
	}
	message := s.message(e)
	s.addNotices(&e)
	if e.parsed.body.Poll == nil {
		return s.Emit(&message)
	}
	results, err := s.pollResults(ctx, &message)
	if err != nil {
		return err
	}
	if err := s.Emit(&message); err != nil {
		return err
	}
	return s.Emit(&results)
}

// end is called where the file has no more messages.
func (s *session) end() error {
	s.done = true
	s.addEndingNotices()
	if !s.log.records.at.Latest.IsZero() {
		if err := s.emitChannel(); err != nil {
			return err
		}
	}
	return io.EOF
}

func (s *session) event(k event.Kind, id event.NativeID, body event.Body) event.Event {
	a := s.archive
	return event.Event{
		Source: sourceName, Namespace: a.namespace, Account: a.Options.Account, Channel: a.channel(), NativeID: id,
		Kind: k, Revision: event.Unedited, Body: body,
	}
}

func (s *session) message(e entry) event.Event {
	if key, value := e.time.Detail(); key != "" {
		e.parsed.detail(key, value)
	}
	body := e.parsed.body
	out := s.event(event.KindMessage, e.id, &body)
	out.Author, out.Sent, out.Raw = speaker(e.parsed.author), e.time.Instant, bytes.Clone(e.raw)
	if e.parsed.message != "" { // only WhatsApp itself calls anybody You: a contact may have a short name
		out.Author = s.log.reader.person(e.parsed.author)
	}
	out.Reading = event.Reading{DateGuessed: e.open, Charset: e.charset}
	return out
}

// emitUnparsed keeps a record that is no message.
func (s *session) emitUnparsed(e *entry) error {
	s.Counts.Unparsed++
	if e.reason == unreadableDate {
		s.Notices.Add(producers.Notice{
			Code: noticeDate, Count: 1,
			Text: "messages have dates of no calendar that is read, and are kept as unparsed; export the chat with the phone set to another calendar",
		})
	}
	out := s.event(event.KindUnparsed, e.id, &event.Unparsed{Reason: e.reason, File: s.Path, Line: e.at.Line + 1, Offset: e.at.Offset})
	out.Raw = bytes.Clone(e.raw)
	return s.Emit(&out)
}

// emitChannel names the chat: at the start of a file as of no time, at the end as of its latest message. An export that
// grew within one instant has another end, so its length is part of the revision.
func (s *session) emitChannel() error {
	e := s.event(event.KindChannel, event.NativeID(s.archive.channel()), &event.ChannelInfo{Name: s.archive.chat})
	if at := s.log.records.at; !at.Latest.IsZero() {
		e.Sent = at.Latest
		e.Revision = event.RevisionAt(producers.Unnamed(at.Latest, s.archive.zone)) + event.Revision(fmt.Sprintf(".%020d", at.Offset))
	}
	return s.Emit(&e)
}
