package jsonexport

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// maxHeldPolls bounds the cursor. With more polls, the time of the newest message is read ahead, and results are emitted at once.
const maxHeldPolls = 64

// holdPoll reports whether the results of the message's poll are emitted on their own. Without a time they stay in the message.
func (m *mapping) holdPoll(p *event.Poll) bool {
	if p == nil || m.at.IsZero() {
		return false
	}
	c := &m.session.Chat
	h := export.HeldPoll{Namespace: m.ns, ID: m.id, Poll: *p, Charset: m.read.Charset}
	if m.key != m.r {
		h.Key = m.key.poll.event()
	}
	c.Polls = append(c.Polls, h)
	return true
}

// releasePolls emits the results that are held if the time of the newest message is known, or must be.
func (s *session) releasePolls(ctx context.Context) error {
	c := &s.Chat
	if c.Observed.IsZero() && len(c.Polls) > maxHeldPolls {
		at, unnamed, err := s.ahead.newest(ctx, c, s.clock, positionOf(s.scan))
		if err != nil {
			return fmt.Errorf("reading ahead to the newest message: %w", err)
		}
		c.Observed, c.ObservedUnnamed = at, unnamed
	}
	if !c.Observed.IsZero() {
		s.emitPolls()
	}
	return nil
}

// dates reads the two forms of a message's time, which are at its start, and nothing after them.
func (d *decoder) dates(raw []byte) (printed, unix string) {
	d.Reset(jsonscan.ValidUTF8(raw))
	_ = d.Object(func(key []byte) error { // of a broken message, what came before
		switch string(key) {
		case "date":
			return d.Into(&printed)
		case "date_unixtime":
			return errors.Join(d.Into(&unix), io.EOF)
		}
		return d.Skip()
	})
	return printed, unix
}

// emitPolls puts the results that are held into the batch.
func (s *session) emitPolls() {
	newest, unnamed := s.Chat.Observed, s.Chat.ObservedUnnamed
	if newest.IsZero() { // the end of the chat
		newest, unnamed = s.Chat.Latest, s.Chat.Unnamed
	}
	at, changed := s.clock.Instant(newest, unnamed), export.ChangedAt(newest, unnamed)
	for _, h := range s.Chat.Polls {
		e, err := producers.PollResults(h.ID, &h.Poll, at, changed)
		if err != nil {
			continue // a plain struct: it always encodes
		}
		if h.Key != nil {
			if k, err := producers.PollResults(h.ID, h.Key, at, changed); err == nil {
				e.Revision = k.Revision
			}
		}
		e.Reading.Charset = h.Charset
		e.Source, e.Namespace, e.Account, e.Channel = export.Source, h.Namespace, s.owner().Account(), s.Chat.Channel
		_ = s.Emit(&e) // its message, of the same names, was sealed
	}
	s.Chat.Polls = nil
}
