package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// handle turns one line of the server into events, or into the error that ends the session.
func (s *session) handle(in *received) error {
	if in.err != nil {
		s.unparsed(nil, in, in.err.Error())
		return nil
	}
	m := &in.msg
	if b := s.history.batchOf(in); b != nil {
		b.count++
	}
	switch m.Command {
	case "BATCH":
		return s.batch(in)
	case "FAIL":
		return s.fail(in)
	case "NICK":
		s.renamed(in)
		return nil
	case "QUIT":
		s.quit(in)
		return nil
	case "PRIVMSG", "NOTICE", "JOIN", "PART", "KICK", "TOPIC", "MODE":
		if len(m.Params) == 0 {
			return nil
		}
		if r := s.channel(m.Params[0]); r != nil {
			return s.inChannel(r, in)
		}
		return nil
	case "332", "333", "353":
		s.channelInfo(in)
		return nil
	}
	if len(m.Params) > 1 {
		if r := s.channel(m.Params[1]); r != nil {
			if err := joinRefusal(m, r.name); err != nil {
				return err
			}
		}
	}
	return refusal(m)
}

// channel finds a channel, also where a message is for its operators only (@#channel).
func (s *session) channel(target string) *channel {
	if r := s.channels[event.Channel(chatline.Fold(target))]; r != nil {
		return r
	}
	if target != "" && strings.IndexByte("~&@%+!", target[0]) >= 0 {
		return s.channels[event.Channel(chatline.Fold(target[1:]))]
	}
	return nil
}

func (s *session) inChannel(r *channel, in *received) error {
	what, ok := parseMessage(&in.msg)
	if !ok {
		return nil
	}
	past := s.isPast(r, in)
	s.emit(r, in, what)
	switch in.msg.Command {
	case "JOIN":
		return s.joined(r, in, what.Nick, past)
	case "PART":
		return s.left(r, what.Nick, past)
	case "KICK":
		return s.left(r, what.Target, past)
	}
	return nil
}

// parseMessage parses a line of a server that is a message or an activity of a member.
func parseMessage(m *ircmsg.Message) (chatline.Line, bool) {
	nick, text := speaker(m), ""
	if len(m.Params) > 1 {
		text = lastParam(m)
	}
	switch m.Command {
	case "PRIVMSG":
		return privmsg(nick, text), true
	case "NOTICE":
		return chatline.Notice(nick, text), true
	case "TOPIC":
		return chatline.Service(event.ActionTopic, "topic", nick, "", text), true
	case "MODE":
		return chatline.Service(event.ActionMode, "mode", nick, "", strings.Join(m.Params[min(1, len(m.Params)):], " ")), true
	case "JOIN":
		return chatline.Service(event.ActionJoin, "join", nick, "", ""), true
	case "PART":
		return chatline.Service(event.ActionLeave, "part", nick, "", text), true
	case "QUIT":
		return chatline.Service(event.ActionLeave, "quit", nick, "", lastParam(m)), true
	case "NICK":
		return chatline.Renamed(nick, lastParam(m)), lastParam(m) != ""
	case "KICK":
		if len(m.Params) < 2 {
			return chatline.Line{}, false
		}
		if len(m.Params) == 2 {
			text = ""
		}
		return chatline.Service(event.ActionKick, "kick", nick, m.Params[1], text), true
	}
	return chatline.Line{}, false
}

// privmsg is a message, or what a client packed into one: an action, or a question to other clients.
func privmsg(nick, text string) chatline.Line {
	inner, packed := strings.CutPrefix(text, "\x01")
	if !packed {
		return chatline.Message(nick, text)
	}
	inner = strings.TrimSuffix(inner, "\x01")
	if what, ok := strings.CutPrefix(inner, "ACTION"); ok && (what == "" || what[0] == ' ') {
		return chatline.Action(nick, strings.TrimPrefix(what, " "))
	}
	return chatline.Service(event.ActionOther, "ctcp", nick, "", inner)
}

func (s *session) joined(r *channel, in *received, nick string, past bool) error {
	if past {
		return nil
	}
	if !s.isMe(nick) {
		r.members[chatline.Fold(nick)] = nick
		return nil
	}
	r.members = map[string]string{chatline.Fold(nick): nick}
	r.topic = ""
	r.joined, _ = serverTime(in)
	s.seal(chatline.ChannelEvent("", "", r.id, event.ChannelInfo{Name: r.name}))
	return s.history.catchUp(r)
}

// left takes a member off the list. If it is us, the session cannot go on: the runner joins again by connecting again.
func (s *session) left(r *channel, nick string, past bool) error {
	if past {
		return nil
	}
	delete(r.members, chatline.Fold(nick))
	if s.isMe(nick) {
		return fault.AsTransient(fmt.Errorf("we were removed from %s", r.name), rejoinDelay)
	}
	return nil
}

func (s *session) isMe(nick string) bool { return chatline.Fold(nick) == chatline.Fold(s.nick) }

// renamed emits a new nick in every channel that its owner is in.
func (s *session) renamed(in *received) {
	what, ok := parseMessage(&in.msg)
	if !ok {
		return
	}
	s.inEveryChannel(in, what, func(r *channel) {
		delete(r.members, chatline.Fold(what.Nick))
		r.members[chatline.Fold(what.Target)] = what.Target
	})
	if s.isMe(what.Nick) && s.history.batchOf(in) == nil {
		s.nick = what.Target
	}
}

// quit emits a quit in every channel that its owner was in.
func (s *session) quit(in *received) {
	what, _ := parseMessage(&in.msg)
	s.inEveryChannel(in, what, func(r *channel) { delete(r.members, chatline.Fold(what.Nick)) })
}

// inEveryChannel emits a line in every channel that its member is in, or in that of the history that holds it.
func (s *session) inEveryChannel(in *received, what chatline.Line, then func(*channel)) {
	if b := s.history.batchOf(in); b != nil {
		s.emit(b.channel, in, what)
		return
	}
	for _, w := range s.live.channels {
		r := s.channels[w.id]
		if _, there := r.members[chatline.Fold(what.Nick)]; !there {
			continue
		}
		if !s.isPast(r, in) {
			then(r)
		}
		s.emit(r, in, what)
	}
}

// channelInfo takes in what the server says of a channel at joining: its topic (332), since when
// (333), and who is there (353).
func (s *session) channelInfo(in *received) {
	p := in.msg.Params
	if len(p) < 3 {
		return
	}
	if in.msg.Command == "353" {
		if r := s.channel(p[len(p)-2]); r != nil {
			for nick := range strings.FieldsSeq(lastParam(&in.msg)) {
				nick = chatline.BareNick(nick)
				r.members[chatline.Fold(nick)] = nick
			}
		}
		return
	}
	r := s.channel(p[1])
	if r == nil {
		return
	}
	if in.msg.Command == "332" {
		r.topic = chatline.Strip(p[2])
		return
	}
	since, err := strconv.ParseInt(lastParam(&in.msg), 10, 64)
	if err != nil || since <= 0 {
		return
	}
	at := event.NewInstant(time.Unix(since, 0), event.PrecisionSecond)
	e := chatline.ChannelEvent("", "", r.id, event.ChannelInfo{Name: r.name, Topic: r.topic})
	e.Sent, e.Revision = at, event.RevisionAt(at.At)
	s.seal(e)
}
