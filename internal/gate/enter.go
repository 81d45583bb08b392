package gate

import (
	"context"
	"fmt"
)

// Enter implements Gate.
func (d *Local) Enter(ctx context.Context) (*Permit, error) {
	return d.enter(ctx, func() (bool, error) { return d.status.State == Opened, nil })
}

// Recovery returns the gate for backfilling the ledger's gaps in a round: it is open during that round only. Once the round is
// over, Enter returns ErrConflict instead of blocking for good.
func (d *Local) Recovery(round uint64) Gate { return recovery{d, round} }

type recovery struct {
	d     *Local
	round uint64
}

// Enter implements Gate.
func (r recovery) Enter(ctx context.Context) (*Permit, error) {
	d := r.d
	return d.enter(ctx, func() (bool, error) {
		if d.desired.Round > r.round || d.desired.Round == r.round && d.desired.State == Opened {
			return false, fmt.Errorf("recovering in round %d, which is over: %w", r.round, ErrConflict)
		}
		return d.status.State == Recovering && d.status.Round == r.round, nil
	})
}

// enter blocks until may returns true, which is called with d.mu held and the status up to date.
func (d *Local) enter(ctx context.Context, may func() (bool, error)) (*Permit, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, changed, err := d.try(ctx, may)
		if p != nil || err != nil {
			return p, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// try grants a permission, or returns the channel that is closed when a retry may succeed.
func (d *Local) try(ctx context.Context, may func() (bool, error)) (*Permit, <-chan struct{}, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.update() // checks the clock: in a process that was stopped the timer has not fired yet
	if ok, err := may(); !ok || err != nil {
		return nil, d.changed, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	h := &holder{cancel}
	d.holders[h] = struct{}{}
	p := NewPermit(ctx, Term{Leader: d.status.Leader, Token: d.status.Token}, func() { d.leave(h) })
	p.look = func() { d.Status() }
	return p, nil, nil
}

func (d *Local) leave(h *holder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.holders, h)
	h.cancel(nil)
}
