package ingest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Shared joins what many archives that are read at once ask of one Publisher and of one Known: their events travel in batches in
// common, and are looked up by one question. A small file otherwise costs a round trip of each, one of them with the disk synced.
//
// Every run keeps its promises by itself: it waits for the batch that holds its events, and saves a cursor only then. A run that
// had a call in common fail calls alone from then on, so that what is at fault in one archive fails no other.
type Shared struct {
	publisher Publisher
	known     Known
	batch     int
	publish   chan publishCall
	ask       chan askCall
}

// Calls in common.
const (
	sharedCalls  = 2                    // of each kind at once: one is on its way while the next one is gathered
	sharedLinger = 5 * time.Millisecond // for others to join in
)

// NewShared returns what joins the calls of all that are given a Config by Join. It does nothing until Run is called.
func NewShared(c Config) *Shared {
	c = c.withDefaults()
	return &Shared{publisher: c.Publisher, known: c.Known, batch: c.Batch, publish: make(chan publishCall), ask: make(chan askCall)}
}

// Join returns the configuration of one run that takes part. Its own Publisher and Known are those that NewShared was given.
func (s *Shared) Join(c Config) Config {
	m := &member{s: s}
	c.Publisher = m
	if s.known != nil {
		c.Known = m
	}
	return c
}

// Run serves those who take part until ctx ends, which must be after their runs have ended.
func (s *Shared) Run(ctx context.Context) {
	var all sync.WaitGroup
	for range sharedCalls {
		all.Go(func() { serve(ctx, s.publish, s.batch, s.publishAll) })
		all.Go(func() { serve(ctx, s.ask, s.batch, s.askAll) })
	}
	all.Wait()
}

// call is one run's share of a call in common.
type call interface{ size() int }

type publishCall struct {
	events []event.Event
	reply  chan published // of one, so that whoever answers never waits
}

type published struct {
	n     int
	batch *sharedBatch
	err   error
}

type askCall struct {
	events []event.Event
	reply  chan asked // as above
}

type asked struct {
	known []bool
	err   error
}

func (c publishCall) size() int { return len(c.events) }
func (c askCall) size() int     { return len(c.events) }

// serve gathers calls, as many as there are within a short time and up to a batch of events, and does them.
func serve[C call](ctx context.Context, calls <-chan C, batch int, do func(context.Context, []C)) {
	linger := time.NewTimer(0)
	defer linger.Stop()
	for {
		var all []C
		select {
		case c := <-calls:
			all = append(all, c)
		case <-ctx.Done():
			return
		}
		linger.Reset(sharedLinger)
	gathering:
		for size := all[0].size(); size < batch; {
			select {
			case c := <-calls:
				all = append(all, c)
				size += c.size()
			case <-linger.C:
				break gathering
			case <-ctx.Done():
				break gathering
			}
		}
		do(ctx, all)
	}
}

// publishAll publishes what several runs have, and waits for it.
func (s *Shared) publishAll(ctx context.Context, calls []publishCall) {
	var events []event.Event
	for _, c := range calls {
		events = append(events, c.events...)
	}
	var begun []*sharedBatch
	for len(calls) > 0 {
		n, p, err := s.publisher.Begin(ctx, events, false)
		if err != nil {
			for _, c := range calls {
				c.reply <- published{err: err}
			}
			break
		}
		b := &sharedBatch{pending: p, done: make(chan struct{})}
		begun = append(begun, b)
		events = events[n:]
		for n > 0 && len(calls) > 0 {
			c := calls[0]
			took := min(n, len(c.events))
			c.reply <- published{n: took, batch: b}
			events = events[len(c.events)-took:] // the rest of it is the run's to begin again
			calls, n = calls[1:], n-took
		}
	}
	for _, b := range begun {
		b.span, b.err = b.pending.Wait(ctx)
		close(b.done)
	}
}

// askAll asks what is known of what several runs have.
func (s *Shared) askAll(ctx context.Context, calls []askCall) {
	var events []event.Event
	for _, c := range calls {
		events = append(events, c.events...)
	}
	known, err := s.known.AlreadyStored(ctx, events)
	if err == nil && len(known) != len(events) {
		err = fmt.Errorf("%d events were asked for and %d answered", len(events), len(known))
	}
	for _, c := range calls {
		if err != nil {
			c.reply <- asked{err: err}
			continue
		}
		n := len(c.events)
		c.reply <- asked{known: known[:n:n]}
		known = known[n:]
	}
}

// sharedBatch is a batch that holds events of several runs.
type sharedBatch struct {
	pending Pending
	done    chan struct{} // closed when the two below are set
	span    seqset.Span
	err     error
}

// member is one run that takes part.
type member struct {
	s     *Shared
	alone atomic.Bool // a call in common has failed
}

// Fit implements Publisher.
func (m *member) Fit(e *event.Event) string { return m.s.publisher.Fit(e) }

// Begin implements Publisher.
func (m *member) Begin(ctx context.Context, events []event.Event, live bool) (int, Pending, error) {
	if m.alone.Load() || live || len(events) >= m.s.batch {
		return m.s.publisher.Begin(ctx, events, live)
	}
	c := publishCall{events, make(chan published, 1)}
	a, err := exchange(ctx, m.s.publish, c, c.reply)
	if err == nil {
		err = a.err
	}
	if err != nil {
		m.alone.Store(true)
		return 0, nil, err
	}
	return a.n, memberBatch{m, a.batch}, nil
}

// AlreadyStored implements Known.
func (m *member) AlreadyStored(ctx context.Context, events []event.Event) ([]bool, error) {
	if m.alone.Load() || len(events) >= m.s.batch {
		return m.s.known.AlreadyStored(ctx, events)
	}
	c := askCall{events, make(chan asked, 1)}
	a, err := exchange(ctx, m.s.ask, c, c.reply)
	if err == nil {
		err = a.err
	}
	return a.known, err
}

// exchange hands a call over and waits for the answer.
func exchange[C, A any](ctx context.Context, calls chan<- C, c C, reply <-chan A) (a A, err error) {
	select {
	case calls <- c:
	case <-ctx.Done():
		return a, ctx.Err()
	}
	select {
	case a = <-reply:
		return a, nil
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// memberBatch is a batch in common, as one of the runs waits for it.
type memberBatch struct {
	m *member
	b *sharedBatch
}

// Wait implements Pending.
func (p memberBatch) Wait(ctx context.Context) (seqset.Span, error) {
	select {
	case <-p.b.done:
	case <-ctx.Done():
		return seqset.Span{}, ctx.Err()
	}
	if p.b.err != nil {
		p.m.alone.Store(true)
	}
	return p.b.span, p.b.err
}
