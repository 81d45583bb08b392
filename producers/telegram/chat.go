package telegram

import (
	"errors"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

// errNameless says that ids cannot be made, because they would be of nobody's chat.
var errNameless = errors.New("name the account that exported it with --account")

// enterMessages is called before the bracket that opens a chat's messages.
func (s *session) enterMessages() error {
	if s.Chat.Peer == "" {
		if err := s.lookAhead(); err != nil {
			return err
		}
	}
	s.Chat.Channel = s.Chat.channelID()
	if s.Chat.Peer == "" && !s.InList && s.options.Channel != "" {
		s.Chat.Channel = s.options.Channel
	}
	if !s.Chat.shared() && s.private() == "" {
		return nameless(s.file, errPrivate(s.Chat.Name))
	}
	s.scan.Skip(1)
	s.met.chats = true
	s.Place, s.threads = inMessages, threads{}
	s.Chat.Start = position{Offset: s.scan.Offset(), Line: s.scan.Line(), Indent: s.scan.Indent()}
	return s.announce(s.namespace(), event.Instant{})
}

// leaveMessages is called after the last message. What the chat is called is known to be true then.
func (s *session) leaveMessages() {
	s.Place = inRoot
	if s.InList {
		s.Place = inChat
	}
	if s.Chat.Latest.IsZero() {
		return
	}
	s.emitPolls()
	at := event.Known(s.Chat.Latest, event.PrecisionSecond)
	_ = s.announce(s.namespace(), at) // sealed once already, when the chat began
	if s.Chat.Old {
		_ = s.announce(s.private(), at)
	}
}

// revision is of what is said at the end of the chat, whichever zone a user names.
func (c *chat) revision() event.Revision {
	return event.RevisionAt(changedAt(c.Latest, c.Unnamed))
}

// announce says what the chat is called.
func (s *session) announce(n event.Namespace, at event.Instant) error {
	info := event.ChannelInfo{Name: s.Chat.Name, Type: s.Chat.kind()}
	content := event.Digest(s.Chat.nameKey(), info.Type)
	revision := event.Unedited
	if !at.IsZero() {
		revision = s.Chat.revision()
	}
	return s.emit(event.Event{
		Source: sourceName, Namespace: n, Account: s.whose(), Channel: s.Chat.Channel,
		NativeID: event.NativeID(s.Chat.Channel), Kind: event.KindChannel, Revision: revision + "." + event.Revision(content),
		Sent: at, Reading: event.Reading{Charset: s.Chat.Charset}, Body: &info,
	})
}

// migrated is called for each message of the basic group that the chat was before. Its number is the account's own, and
// negative: the exporter moves it out of the way of the new group's numbers.
func (s *session) migrated() error {
	if s.private() == "" {
		return nameless(s.file, errMigrated(s.Chat.Name))
	}
	if s.Chat.Old {
		return nil
	}
	s.Chat.Old = true
	return s.announce(s.private(), event.Instant{})
}

// lookAhead finds out which chat the messages are of, where a writer says so only after them.
func (s *session) lookAhead() (err error) {
	r, err := producers.OpenAt(s.file, s.scan.Offset())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ahead := newScanner(r, s.leads, s.scan.Offset(), s.scan.Line(), s.scan.Indent())
	if f := ahead.Pass(); f.Why != "" {
		return ahead.Err()
	}
	for {
		c, ok := ahead.Next()
		if !ok || c == '}' {
			return ahead.Err()
		}
		if c == ',' {
			ahead.Skip(1)
			continue
		}
		name, value := s.memberAhead(ahead)
		if name == "" {
			return ahead.Err()
		}
		s.Chat.set(name, value)
	}
}

// memberAhead reads a member of which only short values matter; no name if there is none.
func (s *session) memberAhead(ahead *jsonscan.Scanner) (name string, value plain) {
	key := ahead.Value(false)
	if key.Why != "" {
		return "", plain{}
	}
	name = s.dec.text(key.Raw)
	if c, ok := ahead.Next(); !ok || c != ':' {
		return "", plain{}
	}
	ahead.Skip(1)
	switch c, ok := ahead.Next(); {
	case !ok:
		return "", plain{}
	case c == '[' || c == '{':
		ahead.Pass()
		return name, plain{}
	}
	return name, s.plain(ahead.Value(false).Raw)
}
