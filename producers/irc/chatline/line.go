// Package chatline holds one line of an IRC channel once it is parsed: what it is, who it is of, what its content key is made of. Logs and
// servers write lines differently; a line that is the same in both has the same key here.
//
// It promises that no control character or formatting code is left in a cleaned line, and that a text cannot be made to give the key of a
// service line. It does not parse: packages logs and live do.
package chatline

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// Source is the source of every event.
const Source event.Source = "irc"

// Line is one parsed line of a channel, from a log or from a server.
type Line struct {
	Type    event.MessageType
	Nick    string // who, as shown; empty if the line does not say
	Text    string
	Action  string // of a service message, as package event names it
	Native  string // the network's own name of it
	Target  string // who it was done to, or the new nick
	Note    string // the reason, the topic, the new name, the modes
	KeyLine *Line  // what the content key is made of, where that is another reading; nil: of this one
}

// Message is a line of text.
func Message(nick, text string) Line { return Line{Type: event.TypeMessage, Nick: nick, Text: text} }

// Action is a line of /me.
func Action(nick, text string) Line { return Line{Type: event.TypeAction, Nick: nick, Text: text} }

// Service is a line about the channel or its members: a join, a topic, a mode.
func Service(act, native, nick, whom, note string) Line {
	return Line{Type: event.TypeService, Action: act, Native: native, Nick: nick, Target: whom, Note: note}
}

// Notice is a service line with a text: it has an author, but is no message of the conversation.
func Notice(nick, text string) Line {
	return Line{Type: event.TypeService, Action: event.ActionNotice, Native: "notice", Nick: nick, Text: text}
}

// Key returns what a content key is made of besides the time. Service lines and actions begin with a control character,
// which no text has, so that nobody's words give the key of a join.
func (l Line) Key() (event.AuthorID, string) {
	author := event.AuthorID(Fold(l.Nick))
	switch l.Type {
	case event.TypeMessage:
		return author, l.Text
	case event.TypeAction:
		return author, "\x01action " + l.Text
	}
	return author, "\x01" + l.Action + "\x01" + l.Native + "\x01" + Fold(l.Target) + "\x01" + l.Note + "\x01" + l.Text
}

// Body is the line as an event has it.
func (l Line) Body() *event.Message {
	m := &event.Message{Type: l.Type, Text: l.Text}
	if l.Type != event.TypeService {
		return m
	}
	m.Service = &event.Service{Action: l.Action, Native: l.Native, Text: l.Note}
	if l.Target != "" {
		m.Service.Members = []event.Person{Person(l.Target)}
	}
	return m
}

// Clean takes formatting and control characters out of everything that people will see.
func (l Line) Clean() Line {
	l.Nick, l.Target = BareNick(Strip(l.Nick)), BareNick(Strip(l.Target)) // a colour may be before the mark of rank
	l.Text, l.Note = Strip(l.Text), Strip(l.Note)
	return l
}

// Person is the identity of a nick; zero without one.
func Person(nick string) event.Person {
	if nick == "" {
		return event.Person{}
	}
	return event.Person{ID: event.AuthorID(Fold(nick)), Name: nick}
}

// Fold makes nicks and channels comparable: ASCII letters only. Servers with the rfc1459 mapping also take []\~ for {}|^,
// but a log does not say which mapping its server had, and joining two people is worse than not joining one.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// BareNick takes away the padding and the marks of rank that clients print before a nick.
func BareNick(s string) string {
	for s != "" {
		switch s[0] {
		case ' ', '@', '+', '%', '~', '&', '!':
			s = s[1:]
			continue
		}
		break
	}
	for s != "" && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// ChannelEvent says what a channel is called. Its native id is the channel itself: there is one such thing in a channel.
func ChannelEvent(n event.Namespace, a event.Account, c event.Channel, info event.ChannelInfo) event.Event {
	return event.Event{
		Source: Source, Namespace: n, Account: a, Channel: c, NativeID: event.NativeID(c),
		Kind: event.KindChannel, Revision: event.Unedited, Body: &info,
	}
}

// Renamed is the line of a new nick.
func Renamed(nick, to string) Line {
	to = BareNick(to)
	return Service(event.ActionRename, "nick", nick, to, to)
}

// IsChannel reports whether a name begins as those of channels do.
func IsChannel(s string) bool { return s != "" && strings.IndexByte("#&!+", s[0]) >= 0 }
