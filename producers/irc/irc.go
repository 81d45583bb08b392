// Package irc reads IRC: live over IRCv3, and the logs that clients, bouncers and bots leave behind.
//
// It promises that a message has the same id however often it comes: by msgid where the server gives one, else by a content
// key of the time, the nick and the text. The time is the server's to the millisecond where it tells one, else the minute, as
// in logs. Histories and bouncers may tell a line again without its msgid, or with its time cut to the second: of the latest lines of a channel,
// which the cursor holds, such a line keeps its id; of older ones it may stand twice, which is a notice. A line that came just before a crash,
// after which the cursor was not saved, may stand twice without one. Lines that cannot be understood are kept as unparsed events. It does not
// join a channel's live messages with its logs where the server gives msgids or times: those are other schemes of ids. It does not record private
// conversations, and it never says anything in a channel.
package irc

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

const sourceName event.Source = "irc"

// Definition describes the source.
func Definition() producers.Definition {
	seen := &seenLogs{}
	return producers.Definition{
		Name:  sourceName,
		Title: "IRC",
		Doc: "Live channels over IRCv3 (SASL, server-time, msgid, chathistory; servers without them work too), and logs of " +
			"irssi, WeeChat, ZNC, HexChat, Konversation, Pidgin, energymech, eggdrop, mIRC and the Ubuntu and Raku archives. Logs have no ids: equal lines of one " +
			"person in one minute that an export cuts in two cannot be told apart. Private messages are not recorded.",
		Sample:     sample,
		Can:        producers.Abilities{Live: true, Archive: true, Backfill: true},
		Recognise:  seen.recognise,
		Archive:    seen.archive,
		Unreadable: unreadable,
		Live:       newLive,
	}
}

// said is one line of a channel, whoever told it: a log or a server.
type said struct {
	Type   event.MessageType
	Nick   string // who, as shown; empty if the line does not say
	Text   string
	Action string // of a service message, as package event names it
	Native string // the network's own name of it
	Whom   string // to whom it was done, or the new nick
	Note   string // the reason, the topic, the new name, the modes
	as     *said  // what the content key is made of, where that is another reading; nil: of this one
}

func message(nick, text string) said { return said{Type: event.TypeMessage, Nick: nick, Text: text} }
func action(nick, text string) said  { return said{Type: event.TypeAction, Nick: nick, Text: text} }

func service(act, native, nick, whom, note string) said {
	return said{Type: event.TypeService, Action: act, Native: native, Nick: nick, Whom: whom, Note: note}
}

// notice is a service message with a text: it is said by someone, but not as a turn of the talk.
func notice(nick, text string) said {
	return said{Type: event.TypeService, Action: event.ActionNotice, Native: "notice", Nick: nick, Text: text}
}

// key returns what a content key is made of besides the time. Service lines and actions begin with a control character,
// which no text has, so that nobody's words give the key of a join.
func (s said) key() (event.AuthorID, string) {
	author := event.AuthorID(fold(s.Nick))
	switch s.Type {
	case event.TypeMessage:
		return author, s.Text
	case event.TypeAction:
		return author, "\x01action " + s.Text
	}
	return author, "\x01" + s.Action + "\x01" + s.Native + "\x01" + fold(s.Whom) + "\x01" + s.Note + "\x01" + s.Text
}

func (s said) body() *event.Message {
	m := &event.Message{Type: s.Type, Text: s.Text}
	if s.Type != event.TypeService {
		return m
	}
	m.Service = &event.Service{Action: s.Action, Native: s.Native, Text: s.Note}
	if s.Whom != "" {
		m.Service.Members = []event.Person{person(s.Whom)}
	}
	return m
}

// clean takes formatting and control characters out of everything that people will see.
func (s said) clean() said {
	s.Nick, s.Whom = bareNick(strip(s.Nick)), bareNick(strip(s.Whom)) // a colour may stand before the mark of rank
	s.Text, s.Note = strip(s.Text), strip(s.Note)
	return s
}

func person(nick string) event.Person {
	if nick == "" {
		return event.Person{}
	}
	return event.Person{ID: event.AuthorID(fold(nick)), Name: nick}
}

// fold makes nicks and channels comparable: ASCII letters only. Servers with the rfc1459 mapping also take []\~ for {}|^,
// but a log does not say which mapping its server had, and joining two people is worse than not joining one.
func fold(s string) string {
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

// bareNick takes away the padding and the marks of rank that clients print before a nick.
func bareNick(s string) string {
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

// channelEvent says what a channel is called. Its native id is the channel itself: there is one such thing in a channel.
func channelEvent(n event.Namespace, a event.Account, c event.Channel, info event.ChannelInfo) event.Event {
	return event.Event{
		Source: sourceName, Namespace: n, Account: a, Channel: c, NativeID: event.NativeID(c),
		Kind: event.KindChannel, Revision: event.Unedited, Body: &info,
	}
}
