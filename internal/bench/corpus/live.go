package corpus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// LiveSource and LiveChannel are where the events of a steady publisher stand.
const (
	LiveSource  event.Source  = "bench"
	LiveChannel event.Channel = "live"
)

// Live is a live source of one channel with the same messages at a steady rate, one at a time, and then none.
type Live struct {
	Run      event.Namespace // part of the ids, so that two runs have different messages
	Rate     int             // messages a second
	Messages int
	Corpus   Corpus // whose texts they have
}

// Connect implements producers.Source.
func (l *Live) Connect(context.Context, producers.Cursor) (producers.Session, error) {
	return &liveSession{live: l, generator: newGenerator(l.Corpus), began: time.Now()}, nil
}

// liveSession is a session. Each message comes when it is due; one that is late brings all that are, in order.
type liveSession struct {
	live      *Live
	generator *generator
	began     time.Time
	sent      int
}

// Next implements producers.Session.
func (s *liveSession) Next(ctx context.Context) (producers.Batch, error) {
	if s.sent == s.live.Messages {
		<-ctx.Done()
		return producers.Batch{}, ctx.Err()
	}
	due := s.began.Add(time.Duration(s.sent) * time.Second / time.Duration(s.live.Rate))
	if err := clock.Sleep(ctx, time.Until(due)); err != nil {
		return producers.Batch{}, err
	}
	e, err := s.event()
	if err != nil {
		return producers.Batch{}, err
	}
	s.sent++
	return producers.Batch{Events: []event.Event{e}, Counts: producers.Counts{Read: 1}}, nil
}

func (s *liveSession) event() (event.Event, error) {
	m := s.generator.next()
	body := &event.Message{Type: event.TypeMessage, Text: string(m.text)}
	if m.replyTo != 0 {
		body.ReplyTo = &event.Ref{NativeID: event.NativeID(strconv.Itoa(m.replyTo))}
	}
	e := event.Event{Source: LiveSource, Namespace: s.live.Run, Account: "bench", Channel: LiveChannel,
		NativeID: event.NativeID(strconv.Itoa(m.id)), Author: event.Person{ID: event.AuthorID(authorID("user", m.who)), Name: AuthorName(m.who)},
		Kind: event.KindMessage, Revision: event.Unedited, Sent: event.NewInstant(m.at, event.PrecisionSecond), Body: body}
	if err := e.Seal(); err != nil {
		return e, fmt.Errorf("making message %d: %w", m.id, err)
	}
	return e, nil
}

// Close implements producers.Session.
func (s *liveSession) Close() error { return nil }
