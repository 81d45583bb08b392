package deliver

import (
	"context"
	"sync"
)

// hand is the messages that have been fetched and not settled.
type hand struct {
	mu   sync.Mutex // covers all below
	high int
	in   map[string]Message // by token
	full bool               // fetching has stopped, until half is left
	free chan struct{}      // a token is put in when full ends
}

func newHand(high int) *hand {
	return &hand{high: high, in: map[string]Message{}, free: make(chan struct{}, 1)}
}

func (h *hand) add(msgs []Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range msgs {
		h.in[m.Token] = m
	}
	if len(h.in) >= h.high && !h.full {
		h.full = true
		select { // the token of a wait that nobody waited
		case <-h.free:
		default:
		}
	}
}

func (h *hand) remove(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.in, m.Token)
	if h.full && len(h.in) <= h.high/2 {
		h.full = false
		h.free <- struct{}{}
	}
}

// room blocks while there is too much in hand. Only the fetcher calls it.
func (h *hand) room(ctx context.Context) error {
	if !h.crowded() {
		return ctx.Err()
	}
	select {
	case <-h.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// crowded reports whether there is too much in hand.
func (h *hand) crowded() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.full
}

func (h *hand) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.in)
}

func (h *hand) all() []Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Message, 0, len(h.in))
	for _, m := range h.in {
		out = append(out, m)
	}
	return out
}
