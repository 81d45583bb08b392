package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
)

// small is an archive of a few messages, a batch each.
type small struct{ messages []int }

func (s *small) Connect(context.Context, producers.Cursor) (producers.Session, error) {
	return &smallSession{s.messages}, nil
}

type smallSession struct{ rest []int }

func (s *smallSession) Next(context.Context) (producers.Batch, error) {
	if len(s.rest) == 0 {
		return producers.Batch{}, io.EOF
	}
	b := producers.Batch{Events: []event.Event{message(s.rest[0])}, Cursor: []byte("x"), Counts: producers.Counts{Read: 1}}
	s.rest = s.rest[1:]
	return b, nil
}

func (*smallSession) Close() error { return nil }

// knower holds the even ones, and counts the questions.
type knower struct {
	asked atomic.Int64
	err   error
}

func (k *knower) AlreadyStored(_ context.Context, events []event.Event) ([]bool, error) {
	k.asked.Add(1)
	time.Sleep(5 * time.Millisecond)
	out := make([]bool, len(events))
	for i, e := range events {
		var n int
		_, _ = fmt.Sscan(string(e.NativeID), &n)
		out[i] = n%2 == 0
	}
	return out, k.err
}

// runShared reads so many archives of three messages each, all at once.
func runShared(ctx context.Context, n int, cfg Config) ([]Result, []error) {
	s := NewShared(cfg)
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	var serving, reading sync.WaitGroup
	serving.Go(func() { s.Run(life) })
	results, errs := make([]Result, n), make([]error, n)
	for i := range n {
		c := s.Join(cfg)
		c.Name, c.Source = fmt.Sprint("f", i), &small{[]int{3 * i, 3*i + 1, 3*i + 2}}
		reading.Go(func() { results[i], errs[i] = Run(ctx, c) })
	}
	reading.Wait()
	stop()
	serving.Wait()
	return results, errs
}

// TestShared_Run holds that many small archives together cost a few calls: the time of one big archive, not one each.
func TestShared_Run(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		room        int
		known       *knower
		begun, asks int
		published   int
	}{
		{"all new", 0, nil, 20, 0, 600},
		{"half known", 0, &knower{}, 20, 20, 300},
		{"the store is away", 0, &knower{err: errOdd}, 20, 20, 600},
		{"batches are small", 7, nil, 120, 0, 600},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStream()
				s.room, s.refuse = c.room, func(int) refusal { return refusal{delay: 50 * time.Millisecond} }
				cfg := Config{Publisher: s}
				if c.known != nil {
					cfg.Known = c.known
				}
				results, errs := runShared(t.Context(), 200, cfg)
				if err := errors.Join(errs...); err != nil {
					t.Fatal(err)
				}
				var sum Result
				for i, r := range results {
					if r.Read != 3 || r.Published+r.Known != 3 {
						t.Fatalf("archive %d: %+v", i, r.Counts)
					}
					sum.Add(r)
				}
				if s.begun > c.begun || sum.Published != c.published || len(s.stored) != c.published {
					t.Errorf("%d batches, want at most %d; published %d, stored %d, want %d", s.begun, c.begun, sum.Published, len(s.stored), c.published)
				}
				if c.known != nil && int(c.known.asked.Load()) > c.asks {
					t.Errorf("%d questions, want at most %d", c.known.asked.Load(), c.asks)
				}
				if n := sum.Sequences.Len(); n != uint64(c.published) {
					t.Errorf("%d sequences, want %d", n, c.published)
				}
			})
		})
	}
}

// picky is a bus that refuses every batch with one of these events, when it is begun or when it is waited for.
type picky struct {
	*stream
	bad   []event.ID
	begin bool
}

func (p *picky) Begin(ctx context.Context, events []event.Event, live bool) (int, Pending, error) {
	if slices.ContainsFunc(events, func(e event.Event) bool { return slices.Contains(p.bad, e.ID) }) {
		if p.begin {
			return 0, nil, fault.AsPoison(errOdd)
		}
		return len(events), refused{}, nil
	}
	return p.stream.Begin(ctx, events, live)
}

type refused struct{}

func (refused) Wait(context.Context) (seqset.Span, error) {
	return seqset.Span{}, fault.AsPoison(errOdd)
}

// TestShared_RunPoison holds that an event which the bus refuses fails its own archive and no other.
func TestShared_RunPoison(t *testing.T) {
	t.Parallel()
	for _, begin := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := &picky{stream: newStream(), bad: []event.ID{message(31).ID}, begin: begin}
			results, errs := runShared(t.Context(), 50, Config{Publisher: p})
			for i, err := range errs {
				if bad := i == 10; bad != (err != nil) || !bad && results[i].Published != 3 {
					t.Errorf("begin %t, archive %d: published %d, %v", begin, i, results[i].Published, err)
				}
			}
		})
	}
}

// TestShared_RunLost holds that batches of which nobody knows are published again.
func TestShared_RunLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		s.refuse = func(n int) refusal {
			switch n {
			case 1:
				return refusal{begin: errOdd}
			case 2:
				return refusal{wait: errOdd}
			case 3:
				return refusal{wait: errOdd, stored: true}
			}
			return refusal{}
		}
		_, errs := runShared(t.Context(), 100, Config{Publisher: s})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		s.holds(t, 300)
		for n := range 300 {
			if !s.acked[message(n).ID] {
				t.Fatalf("message %d is not acknowledged", n)
			}
		}
	})
}

// TestShared_RunStopped holds that runs which are stopped end, and that what they counted as published is acknowledged.
func TestShared_RunStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Millisecond)
		defer cancel()
		s := newStream()
		s.refuse = func(int) refusal { return refusal{delay: time.Minute} }
		results, errs := runShared(ctx, 100, Config{Publisher: s})
		published := 0
		for i, r := range results {
			published += r.Published
			if errs[i] == nil && r.Published != 3 {
				t.Errorf("archive %d ended with %+v and no error", i, r.Counts)
			}
		}
		if published > len(s.acked) {
			t.Errorf("%d are said to be published, %d are acknowledged", published, len(s.acked))
		}
	})
}
