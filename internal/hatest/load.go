// Package hatest runs real ingestion in the lab, does to it what bad days do, and looks at what is left.
//
// It promises that what it calls lost, doubled or stale was compared by id, and by content, between the source's own list, the
// bus, PostgreSQL and ClickHouse, and that every time it reports was written by a server, or by a process under test, of which
// it only reads the log. It needs the lab: root on Linux.
package hatest

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
)

// loadSource is the name under which the load's events stand.
const loadSource event.Source = "load"

// channels of the load: enough for several workers to meet in one.
const channels = 16

// Load is a live source that says the same at a steady rate: message 1, message 2 and so on, of which some are edited, reacted
// to or deleted a little later. What it has said up to a number is a function of the number alone.
type Load struct {
	Run  event.Namespace // tells one case's events from another's
	Rate int             // records a second

	mu      sync.Mutex // covers ending
	ending  bool
	said    uint64
	drained chan struct{}
}

// NewLoad makes a load that has said nothing.
func NewLoad(run string, rate int) *Load {
	return &Load{Run: event.Namespace(run), Rate: rate, drained: make(chan struct{})}
}

// Connect implements producers.Source.
func (l *Load) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	s := &speech{load: l, began: time.Now()}
	if len(from) == 8 {
		s.next = binary.BigEndian.Uint64(from)
	}
	s.first = s.next
	return s, nil
}

// End lets the load say no more, and returns how many records it has said.
func (l *Load) End(ctx context.Context) (uint64, error) {
	l.mu.Lock()
	l.ending = true
	l.mu.Unlock()
	select {
	case <-l.drained:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.said, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for the load to be published: %w", ctx.Err())
	}
}

// speech is a session. It goes on from a cursor, at the same rate, and never in bursts beyond what is due since it began.
type speech struct {
	load        *Load
	began       time.Time
	first, next uint64
}

// beat is how often the load says something: a batch of fifty at 500 records a second.
const beat = 100 * time.Millisecond

// Next implements producers.Session.
func (s *speech) Next(ctx context.Context) (producers.Batch, error) {
	for {
		if s.ended() {
			<-ctx.Done()
			return producers.Batch{}, ctx.Err()
		}
		due := s.first + uint64(time.Since(s.began).Seconds()*float64(s.load.Rate))
		if due > s.next {
			return s.say(min(due, s.next+1000))
		}
		if err := clock.Sleep(ctx, beat); err != nil {
			return producers.Batch{}, err
		}
	}
}

func (s *speech) say(upTo uint64) (producers.Batch, error) {
	var b producers.Batch
	for ; s.next < upTo; s.next++ {
		e, err := s.load.record(s.next + 1)
		if err != nil {
			return b, err
		}
		b.Events = append(b.Events, e)
	}
	b.Counts.Read = len(b.Events)
	b.Cursor = binary.BigEndian.AppendUint64(nil, s.next)
	return b, nil
}

// ended reports whether nothing more is to be said, and notes how much was.
func (s *speech) ended() bool {
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	if !s.load.ending {
		return false
	}
	s.load.said = s.next
	select {
	case <-s.load.drained:
	default:
		close(s.load.drained)
	}
	return true
}

// Close implements producers.Session.
func (s *speech) Close() error { return nil }

// epoch is when message 0 would have been sent: times of the load are a function of its numbers too.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func at(n uint64) event.Instant {
	return event.NewInstant(epoch().Add(time.Duration(n)*2*time.Millisecond), event.PrecisionMilli)
}

// Of ten records seven are messages; the others are about one of them.
const (
	ten      = 10
	editAt   = 4 // of the first
	reactAt  = 7 // to the fifth
	deleteAt = 9 // of the sixth
)

// about is the message that a record is about: itself, mostly.
func about(n uint64) uint64 {
	switch n % ten {
	case editAt, deleteAt:
		return n - 3
	case reactAt:
		return n - 2
	}
	return n
}

// record is what the load says as its n-th.
func (l *Load) record(n uint64) (event.Event, error) {
	of := about(n)
	e := event.Event{Source: loadSource, Namespace: l.Run, Account: "lab", Channel: channelOf(of), NativeID: native(of),
		Author: personOf(of), Kind: event.KindMessage, Revision: event.Unedited, Sent: at(of)}
	switch n % ten {
	case editAt:
		e.Revision = event.RevisionAt(at(n).At)
		e.Body = &event.Message{Type: event.TypeMessage, Text: textOf(of, true), Edited: at(n)}
	case reactAt:
		e.Kind, e.Author, e.Sent = event.KindReaction, personOf(n), at(n)
		e.NativeID, e.Revision = event.ReactionNative(native(of), e.Author.Key(e.Source, e.Namespace), emoji), event.RevisionAt(at(n).At)
		e.Body = &event.Reaction{Target: native(of), Emoji: emoji}
	case deleteAt:
		e.Kind, e.Sent, e.Revision = event.KindDeletion, at(n), event.RevisionDeleted(event.RevisionAt(at(n).At))
		e.Body = &event.Deletion{}
	default:
		e.Body = &event.Message{Type: event.TypeMessage, Text: textOf(n, false)}
	}
	if err := e.Seal(); err != nil {
		return e, fmt.Errorf("making record %d: %w", n, err)
	}
	return e, nil
}

const emoji = "👍"

func native(n uint64) event.NativeID { return event.NativeID(strconv.FormatUint(n, 10)) }

func channelOf(n uint64) event.Channel { return event.Channel(fmt.Sprintf("room-%d", n%channels)) }

func personOf(n uint64) event.Person {
	id := strconv.FormatUint(n%41, 10)
	return event.Person{ID: event.AuthorID("p" + id), Name: "Person " + id}
}

func textOf(n uint64, edited bool) string {
	if edited {
		return fmt.Sprintf("message %d, corrected: the leader had changed when this was said", n)
	}
	return fmt.Sprintf("message %d: what is said here must be found again, whoever the leader is", n)
}

// acknowledged watches a publisher: when the stream took a batch.
type acknowledged struct {
	ingest.Publisher

	mu    sync.Mutex // covers times
	times []time.Time
}

// Begin implements ingest.Publisher.
func (a *acknowledged) Begin(ctx context.Context, events []event.Event, live bool) (int, ingest.Pending, error) {
	n, p, err := a.Publisher.Begin(ctx, events, live)
	if err != nil {
		return n, p, err
	}
	return n, noted{p, a}, nil
}

type noted struct {
	ingest.Pending
	a *acknowledged
}

// Wait implements ingest.Pending.
func (n noted) Wait(ctx context.Context) (seqset.Span, error) {
	s, err := n.Pending.Wait(ctx)
	if err == nil {
		n.a.mu.Lock()
		n.a.times = append(n.a.times, time.Now())
		n.a.mu.Unlock()
	}
	return s, err
}

// since returns when batches were acknowledged after a moment.
func (a *acknowledged) since(t time.Time) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []time.Time
	for _, x := range a.times {
		if x.After(t) {
			out = append(out, x)
		}
	}
	return out
}
