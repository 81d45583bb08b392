package consumertest

import (
	"context"
	"sync/atomic"
)

// lookedAt is a context that is cancelled when it is looked at for the n-th time: so a handler is stopped at every place
// where it can be, without a clock.
type lookedAt struct {
	context.Context
	cancel context.CancelFunc
	left   *atomic.Int64
}

func cancelAtLook(parent context.Context, n int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	left := new(atomic.Int64)
	left.Store(int64(n))
	return lookedAt{Context: ctx, cancel: cancel, left: left}, cancel
}

func (c lookedAt) look() {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
}

// Done counts as a look.
func (c lookedAt) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// Err counts as a look.
func (c lookedAt) Err() error {
	c.look()
	return c.Context.Err()
}
