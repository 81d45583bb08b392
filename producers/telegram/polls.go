package telegram

import (
	"encoding/json"

	"github.com/agrichat/agrichat/internal/event"
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
		said, err := json.Marshal(h.Poll)
		if err != nil {
			continue // a plain struct: it always encodes
		}
		_ = s.emit(event.Event{ // its message, of the same names, was sealed
			Source: sourceName, Namespace: h.Namespace, Account: s.whose(), Channel: s.Chat.Channel, NativeID: h.ID,
			Kind: event.KindPoll, Sent: at, Body: &event.PollResults{Target: h.ID, Poll: h.Poll},
			Revision: event.RevisionAt(at.At) + "." + event.Revision(event.Digest("poll", string(said))),
		})
	}
	s.Chat.Polls = nil
}
