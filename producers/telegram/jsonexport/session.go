// Package jsonexport reads result.json of Telegram Desktop: one chat, or a whole account.
//
// It promises to hold one message at a time, however large the file, and to resume anywhere between two messages. A record that is broken is kept
// with its bytes, and costs no other. It does not hold the file's structure: what a message needs of those before it is in the cursor or
// is read again.
package jsonexport

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// session is one reading of a file.
type session struct {
	*source
	filekit.Output
	state

	scan  *jsonscan.Scanner
	dec   *decoder
	chars *charset.Decoder
	ahead ahead
	clock export.Clock
	media *export.Folder

	threads threads
	newest  int64 // instant of the file, Unix seconds; 0: not looked for, -1: not known

	whole bool // it began at the start of the file
	seen  struct{ chats, records bool }
}

// At is where the next byte to read is.
func (s *session) At() filekit.Position {
	return filekit.Position{Offset: s.scan.Offset(), Line: s.scan.Line()}
}

// Cursor is where the session resumes.
func (s *session) Cursor() any {
	st := s.state
	st.Offset, st.Line, st.Indent = s.scan.Offset(), s.scan.Line(), s.scan.Indent()
	return st
}

// Step reads the next thing, whatever it is.
func (s *session) Step(ctx context.Context) error {
	if s.Complete {
		return io.EOF
	}
	c, ok := s.scan.Next()
	if !ok {
		return s.ended()
	}
	switch s.Level {
	case atStart:
		return s.begin(c)
	case inRoot, inChat, inSection:
		return s.member(c)
	case inList:
		return s.chatOrEnd(c)
	case inMessages:
		return s.messageOrEnd(ctx, c)
	}
	return s.unparsed(s.scan.Junk(false, misplaced)) // after the end
}

// ended is called where the file has no more bytes.
func (s *session) ended() error {
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	if s.Level == atEnd {
		s.Complete = true
		switch {
		case !s.whole || s.seen.records:
		case s.seen.chats:
			s.Notices.Add(export.NoMessages())
		default:
			s.Notices.Add(export.NoChats())
		}
		return nil
	}
	return s.unparsed(jsonscan.Found{Cut: true, Why: "the file ends before its last bracket: the export was interrupted"})
}

func (s *session) begin(c byte) error {
	if filekit.SkipMark(s.scan.Window) {
		return nil
	}
	if c != '{' {
		return fault.AsFatal(fmt.Errorf("this is no Telegram export: it begins with %q, not with a brace", c))
	}
	s.scan.Skip(1)
	s.Level = inRoot
	return nil
}

// member reads one member of an object: of the root, a section, or a chat.
func (s *session) member(c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
		return nil
	case '}':
		s.scan.Skip(1)
		s.leave()
		return nil
	case '"':
	default:
		return s.unparsed(s.scan.Junk(false, misplaced))
	}
	key := s.scan.Value(false)
	if key.Why != "" {
		return s.unparsed(key)
	}
	name := s.dec.text(key.Raw)
	if c, ok := s.scan.Next(); !ok {
		return s.ended()
	} else if c != ':' {
		return s.unparsed(s.scan.Junk(false, misplaced))
	}
	s.scan.Skip(1)
	c, ok := s.scan.Next()
	if !ok {
		return s.ended()
	}
	return s.valueOf(name, c)
}

func (s *session) valueOf(name string, c byte) error {
	if s.Level == inSection {
		if name == "list" && c == '[' {
			s.scan.Skip(1)
			s.Level = inList
			return nil
		}
		return s.skipValue()
	}
	switch {
	case name == "messages" && c == '[':
		return s.enterMessages()
	case name == "name" || name == "type" || name == "id":
		return s.about(name)
	case s.Level == inRoot && (name == "chats" || name == "left_chats") && c == '{':
		s.scan.Skip(1)
		s.Level = inSection
		return nil
	case s.Level == inRoot && name == "personal_information":
		return s.readOwner()
	}
	return s.skipValue()
}

// skipValue reads a value that nothing is made of.
func (s *session) skipValue() error {
	if f := s.scan.Pass(); f.Cut {
		return s.unparsed(f)
	}
	return nil
}

// about takes what the file says of the chat.
func (s *session) about(name string) error {
	f := s.scan.Value(false)
	if f.Why != "" {
		return s.unparsed(f)
	}
	s.Chat.Set(name, s.dec.plain(s.chars, f.Raw))
	return nil
}

// readOwner reads whose export it is.
func (s *session) readOwner() error {
	f := s.scan.Value(false)
	if f.Why != "" {
		return s.unparsed(f)
	}
	id, err := s.dec.member(f.Raw, "user_id")
	if err == nil && id != "" {
		s.Account = export.UserID(id)
	}
	return nil
}

func (s *session) chatOrEnd(c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
	case '{':
		s.scan.Skip(1)
		s.Level, s.InList, s.Chat = inChat, true, export.Chat{}
	case ']':
		s.scan.Skip(1)
		s.Level, s.InList = inSection, false
	default:
		return s.unparsed(s.scan.Junk(true, misplaced))
	}
	return nil
}

func (s *session) messageOrEnd(ctx context.Context, c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
		return nil
	case ']':
		s.scan.Skip(1)
		s.leaveMessages()
		return nil
	case '{':
		offset, line := s.scan.Offset(), s.scan.Line()
		f := s.scan.Value(true)
		if f.Why != "" {
			return s.unparsedAt(f, offset, line)
		}
		return s.message(ctx, f, offset, line)
	}
	return s.unparsed(s.scan.Junk(true, misplaced))
}

// unparsed keeps what could not be read and ended just here.
func (s *session) unparsed(f jsonscan.Found) error {
	return s.unparsedAt(f, s.scan.Offset()-f.Size, s.scan.Line()-bytes.Count(f.Raw, []byte{'\n'}))
}

// unparsedAt keeps what could not be parsed. Its id is made of its bytes and of the message before it, so that a second export with the same
// damage agrees.
func (s *session) unparsedAt(f jsonscan.Found, offset int64, line int) error {
	s.seen.records = true
	s.Chat.Broken++
	e := s.UnparsedAfter(filekit.DamagedJSON(f, filekit.Position{Offset: offset, Line: line}), string(s.Chat.LastID), s.Chat.Broken)
	e.Source, e.Namespace, e.Account, e.Channel = export.Source, s.namespace(), s.owner().Account(), s.Chat.Channel
	if err := s.Emit(&e); err != nil {
		return err
	}
	if f.Cut {
		if s.Level == inMessages {
			s.leaveMessages()
		}
		s.Complete = true
	}
	return nil
}

// message reads one message.
func (s *session) message(ctx context.Context, f jsonscan.Found, offset int64, line int) error {
	text, key, label := export.Decode(s.chars, f.Raw)
	r, err := s.dec.record(text)
	if err != nil {
		f.Why = err.Error()
		return s.unparsedAt(f, offset, line)
	}
	s.seen.records = true
	s.Counts.Read++
	m := mapping{session: s, r: r, key: r, raw: bytes.Clone(f.Raw), read: event.Reading{Charset: label}}
	if key != nil {
		if k, err := s.dec.record(key); err == nil && k.isLike(r) {
			m.key = k
		}
	}
	return m.emit(ctx)
}

func (s *session) namespace() event.Namespace {
	if n := s.owner().Private(); n != "" && !s.Chat.Shared() {
		return n
	}
	return export.Source
}

func (s *session) owner() export.Owner {
	return export.Owner{Printed: s.Account, Named: s.Options.Account}
}

// asOf is as of when the export shows the reactions of messages that were sent before, in Unix milliseconds.
func (s *session) asOf() int64 {
	if s.newest == 0 {
		if s.newest = newest(s.File, s.InList); s.newest == 0 {
			s.newest = -1 // not asked again
		}
	}
	return s.newest * 1000
}

const (
	// window is how much is read at a time.
	window    = 256 << 10
	misplaced = "this is not where a value ends or begins"
)

func newScanner(r io.Reader, leads func(byte) bool, offset int64, line, indent int) *jsonscan.Scanner {
	return jsonscan.NewScanner(jsonscan.NewWindow(r, window, offset, line, indent), &jsonscan.Policy{
		Longest: filekit.MaxRecord, Sampled: filekit.MaxSample, Next: nextRecord, Match: true, Leads: leads,
	})
}

// nextRecord finds where the next message begins in a file without lines, where nothing else shows it: the exporter and its
// imitators write the id first. Zero if there is none, or if lines show it.
func nextRecord(b []byte, lines bool) int {
	if lines || len(b) < 2 {
		return 0
	}
	return 1 + bytes.Index(b[1:], []byte(`{"id":`))
}

// positionOf is where the next byte to read is.
func positionOf(s *jsonscan.Scanner) export.Position {
	return export.Position{Offset: s.Offset(), Line: s.Line(), Indent: s.Indent()}
}
