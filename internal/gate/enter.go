package gate

import (
	"context"
	"fmt"
)

// Enter implements Gate.
func (d *Door) Enter(ctx context.Context) (*Permit, error) {
	return d.enter(ctx, func() (bool, error) { return d.standing.State == Opened, nil })
}

// Recovery returns the gate for those who fill the ledger's holes in a round: it is open while that very round goes on. Once
// the round is over, Enter returns ErrMoved: nobody would ever get in.
func (d *Door) Recovery(round uint64) Gate { return recovery{d, round} }

type recovery struct {
	d     *Door
	round uint64
}

// Enter implements Gate.
func (r recovery) Enter(ctx context.Context) (*Permit, error) {
	d := r.d
	return d.enter(ctx, func() (bool, error) {
		if d.order.Round > r.round || d.order.Round == r.round && d.order.State == Opened {
			return false, fmt.Errorf("recovering in round %d, which is over: %w", r.round, ErrMoved)
		}
		return d.standing.State == Recovering && d.standing.Round == r.round, nil
	})
}

// enter waits until may says yes, which is called with d.mu held and the standing of now.
func (d *Door) enter(ctx context.Context, may func() (bool, error)) (*Permit, error) {
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

// try gives a permission, or the channel that is closed when trying again is worth it.
func (d *Door) try(ctx context.Context, may func() (bool, error)) (*Permit, <-chan struct{}, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle() // looks at the clock: the timer of a process that was stopped has not run yet
	if ok, err := may(); !ok || err != nil {
		return nil, d.changed, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	h := &holder{cancel}
	d.holders[h] = struct{}{}
	p := NewPermit(ctx, Term{Leader: d.standing.Leader, Token: d.standing.Token}, func() { d.leave(h) })
	p.look = func() { d.Standing() }
	return p, nil, nil
}

func (d *Door) leave(h *holder) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.holders, h)
	h.cancel(nil)
}
