package supervise

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/agrichat/agrichat/internal/fault"
)

const (
	// The first pause is short, because most failures are a server that restarts; the longest is short enough that a
	// person who has mended something does not wait for us.
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second
	// steady is how long a run must last for earlier failures to be forgotten: longer than the longest pause, lest a
	// component that fails at once forgets between two tries.
	steady = time.Minute
	// maxPanics in a row are for good: a panic is a mistake in the program, which trying again rarely mends.
	maxPanics = 5
)

// PanicError is a panic in a component.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells the value; the stack has many lines, and is logged.
func (p *PanicError) Error() string { return fmt.Sprintf("panicked: %v", p.Value) }

// Unwrap gives the error that was thrown, if it was one.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// keeper keeps one component running.
type keeper struct {
	Component
	supervisor *Supervisor
	needs      []*keeper
	neededBy   []*keeper

	ctx    context.Context // of the component: ends when its turn to stop has come
	cancel context.CancelFunc
	ready  chan struct{} // closed when it was ready for the first time
	first  sync.Once     // closes ready
	done   chan struct{} // closed when it has ended
	err    error         // why it failed for good; to be read after done
	status Status        // covered by the supervisor's mu
}

func newKeeper(s *Supervisor, c Component) *keeper {
	return &keeper{
		Component: c, supervisor: s, ready: make(chan struct{}), done: make(chan struct{}),
		status: Status{Name: c.Name, State: Waiting, Since: time.Now()},
	}
}

// keep runs the component until it ends for good, and returns the error if it failed.
func (k *keeper) keep() error {
	defer close(k.done)
	if err := k.await(); err != nil {
		return k.end(err)
	}
	var f failures
	f.pauses = newPauses()
	for {
		began := time.Now()
		k.supervisor.change(k, Starting, nil)
		err := k.once()
		if k.ctx.Err() != nil || err == nil || fault.Of(err) == fault.Fatal {
			return k.end(err)
		}
		f.count(err, time.Since(began) >= steady)
		if why := f.enough(k.MaxFailures); why != "" {
			return k.end(fmt.Errorf("%s: %w", why, err))
		}
		if !k.pause(err, max(f.pauses.NextBackOff(), fault.RetryAfter(err))) {
			return k.end(nil)
		}
	}
}

// await waits for those that the component comes after.
func (k *keeper) await() error {
	for _, n := range k.needs {
		select {
		case <-n.ready:
		case <-n.done:
			if n.err != nil {
				return fault.AsFatal(fmt.Errorf("waiting for %s, which failed", n.Name))
			}
		case <-k.ctx.Done():
			return k.ctx.Err()
		}
	}
	return nil
}

// once runs the component once, and waits beside it for its readiness.
func (k *keeper) once() error {
	ctx, cancel := context.WithCancel(k.ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		if k.Ready == nil || protect(ctx, k.Ready) == nil {
			k.isReady(ctx)
		}
	})
	err := protect(ctx, k.Run)
	cancel()
	beside.Wait()
	return err
}

// isReady notes it, unless the run has ended meanwhile.
func (k *keeper) isReady(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	k.supervisor.change(k, Running, nil)
	k.first.Do(func() { close(k.ready) })
}

// protect turns a panic into an error.
func protect(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f(ctx)
}

// pause tells the failure and waits; false means that there is nothing to wait for any more.
func (k *keeper) pause(err error, d time.Duration) bool {
	k.log(err).Warn("a component failed and will be restarted", "error", err, "pause", d.Round(time.Millisecond))
	k.supervisor.change(k, Restarting, func(s *Status) { s.Restarts, s.LastError = s.Restarts+1, err.Error() })
	select {
	case <-k.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// end notes how the component ended. The error of an essential one is returned by Run, and so is not logged.
func (k *keeper) end(err error) error {
	switch {
	case k.ctx.Err() != nil:
		if err != nil && fault.Of(err) != fault.Stopped {
			k.log(err).Warn("a component failed while it was stopped", "error", err)
			k.supervisor.change(k, Stopped, func(s *Status) { s.LastError = err.Error() })
			return nil
		}
		k.supervisor.change(k, Stopped, nil)
		return nil
	case err == nil:
		k.supervisor.change(k, Finished, nil)
		return nil
	}
	k.err = fmt.Errorf("running %s: %w", k.Name, err)
	if !k.Essential {
		k.log(err).Error("a component failed for good; the others go on", "error", err)
	}
	k.supervisor.change(k, Failed, func(s *Status) { s.LastError = err.Error() })
	return k.err
}

// stopInTurn ends the component's context when everything stops and those who need it have ended.
func (k *keeper) stopInTurn(life context.Context) {
	select {
	case <-life.Done():
	case <-k.done:
		return
	}
	for _, n := range k.neededBy {
		select {
		case <-n.done:
		case <-k.done:
			return
		}
	}
	k.supervisor.change(k, Stopping, nil)
	k.cancel()
}

type logger interface {
	Warn(message string, args ...any)
	Error(message string, args ...any)
}

// log is the log with the component's name, and with the stack if there is one.
func (k *keeper) log(err error) logger {
	l := k.supervisor.Log.With("component", k.Name)
	var p *PanicError
	if errors.As(err, &p) {
		l = l.With("stack", string(p.Stack))
	}
	return l
}

// failures counts what went wrong since the component last ran for long.
type failures struct {
	pauses *backoff.ExponentialBackOff
	all    int
	panics int
}

func newPauses() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstPause), backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(longestPause), backoff.WithMaxElapsedTime(0), // it never gives up by itself
	)
}

func (f *failures) count(err error, ranLong bool) {
	if ranLong {
		f.all, f.panics = 0, 0
		f.pauses.Reset()
	}
	f.all++
	var p *PanicError
	if errors.As(err, &p) {
		f.panics++
	} else {
		f.panics = 0
	}
}

// enough says why trying again has no point, or nothing.
func (f *failures) enough(limit int) string {
	switch {
	case f.panics >= maxPanics:
		return fmt.Sprintf("giving up after %d panics in a row", f.panics)
	case limit > 0 && f.all >= limit:
		return fmt.Sprintf("giving up after %d failures in a row", f.all)
	}
	return ""
}
