package telegram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

// heldPoll is a poll whose results wait for the end of the chat: the export does not say when it was made, and the time of its
// newest message is the latest at which the results were surely not yet different.
type heldPoll struct {
	Namespace event.Namespace `json:"namespace"`
	ID        event.NativeID  `json:"id"`
	Poll      event.Poll      `json:"poll"`
	Key       *event.Poll     `json:"key,omitempty"` // as ids have it, where the record is not UTF-8
	Charset   string          `json:"charset,omitempty"`
}

// heldMost bounds the cursor. With more polls, the time of the newest message is read ahead, and results are emitted at once.
const heldMost = 64

// holdPoll reports whether the results of the message's poll are emitted on their own. Without a time they stay in the message.
func (m *mapping) holdPoll(p *event.Poll) bool {
	if p == nil || m.at.IsZero() {
		return false
	}
	c := &m.session.Chat
	h := heldPoll{Namespace: m.ns, ID: m.id, Poll: *p, Charset: m.read.Charset}
	if m.key != m.r {
		h.Key = m.key.poll.event()
	}
	c.Polls = append(c.Polls, h)
	return true
}

// releasePolls emits the results that are held if the time of the newest message is known, or must be.
func (s *session) releasePolls(ctx context.Context) error {
	c := &s.Chat
	if c.Observed.IsZero() && len(c.Polls) > heldMost {
		at, unnamed, err := s.newestAhead(ctx)
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

// newestAhead is the time of the newest message of the chat, of which those before here were read, and as it is read where no zone is named.
func (s *session) newestAhead(ctx context.Context) (latest, unnamed time.Time, err error) {
	r, err := producers.OpenAt(s.file, s.scan.Offset())
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ahead, dec := newScanner(r, s.leads, s.scan.Offset(), s.scan.Line(), s.scan.Indent()), newDecoder()
	latest, unnamed = s.Chat.Latest, s.Chat.Unnamed
	for {
		if err := ctx.Err(); err != nil {
			return time.Time{}, time.Time{}, err
		}
		switch c, ok := ahead.Next(); {
		case !ok || c == ']':
			return latest, unnamed, ahead.Err()
		case c == ',':
			ahead.Skip(1)
		case c == '{':
			f := ahead.Value(true)
			if f.Cut {
				return latest, unnamed, ahead.Err()
			}
			if f.Why != "" {
				continue
			}
			printed, unix := dec.dates(f.Raw)
			if at := s.clock.read(printed, unix, latest); at.At.After(latest) {
				latest, unnamed = at.At, at.unnamed
			}
		default:
			if f := ahead.Junk(true, misplaced); f.Cut {
				return latest, unnamed, ahead.Err()
			}
		}
	}
}

// dates reads the two forms of a message's time, which stand at its start, and nothing after them.
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
	at, changed := s.clock.instant(newest, unnamed), changedAt(newest, unnamed)
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
		e.Source, e.Namespace, e.Account, e.Channel = sourceName, h.Namespace, s.whose(), s.Chat.Channel
		_ = s.emit(e) // its message, of the same names, was sealed
	}
	s.Chat.Polls = nil
}
