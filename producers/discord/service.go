package discord

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// service notes what a message of the network's own reports. The exporter prints those types as numbers that it has no word
// for; what is a number and still somebody's message is the answer to a command.
func (m *mapping) service(b *event.Message) {
	r := m.r
	switch r.kind {
	case "Default", "Reply", "":
		return
	case "20", "23":
		r.note("type", r.kind)
		return
	}
	s := &event.Service{Action: event.ActionOther, Native: r.kind}
	b.Type, b.Service = event.TypeService, s
	switch r.kind {
	case "GuildMemberJoin":
		s.Action = event.ActionJoin
	case "RecipientAdd", "RecipientRemove":
		m.recipient(s)
	case "ChannelPinnedMessage":
		s.Action, s.Target = event.ActionPin, event.NativeID(r.ref.message)
		if c := event.Channel(r.ref.channel); c != m.Where.Channel && c != "" {
			r.note("target_channel", string(c))
		}
	case "Call":
		s.Action = event.ActionCall
	case "ChannelNameChange":
		if name, ok := strings.CutPrefix(r.content, "Changed the channel name: "); ok {
			s.Action, s.Text = event.ActionTitle, name
		}
	}
}

// recipient tells who came into a group or left it. The exporter names them as mentioned.
func (m *mapping) recipient(s *event.Service) {
	own := false
	for _, u := range m.r.mentions {
		s.Members = append(s.Members, u.person())
		own = own || u.id == m.r.author.id
	}
	if own && len(s.Members) == 1 {
		s.Members = nil
	}
	switch {
	case m.r.kind == "RecipientAdd" && own:
		s.Action = event.ActionJoin
	case m.r.kind == "RecipientAdd":
		s.Action = event.ActionInvite
	case own:
		s.Action = event.ActionLeave
	default:
		s.Action = event.ActionKick
	}
}
