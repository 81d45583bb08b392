package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/consumers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queue is a stream in memory: a message that is nakked is redelivered after its delay.
type queue struct {
	mu       sync.Mutex
	messages map[uint64]*entry
	order    []uint64
	wake     chan struct{}
	fetchErr func() error
	buryErr  func() error
	acks     map[uint64]int
	letters  map[uint64]string
	log      []string // of effects, in order
	working  int
	delays   map[uint64][]time.Duration
	twice    []uint64 // settled although not in hand
	most     int      // in hand
}

type entry struct {
	m     Message
	at    time.Time // not before
	out   bool
	acked bool
}

func newQueue(n int) *queue {
	q := &queue{messages: map[uint64]*entry{}, wake: make(chan struct{}, 1), acks: map[uint64]int{}, letters: map[uint64]string{},
		delays: map[uint64][]time.Duration{}}
	q.put(n)
	return q
}

func (q *queue) put(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		seq := uint64(len(q.order) + 1)
		q.order = append(q.order, seq)
		q.messages[seq] = &entry{m: Message{Delivery: consumers.Delivery{Sequence: seq, EventIDs: fmt.Sprint("e", seq), Data: []byte("0123456789")}}}
	}
}

func (q *queue) Fetch(ctx context.Context, l Limits) ([]Message, error) {
	if q.fetchErr != nil {
		if err := q.fetchErr(); err != nil {
			return nil, err
		}
	}
	end := time.NewTimer(l.Wait)
	defer end.Stop()
	for {
		if out := q.take(l.Messages); len(out) > 0 {
			return out, nil
		}
		step := time.NewTimer(100 * time.Millisecond)
		select {
		case <-step.C:
		case <-end.C:
			return nil, nil
		case <-ctx.Done():
			step.Stop()
			return nil, ctx.Err()
		}
	}
}

func (q *queue) take(n int) (out []Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	inHand := 0
	for _, seq := range q.order {
		e := q.messages[seq]
		if e.out {
			inHand++
		}
		if e.out || e.acked || time.Now().Before(e.at) || len(out) == n {
			continue
		}
		e.out = true
		e.m.Attempts++
		e.m.Token = fmt.Sprintf("%d.%d", seq, e.m.Attempts)
		out = append(out, e.m)
	}
	q.most = max(q.most, inHand+len(out))
	return out
}

func (q *queue) settle(m Message) *entry {
	e := q.messages[m.Sequence]
	if !e.out || e.m.Token != m.Token {
		q.twice = append(q.twice, m.Sequence)
	}
	e.out = false
	return e
}

func (q *queue) Ack(batch []Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range batch {
		q.settle(m).acked = true
		q.acks[m.Sequence]++
		q.log = append(q.log, fmt.Sprint("ack ", m.Sequence))
	}
	return nil
}

func (q *queue) Retry(m Message, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(m).at = time.Now().Add(delay)
	q.delays[m.Sequence] = append(q.delays[m.Sequence], delay)
	return nil
}

func (q *queue) Working(batch []Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.working += len(batch)
	return nil
}

func (q *queue) DeadLetter(_ context.Context, m Message, cause error, first time.Time) error {
	if q.buryErr != nil {
		if err := q.buryErr(); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if first.IsZero() {
		return errors.New("no time of the first failure")
	}
	q.letters[m.Sequence] = cause.Error()
	q.log = append(q.log, fmt.Sprint("copy ", m.Sequence))
	return nil
}

func (q *queue) Lag(context.Context) (Lag, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Lag{Pending: uint64(len(q.order) - len(q.acks)), Age: time.Second}, nil
}

// store is a handler in memory. fail says what is wrong with a batch.
type store struct {
	mu     sync.Mutex
	stored map[uint64]int
	calls  int
	fail   func(ctx context.Context, batch []consumers.Delivery) error
	q      *queue
	done   func(stored int)
	buried map[uint64]string
}

func newStore(q *queue) *store {
	return &store{stored: map[uint64]int{}, q: q, buried: map[uint64]string{}}
}

func (s *store) Handle(ctx context.Context, batch []consumers.Delivery) error {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	var err error
	if s.fail != nil {
		err = s.fail(ctx, batch)
	}
	var partial *consumers.PartialError
	if err != nil && !errors.As(err, &partial) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range batch {
		if partial == nil || partial.Failed[i] == nil {
			s.stored[d.Sequence]++
		}
	}
	if s.done != nil {
		s.done(len(s.stored))
	}
	return err
}

func (s *store) DeadLetter(_ context.Context, d consumers.Delivery, cause error) error {
	s.mu.Lock()
	s.buried[d.Sequence] = cause.Error()
	n := len(s.stored) + len(s.buried)
	s.mu.Unlock()
	s.q.mu.Lock()
	s.q.log = append(s.q.log, fmt.Sprint("note ", d.Sequence))
	s.q.mu.Unlock()
	if s.done != nil {
		s.done(n)
	}
	return nil
}

func holds(batch []consumers.Delivery, seqs ...uint64) bool {
	for _, d := range batch {
		for _, s := range seqs {
			if d.Sequence == s {
				return true
			}
		}
	}
	return false
}

var errOdd = errors.New("odd")
