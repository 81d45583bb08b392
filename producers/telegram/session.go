package telegram

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

// session is one reading of a file.
type session struct {
	*archive
	state

	in    io.Closer
	scan  *jsonscan.Scanner
	dec   *decoder
	chars *charset.Decoder
	leads func(byte) bool
	clock clock
	media *folder

	events  []event.Event
	counts  producers.Counts
	notices notices
	threads threads
	newest  int64 // instant of the file, Unix seconds; 0: not looked for, -1: not known

	whole        bool // it began at the start of the file
	met          struct{ chats, records bool }
	otherAccount bool // the user named another account than the file
}

// Next reads on until a batch is full or the file ends.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.file.Path, err)
	}
	s.events, s.counts = make([]event.Event, 0, s.batch+4), producers.Counts{}
	start := s.scan.Offset()
	s.otherAccount = s.Account != "" && s.options.Account != "" && account(string(s.options.Account)) != s.Account
	if err := s.restoreThreads(ctx); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.file.Path, err)
	}
	for len(s.events) < s.batch && !s.Complete {
		if err := s.step(ctx); err != nil {
			return producers.Batch{}, fmt.Errorf("reading %s, line %d: %w", s.file.Path, s.scan.Line(), err)
		}
	}
	s.counts.Bytes = s.scan.Offset() - start
	if len(s.events) == 0 && s.counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	cursor, err := s.cursor()
	if err != nil {
		return producers.Batch{}, err
	}
	return producers.Batch{Events: s.events, Cursor: cursor, Counts: s.counts, Notices: s.notices.take()}, nil
}

// Close closes the file.
func (s *session) Close() error {
	if s.in == nil {
		return nil
	}
	err := s.in.Close()
	s.in = nil
	s.media.close()
	if err != nil {
		return fmt.Errorf("closing %s: %w", s.file.Path, err)
	}
	return nil
}

// step reads the next thing, whatever it is.
func (s *session) step(ctx context.Context) error {
	c, ok := s.scan.Next()
	if !ok {
		return s.ended()
	}
	switch s.Place {
	case atStart:
		return s.begin(c)
	case inRoot, inChat, inSection:
		return s.member(c)
	case inList:
		return s.chatOrEnd(c)
	case inMessages:
		return s.messageOrEnd(ctx, c)
	}
	return s.broken(s.scan.Junk(false, misplaced)) // after the end
}

// ended is called where the file has no more bytes.
func (s *session) ended() error {
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	if s.Place == atEnd {
		s.Complete = true
		switch {
		case !s.whole || s.met.records:
		case s.met.chats:
			s.notices.add(noMessages())
		default:
			s.notices.add(noChats())
		}
		return nil
	}
	return s.broken(jsonscan.Found{Cut: true, Why: "the file ends before its last bracket: the export was interrupted"})
}

func (s *session) begin(c byte) error {
	if mark := byteOrderMark(); s.scan.Offset() == 0 && bytes.HasPrefix(s.scan.Rest(), mark) {
		s.scan.Skip(len(mark))
		return nil
	}
	if c != '{' {
		return fault.AsFatal(fmt.Errorf("this is no Telegram export: it begins with %q, not with a brace", c))
	}
	s.scan.Skip(1)
	s.Place = inRoot
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
		return s.leave()
	case '"':
	default:
		return s.broken(s.scan.Junk(false, misplaced))
	}
	key := s.scan.Value(false)
	if key.Why != "" {
		return s.broken(key)
	}
	name := s.dec.text(key.Raw)
	if c, ok := s.scan.Next(); !ok {
		return s.ended()
	} else if c != ':' {
		return s.broken(s.scan.Junk(false, misplaced))
	}
	s.scan.Skip(1)
	c, ok := s.scan.Next()
	if !ok {
		return s.ended()
	}
	return s.valueOf(name, c)
}

func (s *session) valueOf(name string, c byte) error {
	if s.Place == inSection {
		if name == "list" && c == '[' {
			s.scan.Skip(1)
			s.Place = inList
			return nil
		}
		return s.pass()
	}
	switch {
	case name == "messages" && c == '[':
		return s.enterMessages()
	case name == "name" || name == "type" || name == "id":
		return s.about(name)
	case s.Place == inRoot && (name == "chats" || name == "left_chats") && c == '{':
		s.scan.Skip(1)
		s.Place = inSection
		return nil
	case s.Place == inRoot && name == "personal_information":
		return s.owner()
	}
	return s.pass()
}

// pass reads a value that nothing is made of.
func (s *session) pass() error {
	if f := s.scan.Pass(); f.Cut {
		return s.broken(f)
	}
	return nil
}

// about takes what the file says of the chat.
func (s *session) about(name string) error {
	f := s.scan.Value(false)
	if f.Why != "" {
		return s.broken(f)
	}
	s.Chat.set(name, s.plain(f.Raw))
	return nil
}

func (c *chat) set(name string, value plain) {
	switch name {
	case "name":
		c.Name, c.NameKey, c.Charset = value.text, value.key, value.charset
	case "type":
		c.Type = value.text
	case "id":
		c.Peer = value.text
	}
}

// plain is a plain value of the file. key is set where content keys take another form of it than the text.
type plain struct{ text, key, charset string }

// plain reads a value that stands alone; empty if it is no plain value.
func (s *session) plain(raw []byte) plain {
	text, key, label := decode(s.chars, raw)
	v := plain{text: s.dec.text(text), charset: label}
	if key != nil {
		v.key = s.dec.text(key)
	}
	return v
}

// decode returns raw as UTF-8. key is nil unless content keys are made of another form of it, and label is empty if raw was UTF-8.
func decode(d *charset.Decoder, raw []byte) (text, key []byte, label string) {
	if utf8.Valid(raw) {
		return raw, nil, ""
	}
	s, label := d.Decode(raw)
	if label != charset.Damaged {
		key = []byte(charset.Key(raw))
	}
	return []byte(s), key, label
}

// owner learns whose export it is.
func (s *session) owner() error {
	f := s.scan.Value(false)
	if f.Why != "" {
		return s.broken(f)
	}
	id, err := s.dec.member(f.Raw, "user_id")
	if err == nil && id != "" {
		s.Account = account(id)
		s.otherAccount = s.options.Account != "" && account(string(s.options.Account)) != s.Account
	}
	return nil
}

// leave is called after the bracket that closes an object.
func (s *session) leave() error {
	switch s.Place {
	case inSection:
		s.Place = inRoot
	case inChat:
		s.Place, s.Chat = inList, chat{}
	default:
		s.Place = atEnd
	}
	return nil
}

func (s *session) chatOrEnd(c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
	case '{':
		s.scan.Skip(1)
		s.Place, s.InList, s.Chat = inChat, true, chat{}
	case ']':
		s.scan.Skip(1)
		s.Place, s.InList = inSection, false
	default:
		return s.broken(s.scan.Junk(true, misplaced))
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
			return s.brokenAt(f, offset, line)
		}
		return s.message(ctx, f, offset, line)
	}
	return s.broken(s.scan.Junk(true, misplaced))
}

// broken keeps what could not be read and ended just here.
func (s *session) broken(f jsonscan.Found) error {
	return s.brokenAt(f, s.scan.Offset()-f.Size, s.scan.Line()-bytes.Count(f.Raw, []byte{'\n'}))
}

// brokenAt keeps what could not be read. Its id is made of its bytes and of the message before it, so that a second export
// that is broken in the same place agrees.
func (s *session) brokenAt(f jsonscan.Found, offset int64, line int) error {
	s.met.records = true
	s.counts.Read++
	s.counts.Unparsed++
	s.Chat.Broken++
	reason := f.Why
	if f.Size > int64(len(f.Raw)) && f.Size > longest {
		reason = fmt.Sprintf("%s: %d bytes, of which the first %d are kept", reason, f.Size, len(f.Raw))
	}
	e := event.Event{
		Source: sourceName, Namespace: s.namespace(), Account: s.whose(), Channel: s.Chat.Channel,
		NativeID: event.NativeID(event.Digest("unparsed", string(s.Chat.LastID), strconv.Itoa(s.Chat.Broken), string(f.Raw))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: reason, File: s.file.Path, Line: line, Offset: offset},
		Raw:  bytes.Clone(f.Raw),
	}
	if err := s.emit(e); err != nil {
		return err
	}
	if f.Cut {
		if s.Place == inMessages {
			s.leaveMessages()
		}
		s.Complete = true
	}
	return nil
}

// emit seals an event and puts it into the batch.
func (s *session) emit(e event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	s.events = append(s.events, e)
	return nil
}

// message reads one message.
func (s *session) message(ctx context.Context, f jsonscan.Found, offset int64, line int) error {
	text, key, label := decode(s.chars, f.Raw)
	r, err := s.dec.record(text)
	if err != nil {
		f.Why = err.Error()
		return s.brokenAt(f, offset, line)
	}
	s.met.records = true
	s.counts.Read++
	m := mapping{session: s, r: r, key: r, raw: bytes.Clone(f.Raw), read: event.Reading{Charset: label}}
	if key != nil {
		if k, err := s.dec.record(key); err == nil && k.isLike(r) {
			m.key = k
		}
	}
	return m.emit(ctx)
}

// whose export it is: what the file says counts more than what the user says, since it is in every such file alike.
func (s *session) whose() event.Account {
	if s.Account != "" {
		return s.Account
	}
	return account(string(s.options.Account))
}

// private is the namespace of what is numbered for one account only; empty if nobody said whose export it is.
func (s *session) private() event.Namespace {
	if a := s.whose(); a != "" {
		return event.Namespace(sourceName + ":" + string(a))
	}
	return ""
}

func (s *session) namespace() event.Namespace {
	if n := s.private(); n != "" && !s.Chat.shared() {
		return n
	}
	return sourceName
}
