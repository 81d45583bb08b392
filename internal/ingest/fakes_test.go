package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chat is a source of numbered messages, whose cursor is the number of the next one. fail says what its session does before a
// batch.
type chat struct {
	total, size int
	live        bool
	fail        func(at int) error
	connects    int
	closes      int
}

func (c *chat) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	at := 0
	if len(from) > 0 {
		if _, err := fmt.Sscan(string(from), &at); err != nil {
			return nil, err
		}
	}
	c.connects++
	return &session{c: c, at: at}, nil
}

type session struct {
	c  *chat
	at int
}

func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, err
	}
	if s.c.fail != nil {
		if err := s.c.fail(s.at); err != nil {
			return producers.Batch{}, err
		}
	}
	if s.at >= s.c.total {
		if !s.c.live {
			return producers.Batch{}, io.EOF
		}
		<-ctx.Done()
		return producers.Batch{}, ctx.Err()
	}
	var b producers.Batch
	for range min(s.c.size, s.c.total-s.at) {
		b.Events = append(b.Events, message(s.at))
		s.at++
	}
	b.Cursor = fmt.Append(nil, s.at)
	b.Counts = producers.Counts{Read: len(b.Events), Bytes: int64(10 * len(b.Events))}
	return b, nil
}

func (s *session) Close() error { s.c.closes++; return nil }

func message(n int) event.Event {
	e := event.Event{
		Source: "fake", Namespace: "net", Channel: event.Channel(fmt.Sprint("room", n%3)), NativeID: event.NativeID(fmt.Sprint(n)),
		Kind: event.KindMessage, Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: fmt.Sprint(n)},
	}
	if n%10 == 7 {
		e.Kind, e.Body = event.KindUnparsed, &event.Unparsed{Reason: "broken", File: "f", Line: n}
	}
	if err := e.Seal(); err != nil {
		panic(err)
	}
	return e
}

// stream is a bus in memory. refuse says what becomes of a batch: nothing, an error of Begin, an error of Wait with or without
// the batch being stored.
type stream struct {
	mu     sync.Mutex
	stored []event.ID
	seen   []time.Time
	saved  int
	saves  int
	begun  int
	flying int
	most   int // in flight
	room   int // of a batch; 0: any
	refuse func(n int) refusal
	save   func() error
	ahead  bool // a cursor was saved of which something was not acknowledged
	acked  map[event.ID]bool
}

type refusal struct {
	begin, wait error
	stored      bool
	delay       time.Duration
}

func newStream() *stream { return &stream{acked: map[event.ID]bool{}} }

func (s *stream) Fit(*event.Event) string { return "" }

func (s *stream) Begin(_ context.Context, events []event.Event, _ bool) (int, Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room > 0 {
		events = events[:min(s.room, len(events))]
	}
	s.begun++
	var r refusal
	if s.refuse != nil {
		r = s.refuse(s.begun)
	}
	if r.begin != nil {
		return 0, nil, r.begin
	}
	p := &pending{s: s, r: r}
	for i := range events {
		p.ids = append(p.ids, events[i].ID)
	}
	if r.wait == nil || r.stored {
		p.span.First = uint64(len(s.stored)) + 1
		s.stored = append(s.stored, p.ids...)
		p.span.Last = uint64(len(s.stored))
		s.seen = append(s.seen, events[0].Seen)
	}
	s.flying++
	s.most = max(s.most, s.flying)
	return len(events), p, nil
}

type pending struct {
	s    *stream
	r    refusal
	ids  []event.ID
	span seqset.Span
}

func (p *pending) Wait(ctx context.Context) (seqset.Span, error) {
	if p.r.delay > 0 {
		select {
		case <-time.After(p.r.delay):
		case <-ctx.Done():
		}
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.flying--
	if err := ctx.Err(); err != nil {
		return seqset.Span{}, err
	}
	if p.r.wait != nil {
		return seqset.Span{}, p.r.wait
	}
	for _, id := range p.ids {
		p.s.acked[id] = true
	}
	return p.span, nil
}

func (s *stream) Load(context.Context, string) (producers.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved == 0 {
		return nil, nil
	}
	return fmt.Append(nil, s.saved), nil
}

func (s *stream) Save(_ context.Context, _ string, c producers.Cursor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.save != nil {
		if err := s.save(); err != nil {
			return err
		}
	}
	if _, err := fmt.Sscan(string(c), &s.saved); err != nil {
		return err
	}
	s.saves++
	for n := range s.saved {
		if !s.acked[message(n).ID] {
			s.ahead = true
		}
	}
	return nil
}

func (s *stream) Forget(context.Context, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saved = 0
	return nil
}

// holds fails unless the first n messages are stored, and says how many are stored more than once.
func (s *stream) holds(t interface{ Fatalf(string, ...any) }, n int) (repeats int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := map[event.ID]int{}
	for _, id := range s.stored {
		times[id]++
	}
	for i := range n {
		if times[message(i).ID] == 0 {
			t.Fatalf("message %d of %d is not stored", i, n)
		}
	}
	return len(s.stored) - len(times)
}

var errOdd = errors.New("odd")
