package slack

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/filekit"
)

// user makes events of one record of users.json. The record is not kept: it is mostly about how to reach the person.
func (s *reader) user(text, raw []byte) (why string, err error) {
	var u user
	if err := decode(text, &u); err != nil {
		return jsonscan.Reason(err), nil
	}
	if u.ID == "" {
		return "the user has no id", nil
	}
	s.Parsed(event.NativeID(u.ID))
	p := s.person(string(u.ID), "")
	at := changed(string(u.Updated))
	key := u
	s.keyed(raw, &key)
	return "", s.emit(event.Event{
		NativeID: event.NativeID(u.ID), Author: p, Kind: event.KindIdentity, Sent: at, Body: &event.Identity{Username: string(u.Name)},
		Revision: stateAt(at, "identity", s.key(string(u.ID)), string(key.Name)),
	})
}

// stateAt names the state of something that has no revisions: the later is the current one.
func stateAt(at event.Instant, content ...string) event.Revision {
	r := event.Unedited
	if !at.IsZero() {
		r = event.RevisionAt(at.At)
	}
	return r + "." + event.Revision(event.Digest(content...))
}

// channelRecord makes events of one record of channels.json and its like: what the channel is called, and who is in it. Since
// when is unknown. A name is taken to be as old as the latest change that the record knows of; if it is younger,
// a message in the channel says so with its own time.
func (s *reader) channelRecord(text, raw []byte) (why string, err error) {
	var c channel
	if err := decode(text, &c); err != nil {
		return jsonscan.Reason(err), nil
	}
	if c.ID == "" {
		return "the channel has no id", nil
	}
	s.Parsed(event.NativeID(c.ID))
	at := latest(changed(string(c.Created)), changed(string(c.Updated)))
	info := &event.ChannelInfo{Name: s.titleOf(&c, s.nameOf), Type: c.kind(s.File.Path)}
	if t := c.Topic.it; t != nil {
		info.Topic = s.read(string(t.Value)).text
		at = latest(at, changed(string(t.Set)))
	}
	if p := c.Purpose.it; p != nil {
		at = latest(at, changed(string(p.Set)))
	}
	title, topic := s.titleOf(&c, s.key), info.Topic
	if s.chars.Label != "" {
		key := c
		s.keyed(raw, &key)
		if title = s.titleOf(&key, s.key); key.Topic.it != nil {
			topic = string(key.Topic.it.Value)
		}
	}
	if len(raw) > filekit.MaxSample {
		raw = nil // it is the list of members, which become events of their own
	}
	id := event.Channel(c.ID)
	if err := s.emit(event.Event{
		Channel: id, NativeID: event.NativeID(id), Kind: event.KindChannel, Sent: at, Body: info, Raw: raw,
		Revision: stateAt(at, title, info.Type, topic),
	}); err != nil {
		return "", err
	}
	return "", s.members(id, c.Members)
}

func (s *reader) members(of event.Channel, ids []string) error {
	seen := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		if _, twice := seen[id]; twice {
			continue
		}
		seen[id] = struct{}{}
		err := s.emit(event.Event{
			Channel: of, NativeID: event.NativeID(id), Author: s.person(id, ""), Kind: event.KindMembership,
			Revision: event.Unedited, Body: &event.Membership{State: event.MemberJoined},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// titleOf is what a channel is called: one between two people has no name but theirs.
func (s *reader) titleOf(c *channel, name func(id string) string) string {
	if c.Name != "" {
		return string(c.Name)
	}
	var people []string
	for _, id := range c.Members {
		people = append(people, orElse(name(id), id))
	}
	return strings.Join(people, ", ")
}

func (w *workspace) nameOf(id string) string { return w.person(id, "").Name }

// kind is the channel's type in words that other networks have too.
func (c *channel) kind(file string) string {
	in := func(list string) bool { return strings.HasSuffix(file, list) }
	switch {
	case c.IsIM == "true" || in("dms.json") || strings.HasPrefix(string(c.ID), "D"):
		return "private"
	case c.IsMPIM == "true" || c.IsGroup == "true" || c.IsPrivate == "true" || in("groups.json") || in("mpims.json"):
		return "group"
	}
	return "channel"
}
