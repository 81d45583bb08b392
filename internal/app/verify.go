package app

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/verify"
)

// Verifier compares the bus and both stores.
func (c *Connections) Verifier(ctx context.Context) (*verify.Verifier, error) {
	s, err := c.Store(ctx)
	if err != nil {
		return nil, err
	}
	analytics, err := c.ClickHouse(ctx)
	if err != nil {
		return nil, err
	}
	b, pool := c.opened()
	return &verify.Verifier{Bus: verifiedBus{b.Reader(), b}, Postgres: pool, ClickHouse: analytics, Incarnation: s.Incarnation}, nil
}

// verifiedBus is the bus as verification needs it.
type verifiedBus struct {
	*bus.Reader
	bus *bus.Bus
}

// Facts implements verify.Bus.
func (b verifiedBus) Facts(ctx context.Context) (last, stored uint64, err error) {
	s, err := b.bus.Stream(ctx, bus.Facts)
	if err != nil {
		return 0, 0, err
	}
	c, err := b.bus.Durable(bus.Facts, bus.Aggregate).Status(ctx)
	return s.Last, c.AckFloor, err
}

// Corrections are what Verify does about the problems that it finds.
type Corrections struct {
	Repair bool // apply what is missing
	Accept bool // accept that messages were removed from CHAT before they were stored
}

// Verify waits for what is still being processed, compares the stores, corrects what it is asked to, and compares again. What is
// not there when the wait is over is missing.
func (c *Connections) Verify(ctx context.Context, until uint64, wait time.Duration, do Corrections) (*verify.Report, error) {
	v, err := c.Verifier(ctx)
	if err != nil {
		return nil, err
	}
	store, err := c.Store(ctx)
	if err != nil {
		return nil, err
	}
	run := func(until uint64) (r *verify.Report, err error) {
		err = verify.RetryTransient(ctx, func(ctx context.Context) (err error) {
			r, err = v.Run(ctx, until, wait)
			return err
		})
		return r, err
	}
	r, err := run(until)
	if err != nil || r.Equal || do == (Corrections{}) {
		return r, err
	}
	err = verify.RetryTransient(ctx, func(ctx context.Context) error {
		if do.Accept {
			if err := v.Accept(ctx, r, store, Operator()); err != nil {
				return err
			}
		}
		if do.Repair {
			return v.Repair(ctx, r, store)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return run(r.Sequence)
}

// SettleDeadLetters settles dead letters one by one: before each is removed from the bus, apply is called with it, and its new state
// is stored. A crash in between means that apply is called again.
func (c *Connections) SettleDeadLetters(ctx context.Context, ids []uint64, state string, apply func(context.Context, *bus.Bus, bus.DeadLetter) error) error {
	b, err := c.Bus(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		l, err := b.DeadLetters().Find(ctx, id)
		if err != nil {
			return err
		}
		if err := apply(ctx, b, l); err != nil {
			return err
		}
		c.fail.Reach("dlq.published")
		if err := c.settleDeadLetter(ctx, l, state); err != nil {
			return err
		}
		c.fail.Reach("dlq.noted")
		if err := b.DeadLetters().Remove(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// settleDeadLetter stores the state of a dead letter of the log; facts are not in the ledger.
func (c *Connections) settleDeadLetter(ctx context.Context, l bus.DeadLetter, state string) error {
	if l.Stream != bus.Chat {
		return nil
	}
	s, err := c.Store(ctx)
	if err != nil {
		return err
	}
	return s.ResolveDeadLetter(ctx, consumers.Delivery{Sequence: l.Sequence, Line: l.Line, Subject: l.Subject, EventIDs: l.EventID}, state)
}
