package telegram

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// threads remembers in which topic messages stand: an answer to one of them stands there too, and the export does not say it.
type threads struct {
	topics map[int64]int64
	order  []int64 // in which they came; once it is full, the oldest is at next
	next   int
}

// threadsKept bounds what is remembered: answers to older messages stand in no topic.
const threadsKept = 1 << 16

// add notes that a message stands in a topic.
func (t *threads) add(id string, topic event.NativeID) {
	if topic == "" {
		return
	}
	n, err := strconv.ParseInt(id, 10, 64)
	of, errOf := strconv.ParseInt(string(topic), 10, 64)
	if err != nil || errOf != nil {
		return
	}
	if t.topics == nil {
		t.topics = map[int64]int64{}
	}
	if _, known := t.topics[n]; known {
		return
	}
	t.topics[n] = of
	if len(t.order) < threadsKept {
		t.order = append(t.order, n)
		return
	}
	delete(t.topics, t.order[t.next])
	t.order[t.next] = n
	t.next = (t.next + 1) % threadsKept
}

// of returns the topic in which a message stands; empty if it is not known.
func (t *threads) of(id string) event.NativeID {
	if len(t.topics) == 0 {
		return ""
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return ""
	}
	if topic, ok := t.topics[n]; ok {
		return event.NativeID(strconv.FormatInt(topic, 10))
	}
	return ""
}

// restoreThreads reads again what a session that goes on in a chat with topics had read of it: that is too much for a cursor.
func (s *session) restoreThreads(ctx context.Context) (err error) {
	if s.threads.topics != nil || len(s.Chat.Topics) == 0 || s.Chat.Start.Offset == 0 || s.Place != inMessages {
		return nil
	}
	s.threads.topics = map[int64]int64{}
	from := s.Chat.Start
	r, err := producers.OpenAt(s.file, from.Offset)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	again := newScanner(&patient{ctx: ctx, r: r}, s.leads, from.Offset, from.Line, from.Indent)
	for again.Offset() < s.scan.Offset() {
		c, ok := again.Next()
		switch {
		case !ok:
			if err := again.Err(); err != nil {
				return fmt.Errorf("reading again which messages stand in topics: %w", err)
			}
			return nil
		case c == '{':
			if f := again.Value(true); f.Why == "" {
				s.noteThread(f.Raw)
			}
		case c == ',':
			again.Skip(1)
		default:
			again.Junk(true, misplaced)
		}
	}
	return nil
}

// noteThread does of a message that was read before what its reading did.
func (s *session) noteThread(raw []byte) {
	text, _, _ := decode(s.chars, raw)
	r, err := s.dec.record(text)
	if err != nil || r.replyPeer != "" {
		return
	}
	if s.Chat.isTopic(r.replyTo) {
		s.threads.add(r.id, event.NativeID(r.replyTo))
		return
	}
	s.threads.add(r.id, s.threads.of(r.replyTo))
}
