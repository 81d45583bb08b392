package jsonexport

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// enterMessages is called before the bracket that opens a chat's messages.
func (s *session) enterMessages() error {
	if s.Chat.Peer == "" {
		if err := s.ahead.chat(&s.Chat, positionOf(s.scan)); err != nil {
			return err
		}
	}
	s.Chat.Channel = s.Chat.ChannelID()
	if s.Chat.Peer == "" && !s.InList && s.Options.Channel != "" {
		s.Chat.Channel = s.Options.Channel
	}
	if !s.Chat.Shared() && s.owner().Private() == "" {
		return export.Nameless(s.File, export.ErrPrivate(s.Chat.Name))
	}
	s.scan.Skip(1)
	s.seen.chats = true
	s.Level, s.threads = inMessages, threads{}
	s.Chat.Start = positionOf(s.scan)
	return s.emitChannel(s.namespace(), event.Instant{})
}

// leaveMessages is called after the last message. What the chat is called is known to be true then.
func (s *session) leaveMessages() {
	s.Level = inRoot
	if s.InList {
		s.Level = inChat
	}
	if s.Chat.Latest.IsZero() {
		return
	}
	s.emitPolls()
	at := event.NewInstant(s.Chat.Latest, event.PrecisionSecond)
	_ = s.emitChannel(s.namespace(), at) // sealed once already, when the chat began
	if s.Chat.Old {
		_ = s.emitChannel(s.owner().Private(), at)
	}
}

// emitChannel says what the chat is called.
func (s *session) emitChannel(n event.Namespace, at event.Instant) error {
	info := event.ChannelInfo{Name: s.Chat.Name, Type: s.Chat.Kind()}
	content := event.Digest(s.Chat.KeyName(), info.Type)
	revision := event.Unedited
	if !at.IsZero() {
		revision = s.Chat.Revision()
	}
	return s.Emit(&event.Event{
		Source: export.Source, Namespace: n, Account: s.owner().Account(), Channel: s.Chat.Channel,
		NativeID: event.NativeID(s.Chat.Channel), Kind: event.KindChannel, Revision: revision + "." + event.Revision(content),
		Sent: at, Reading: event.Reading{Charset: s.Chat.Charset}, Body: &info,
	})
}

// migrated is called for each message of the basic group that the chat was before. Its number is the account's own, and
// negative: the exporter moves it out of the way of the new group's numbers.
func (s *session) migrated() error {
	if s.owner().Private() == "" {
		return export.Nameless(s.File, export.ErrMigrated(s.Chat.Name))
	}
	if s.Chat.Old {
		return nil
	}
	s.Chat.Old = true
	return s.emitChannel(s.owner().Private(), event.Instant{})
}
