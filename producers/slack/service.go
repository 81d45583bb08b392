package slack

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// spoken reports whether a subtype is of messages that somebody wrote; the others are Slack's own reports.
func spoken(subtype plain) bool {
	switch subtype {
	case "", "bot_message", "me_message", "file_share", "file_comment", "file_mention", "thread_broadcast", "reply_broadcast",
		"slackbot_response", "assistant_app_thread", "document_mention":
		return true
	}
	return false
}

// standard is what other networks call it. What is not here is Slack's own affair.
func standard(subtype plain) string {
	switch name := strings.TrimPrefix(strings.TrimPrefix(string(subtype), "channel_"), "group_"); {
	case subtype == "pinned_item":
		return event.ActionPin
	case subtype == "huddle_thread" || strings.HasPrefix(name, "sh_room"):
		return event.ActionCall
	case name == string(subtype): // of neither a channel nor a group
		return event.ActionOther
	case name == "join":
		return event.ActionJoin
	case name == "leave":
		return event.ActionLeave
	case name == "topic":
		return event.ActionTopic
	case name == "name":
		return event.ActionTitle
	case name == "posting_permissions":
		return event.ActionMode
	}
	return event.ActionOther
}

// service notes what is special about a message of a subtype.
func (s *reader) service(r *record, b *event.Message) {
	switch {
	case r.Subtype == "me_message":
		b.Type = event.TypeAction
		return
	case r.Subtype == "thread_broadcast" || r.Subtype == "reply_broadcast":
		b.Details["broadcast"] = "true" // a reply that the channel was shown too
		return
	case spoken(r.Subtype):
		return
	}
	v := &event.Service{Action: standard(r.Subtype), Native: string(r.Subtype)}
	switch {
	case v.Action == event.ActionTopic:
		v.Text = s.read(string(r.Topic)).text
	case v.Action == event.ActionTitle:
		v.Text = string(r.Name)
	case v.Action == event.ActionPin:
		v.Target = pinned(r)
	case strings.HasSuffix(string(r.Subtype), "_purpose"):
		v.Text = s.read(string(r.Purpose)).text
	case r.BotID != "" && (r.Subtype == "bot_add" || r.Subtype == "bot_remove"):
		v.Members = []event.Person{{ID: event.AuthorID(r.BotID), Name: r.BotProfile.it.shown(), Bot: true}}
	}
	for name, value := range map[string]plain{"old_name": r.OldName, "inviter": r.Inviter} {
		if value != "" {
			b.Details[name] = string(value)
		}
	}
	b.Type, b.Service = event.TypeService, v
}

// pinned is the message that was pinned, if it was one: older exports show it as an attachment.
func pinned(r *record) event.NativeID {
	if it := r.Item.it; it != nil {
		if it.Message.it != nil && it.Message.it.TS != "" {
			return event.NativeID(it.Message.it.TS)
		}
		if !instant(string(it.TS)).IsZero() {
			return event.NativeID(it.TS)
		}
	}
	for _, a := range r.Attachments {
		if a.ChannelID != "" && !instant(string(a.TS)).IsZero() {
			return event.NativeID(a.TS)
		}
	}
	return ""
}
