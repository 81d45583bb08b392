package deliver

import (
	"context"
	"sync"
)

// inflight is the set of messages that have been fetched and not settled. Its size bounds the buffers of a consumer: at the high
// water mark fetching is paused.
type inflight struct {
	mu     sync.Mutex // covers all below
	high   int
	in     map[string]Message // by token
	paused bool               // fetching is paused, until half is left
	free   chan struct{}      // a token is put in when the pause ends
}

func newInflight(high int) *inflight {
	return &inflight{high: high, in: map[string]Message{}, free: make(chan struct{}, 1)}
}

func (f *inflight) add(msgs []Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range msgs {
		f.in[m.Token] = m
	}
	if len(f.in) >= f.high && !f.paused {
		f.paused = true
		select { // the token of an earlier pause that nobody waited for
		case <-f.free:
		default:
		}
	}
}

func (f *inflight) remove(m Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.in, m.Token)
	if f.paused && len(f.in) <= f.high/2 {
		f.paused = false
		f.free <- struct{}{}
	}
}

// waitForSpace blocks while fetching is paused. Only the fetcher calls it.
func (f *inflight) waitForSpace(ctx context.Context) error {
	if !f.full() {
		return ctx.Err()
	}
	select {
	case <-f.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// full reports whether fetching is paused because too much is in flight.
func (f *inflight) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paused
}

func (f *inflight) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.in)
}

func (f *inflight) all() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Message, 0, len(f.in))
	for _, m := range f.in {
		out = append(out, m)
	}
	return out
}
