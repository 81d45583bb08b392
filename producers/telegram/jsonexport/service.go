package jsonexport

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// standard is what other networks call an action. What is not here is Telegram's own affair.
func standard(action string) string {
	switch action {
	case "create_group", "create_channel":
		return event.ActionCreate
	case "edit_group_title":
		return event.ActionTitle
	case "invite_members":
		return event.ActionInvite
	case "remove_members":
		return event.ActionKick
	case "join_group_by_link", "join_group_by_request":
		return event.ActionJoin
	case "pin_message":
		return event.ActionPin
	case "phone_call", "conference_call", "group_call", "group_call_scheduled", "invite_to_group_call":
		return event.ActionCall
	case "custom_action":
		return event.ActionNotice
	}
	return event.ActionOther
}

// service notes what a service message reports. Its members are names, and an account that was deleted has none.
func (m *mapping) service(b *event.Message) {
	r := m.r
	s := &event.Service{Action: standard(r.action), Native: r.action, Target: event.NativeID(r.target), Text: r.title}
	if r.newTitle != "" {
		s.Text = r.newTitle
	}
	for _, name := range r.members {
		s.Members = append(s.Members, export.Person("", name, true))
	}
	switch r.action {
	case "remove_members":
		if len(r.members) == 1 && r.members[0] == r.from && r.from != "" { // one who removes himself leaves
			s.Action, s.Members = event.ActionLeave, nil
		}
	case "migrate_to_supergroup":
		if !m.Chat.Shared() {
			m.Notices.Add(export.MigratedGroup())
		}
	case "topic_created":
		m.session.Chat.AddTopic(r.id)
	case "custom_action":
		s.Text, b.Text = r.text, ""
	}
	if t := s.Text; t == "" {
		s.Text = b.Details["text"]
		delete(b.Details, "text")
	}
	b.Type, b.Service = event.TypeService, s
}
