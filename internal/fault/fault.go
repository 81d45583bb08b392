// Package fault classifies errors by what to do about them: retry, dead-letter the input, stop, or nothing.
//
// It promises one answer for every error, marked or not, so that no caller invents its own. It logs nothing and decides no
// backoff; it only carries the delay that a server requested (Retry-After).
package fault

import (
	"context"
	"errors"
	"time"
)

// Class is what to do about an error.
type Class uint8

// The classes. An unmarked error is transient: a retry loses nothing, giving up might.
const (
	Transient Class = iota // retry later
	Poison                 // this one input will never succeed
	Fatal                  // this component cannot work until a person changes something
	Stopped                // the process or component is stopping
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

// AsTransient marks err as transient, to be retried no sooner than after; nil stays nil. The outermost mark counts, so
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

// Unmarked reports whether err has no class of its own: it may be an outage, or the fault of one input.
func Unmarked(err error) bool {
	var m *marked
	return err != nil && !errors.As(err, &m) && !errors.Is(err, context.Canceled)
}

// RetryAfter returns the delay before the next retry that a server requested; zero if it did not.
func RetryAfter(err error) time.Duration {
	var m *marked
	if errors.As(err, &m) {
		return m.after
	}
	return 0
}
