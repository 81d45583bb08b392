// Package fault says what to do about an error: try again, set the input aside, stop, or nothing.
//
// It promises one answer for every error, marked or not, so that no caller invents its own. It logs nothing and decides no
// delays beyond carrying the one that a server asked for.
package fault

import (
	"context"
	"errors"
	"time"
)

// Class is what to do about an error.
type Class uint8

// The classes. An unmarked error is transient: trying again loses nothing, giving up might.
const (
	Transient Class = iota // try again later
	Poison                 // this one input will never succeed
	Fatal                  // this component cannot work until a person changes something
	Stopped                // we were asked to stop
)

// String returns the name used in logs and metrics.
func (c Class) String() string {
	switch c {
	case Poison:
		return "poison"
	case Fatal:
		return "fatal"
	case Stopped:
		return "stopped"
	default:
		return "transient"
	}
}

type marked struct {
	err   error
	class Class
	after time.Duration
}

func (m *marked) Error() string { return m.err.Error() }
func (m *marked) Unwrap() error { return m.err }

// AsPoison marks err as poison; nil stays nil.
func AsPoison(err error) error { return mark(err, Poison, 0) }

// AsFatal marks err as fatal; nil stays nil.
func AsFatal(err error) error { return mark(err, Fatal, 0) }

// AsTransient marks err as transient, to be tried again no sooner than after; nil stays nil. The outermost mark counts, so
// this also takes another class back.
func AsTransient(err error, after time.Duration) error { return mark(err, Transient, after) }

func mark(err error, c Class, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &marked{err: err, class: c, after: after}
}

// Of classifies err. A cancelled context is Stopped; a deadline that ran out is not, because it was some operation's own.
func Of(err error) Class {
	var m *marked
	if errors.As(err, &m) {
		return m.class
	}
	if errors.Is(err, context.Canceled) {
		return Stopped
	}
	return Transient
}

// Unmarked reports whether nobody has said what err is: it may be an outage, or one input's own fault.
func Unmarked(err error) bool {
	var m *marked
	return err != nil && !errors.As(err, &m) && !errors.Is(err, context.Canceled)
}

// RetryAfter returns how long a server asked to wait; zero if it did not.
func RetryAfter(err error) time.Duration {
	var m *marked
	if errors.As(err, &m) {
		return m.after
	}
	return 0
}
