package irc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// handle turns one line of the server into events, or into the error that ends the session.
func (s *session) handle(in *received) error {
	if in.err != nil {
		s.unparsed(nil, in, in.err.Error())
		return nil
	}
	m := &in.msg
	if b := s.batchOf(in); b != nil {
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
		s.gone(in)
		return nil
	case "PRIVMSG", "NOTICE", "JOIN", "PART", "KICK", "TOPIC", "MODE":
		if len(m.Params) == 0 {
			return nil
		}
		if r := s.room(m.Params[0]); r != nil {
			return s.inRoom(r, in)
		}
		return nil
	case "332", "333", "353":
		s.described(in)
		return nil
	}
	if len(m.Params) > 1 {
		if r := s.room(m.Params[1]); r != nil {
			if err := joinRefusal(m, r.name); err != nil {
				return err
			}
		}
	}
	return refusal(m)
}

// room finds a channel, also where a message is for its operators only (@#channel).
func (s *session) room(target string) *room {
	if r := s.rooms[event.Channel(fold(target))]; r != nil {
		return r
	}
	if target != "" && strings.IndexByte("~&@%+!", target[0]) >= 0 {
		return s.rooms[event.Channel(fold(target[1:]))]
	}
	return nil
}

func (s *session) inRoom(r *room, in *received) error {
	what, ok := saidIn(&in.msg)
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
		return s.left(r, what.Whom, past)
	}
	return nil
}

// saidIn reads a line of a server that something is said or done by.
func saidIn(m *ircmsg.Message) (said, bool) {
	nick, text := speaker(m), ""
	if len(m.Params) > 1 {
		text = lastParam(m)
	}
	switch m.Command {
	case "PRIVMSG":
		return privmsg(nick, text), true
	case "NOTICE":
		return notice(nick, text), true
	case "TOPIC":
		return service(event.ActionTopic, "topic", nick, "", text), true
	case "MODE":
		return service(event.ActionMode, "mode", nick, "", strings.Join(m.Params[min(1, len(m.Params)):], " ")), true
	case "JOIN":
		return service(event.ActionJoin, "join", nick, "", ""), true
	case "PART":
		return service(event.ActionLeave, "part", nick, "", text), true
	case "QUIT":
		return service(event.ActionLeave, "quit", nick, "", lastParam(m)), true
	case "NICK":
		return renamed(nick, lastParam(m)), lastParam(m) != ""
	case "KICK":
		if len(m.Params) < 2 {
			return said{}, false
		}
		if len(m.Params) == 2 {
			text = ""
		}
		return service(event.ActionKick, "kick", nick, m.Params[1], text), true
	}
	return said{}, false
}

// privmsg is a message, or what a client packed into one: an action, or a question to other clients.
func privmsg(nick, text string) said {
	inner, packed := strings.CutPrefix(text, "\x01")
	if !packed {
		return message(nick, text)
	}
	inner = strings.TrimSuffix(inner, "\x01")
	if what, ok := strings.CutPrefix(inner, "ACTION"); ok && (what == "" || what[0] == ' ') {
		return action(nick, strings.TrimPrefix(what, " "))
	}
	return service(event.ActionOther, "ctcp", nick, "", inner)
}

func (s *session) joined(r *room, in *received, nick string, past bool) error {
	if past {
		return nil
	}
	if !s.isMe(nick) {
		r.people[fold(nick)] = nick
		return nil
	}
	r.people = map[string]string{fold(nick): nick}
	r.topic = ""
	r.joined, _ = serverTime(in)
	s.seal(channelEvent("", "", r.id, event.ChannelInfo{Name: r.name}))
	return s.catchUp(r)
}

// left takes somebody off the list. If it is us, the session cannot go on: the runner joins again by connecting again.
func (s *session) left(r *room, nick string, past bool) error {
	if past {
		return nil
	}
	delete(r.people, fold(nick))
	if s.isMe(nick) {
		return fault.AsTransient(fmt.Errorf("we were removed from %s", r.name), rejoinDelay)
	}
	return nil
}

func (s *session) isMe(nick string) bool { return fold(nick) == fold(s.nick) }

// renamed tells of a new nick in every room where its owner is.
func (s *session) renamed(in *received) {
	what, ok := saidIn(&in.msg)
	if !ok {
		return
	}
	s.everywhere(in, what, func(r *room) {
		delete(r.people, fold(what.Nick))
		r.people[fold(what.Whom)] = what.Whom
	})
	if s.isMe(what.Nick) && s.batchOf(in) == nil {
		s.nick = what.Whom
	}
}

// gone tells of a quit in every room where its owner was.
func (s *session) gone(in *received) {
	what, _ := saidIn(&in.msg)
	s.everywhere(in, what, func(r *room) { delete(r.people, fold(what.Nick)) })
}

// everywhere tells something in every room where its doer is, or in that of the history that holds it.
func (s *session) everywhere(in *received, what said, then func(*room)) {
	if b := s.batchOf(in); b != nil {
		s.emit(b.room, in, what)
		return
	}
	for _, w := range s.live.wanted {
		r := s.rooms[w.id]
		if _, there := r.people[fold(what.Nick)]; !there {
			continue
		}
		if !s.isPast(r, in) {
			then(r)
		}
		s.emit(r, in, what)
	}
}

// described takes in what the server says of a channel at joining: its topic (332), since when
// (333), and who is there (353).
func (s *session) described(in *received) {
	p := in.msg.Params
	if len(p) < 3 {
		return
	}
	if in.msg.Command == "353" {
		if r := s.room(p[len(p)-2]); r != nil {
			for nick := range strings.FieldsSeq(lastParam(&in.msg)) {
				nick = bareNick(nick)
				r.people[fold(nick)] = nick
			}
		}
		return
	}
	r := s.room(p[1])
	if r == nil {
		return
	}
	if in.msg.Command == "332" {
		r.topic = strip(p[2])
		return
	}
	since, err := strconv.ParseInt(lastParam(&in.msg), 10, 64)
	if err != nil || since <= 0 {
		return
	}
	at := event.Known(time.Unix(since, 0), event.PrecisionSecond)
	e := channelEvent("", "", r.id, event.ChannelInfo{Name: r.name, Topic: r.topic})
	e.Sent, e.Revision = at, event.RevisionAt(at.At)
	s.seal(e)
}
