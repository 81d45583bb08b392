// Package gate answers one question: may this process write now, to which leader, and for how long?
//
// It promises that a permission dies no later than the trust it rests on, and that every write can carry the token that
// fences it. It does not keep anybody from writing: the database does that, by comparing tokens.
package gate

import (
	"context"
	"errors"
)

// Term is the reign of one leader.
type Term struct {
	Leader string // empty where there is only one server
	Token  uint64 // rises with every reign; zero where nobody elects leaders
}

// Gate gives permission to write. It is called by every writer before every transaction.
type Gate interface {
	// Enter blocks until writing is allowed or ctx ends; then it returns ctx's error. The permission must be left.
	Enter(ctx context.Context) (*Permit, error)
}

// Permit is permission to write during one term.
type Permit struct {
	Term
	ctx   context.Context
	leave context.CancelFunc
	look  func() // looks at the clock, and ends ctx if it is time; nil: nothing ends but by leaving
}

// NewPermit is called by implementations of Gate: ctx ends with the permission, and leave releases what it holds.
func NewPermit(ctx context.Context, t Term, leave context.CancelFunc) *Permit {
	return &Permit{Term: t, ctx: ctx, leave: leave}
}

// Context ends when the permission does; every statement of the transaction runs under it.
func (p *Permit) Context() context.Context { return p.ctx }

// Check reads the clock again and says why the permission has ended, if it has. It is called right before a commit: a process
// that was stopped and wakes may get there before any timer does. An error that wraps ErrShut is transient; any other one is
// that of the context given to Enter.
func (p *Permit) Check() error {
	if p.look != nil {
		p.look()
	}
	err := p.ctx.Err() // first: it may end between two looks
	if cause := context.Cause(p.ctx); err != nil && errors.Is(cause, ErrShut) {
		return cause
	}
	return err
}

// Leave ends the permission; it may be called more than once.
func (p *Permit) Leave() { p.leave() }

// Open is the gate where nobody elects leaders: always open, token zero.
type Open struct{}

// Enter never waits.
func (Open) Enter(ctx context.Context) (*Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, cancel := context.WithCancel(ctx)
	return NewPermit(c, Term{}, cancel), nil
}
