package telegram

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// heldPoll is a poll whose results wait for the end of the chat: the export does not say when it was made, and the time of its
// newest message is the latest at which the results were surely not yet different.
type heldPoll struct {
	Namespace event.Namespace `json:"namespace"`
	ID        event.NativeID  `json:"id"`
	Poll      event.Poll      `json:"poll"`
}

// heldMost bounds the cursor. With so many polls held, their results are emitted as of the newest message before: a later export
// emits them there too, or later.
const heldMost = 64

// holdPoll reports whether the results of the message's poll are emitted on their own. Without a time they stay in the message.
func (m *mapping) holdPoll(p *event.Poll) bool {
	if p == nil || m.at.IsZero() {
		return false
	}
	c := &m.session.Chat
	if len(c.Polls) >= heldMost {
		m.session.emitPolls()
	}
	c.Polls = append(c.Polls, heldPoll{Namespace: m.ns, ID: m.id, Poll: *p})
	return true
}

// emitPolls puts the results that are held into the batch.
func (s *session) emitPolls() {
	at := event.Known(s.Chat.Latest, event.PrecisionSecond)
	for _, h := range s.Chat.Polls {
		e, err := producers.PollResults(h.ID, &h.Poll, at)
		if err != nil {
			continue // a plain struct: it always encodes
		}
		e.Source, e.Namespace, e.Account, e.Channel = sourceName, h.Namespace, s.whose(), s.Chat.Channel
		_ = s.emit(e) // its message, of the same names, was sealed
	}
	s.Chat.Polls = nil
}
