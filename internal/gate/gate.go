// Package gate answers one question: may this process write now, to which leader, and for how long?
//
// It promises that a permission ends no later than the lease it rests on, and that every write can carry its fencing token. It
// does not prevent writes: the database does, by comparing tokens.
package gate

import (
	"context"
	"errors"
)

// Term is the term of one leader.
type Term struct {
	Leader string // empty where there is only one server
	Token  uint64 // the fencing token, which rises with every term; zero without leader election
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
	look  func() // checks the clock, and ends ctx if it is time; nil: only leaving ends it
}

// NewPermit is called by implementations of Gate: ctx ends with the permission, and leave releases what it holds.
func NewPermit(ctx context.Context, t Term, leave context.CancelFunc) *Permit {
	return &Permit{Term: t, ctx: ctx, leave: leave}
}

// Context ends when the permission does; every statement of the transaction runs under it.
func (p *Permit) Context() context.Context { return p.ctx }

// Check reads the clock again and returns why the permission has ended, if it has. It is called right before a commit: a process
// that was stopped and resumes may get there before any timer fires. An error that wraps ErrShut is transient; any other one is
// that of the context given to Enter.
func (p *Permit) Check() error {
	if p.look != nil {
		p.look()
	}
	err := p.ctx.Err() // first: it may end between the two calls
	if cause := context.Cause(p.ctx); err != nil && errors.Is(cause, ErrShut) {
		return cause
	}
	return err
}

// Leave ends the permission; it may be called more than once.
func (p *Permit) Leave() { p.leave() }

// Open is the gate without leader election: always open, token zero.
type Open struct{}

// Enter never waits.
func (Open) Enter(ctx context.Context) (*Permit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, cancel := context.WithCancel(ctx)
	return NewPermit(c, Term{}, cancel), nil
}
