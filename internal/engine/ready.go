package engine

import (
	"context"
	"fmt"
	"sync"
)

// readiness is a signal that is set while a server answers and cleared when it is gone. The zero value is cleared.
type readiness struct {
	mu sync.Mutex // covers both fields
	ch chan struct{}
	on bool
}

func (r *readiness) channel() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ch == nil {
		r.ch = make(chan struct{})
	}
	return r.ch
}

func (r *readiness) set() {
	ch := r.channel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.on && ch == r.ch {
		r.on = true
		close(r.ch)
	}
}

func (r *readiness) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.ch, r.on = nil, false
	}
}

func (r *readiness) wait(ctx context.Context, what string) error {
	select {
	case <-r.channel():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for %s to be ready: %w", what, context.Cause(ctx))
	}
}
