// Package supervise keeps named components running in one process.
//
// It promises that a component starts when those it needs are ready, is restarted with growing, jittered pauses when it
// fails in a way that may pass, and is given up loudly when it fails in a way that will not; that a panic is an error of the
// component it happened in; and that a stop goes from dependants to what they depend on, until a deadline.
//
// It does not restart dependants when what they depend on is restarted: they meet errors of their own, and know best.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Component is something to be kept running.
type Component struct {
	Name string // unique
	// Run blocks until ctx ends, or its work is done: nil without the end of ctx means that there is nothing more to do.
	// Called again, after a pause, when it returns an error that is not fatal.
	Run func(ctx context.Context) error
	// Ready blocks until the component does its work; called beside each Run, under a context that ends with it. Nil counts
	// as ready when Run is called; an error, as not ready.
	Ready func(ctx context.Context) error
	// After names those that must be ready, or have done their work, before Run is called for the first time.
	After []string
	// Essential components take all others down when they fail for good; others only themselves, and who is After them.
	Essential bool
	// MaxFailures in a row, none of which ran for long, are for good too; zero: it may go on failing. Panics have a limit
	// of their own in any case.
	MaxFailures int
}

// State is what a component does.
type State string

// The states.
const (
	Waiting    State = "waiting"    // for those it is After
	Starting   State = "starting"   // Run was called, Ready has not returned
	Running    State = "running"    // and ready
	Restarting State = "restarting" // it failed, and a pause runs
	Stopping   State = "stopping"   // its context has ended
	Stopped    State = "stopped"    // because it was asked to
	Finished   State = "finished"   // because its work is done
	Failed     State = "failed"     // for good
)

// Status is what is known of a component.
type Status struct {
	Name      string    `json:"name"`
	State     State     `json:"state"`
	Since     time.Time `json:"since"`
	Restarts  int       `json:"restarts"`
	LastError string    `json:"last_error,omitempty"`
}

// Options are how a Supervisor works. The zero value does.
type Options struct {
	Log *slog.Logger // nil: nothing is logged
	// OnChange is called after each change of a state, one call at a time, and must not block for long.
	OnChange func(Status)
	// StopWithin is how long components may take to stop in order, before all that are left are told at once.
	StopWithin time.Duration
}

const (
	// stopWithin leaves a writer the time for its last transaction, and is below the 30 seconds after which the usual
	// keepers of services kill.
	stopWithin = 20 * time.Second
	// stopHard is what is left to those who were told at once.
	stopHard = 5 * time.Second
)

// Supervisor keeps components running. Make it with New; it runs once.
type Supervisor struct {
	Options
	keepers []*keeper

	notify sync.Mutex // held across a change and its OnChange, so that changes are told in order
	mu     sync.Mutex // covers the status of each keeper
}

// New checks that the components fit together.
func New(o Options, components ...Component) (*Supervisor, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.StopWithin == 0 {
		o.StopWithin = stopWithin
	}
	s := &Supervisor{Options: o}
	byName := map[string]*keeper{}
	for _, c := range components {
		if c.Name == "" || c.Run == nil {
			return nil, fmt.Errorf("setting up components: %q has no name or no Run", c.Name)
		}
		if byName[c.Name] != nil {
			return nil, fmt.Errorf("setting up components: there are two named %s", c.Name)
		}
		k := newKeeper(s, c)
		byName[c.Name] = k
		s.keepers = append(s.keepers, k)
	}
	if err := s.connect(byName); err != nil {
		return nil, err
	}
	return s, nil
}

// connect finds who depends on whom.
func (s *Supervisor) connect(byName map[string]*keeper) error {
	for _, k := range s.keepers {
		for _, name := range k.After {
			needed := byName[name]
			if needed == nil {
				return fmt.Errorf("setting up components: %s comes after %s, which is not there", k.Name, name)
			}
			k.needs = append(k.needs, needed)
			needed.neededBy = append(needed.neededBy, k)
		}
	}
	return s.findCircle()
}

// findCircle takes away, again and again, who needs nobody that is left. A circle stays.
func (s *Supervisor) findCircle() error {
	left := slices.Clone(s.keepers)
	for len(left) > 0 {
		rest := slices.DeleteFunc(slices.Clone(left), func(k *keeper) bool {
			return !slices.ContainsFunc(k.needs, func(n *keeper) bool { return slices.Contains(left, n) })
		})
		if len(rest) == len(left) {
			return fmt.Errorf("setting up components: these wait for each other: %s", names(left))
		}
		left = rest
	}
	return nil
}

func names(list []*keeper) string {
	var b []string
	for _, k := range list {
		b = append(b, k.Name)
	}
	return strings.Join(b, ", ")
}

// Run starts all components and returns when all have ended: because ctx did (then nil, unless some would not stop), because
// an essential one failed (then its error), or because there was nothing left to do. A component that ignores the end of its
// context past every deadline is named in the error and left behind; the process should exit then.
func (s *Supervisor) Run(ctx context.Context) error {
	life, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for _, k := range s.keepers {
		k.ctx, k.cancel = context.WithCancel(context.WithoutCancel(ctx)) // it is stopped in its turn, not when ctx ends
		defer k.cancel()
	}
	for _, k := range s.keepers {
		all.Go(func() {
			if err := k.keep(); err != nil && k.Essential {
				stop(failure{err})
			}
		})
		all.Go(func() { k.stopInTurn(life) })
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-life.Done():
		if err := s.await(ended); err != nil {
			return errors.Join(reason(life), err)
		}
	}
	return s.outcome(ctx, life)
}

// await waits for all to end in order, and then for those who were told at once.
func (s *Supervisor) await(ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case <-time.After(s.StopWithin):
	}
	s.Log.Warn("stopping took too long; all that are left are stopped at once", "within", s.StopWithin, "left", s.left())
	for _, k := range s.keepers {
		k.cancel()
	}
	select {
	case <-ended:
		return nil
	case <-time.After(stopHard):
		return fmt.Errorf("stopping: these do not stop: %s", s.left())
	}
}

// left names those that have not ended.
func (s *Supervisor) left() string {
	return names(slices.DeleteFunc(slices.Clone(s.keepers), func(k *keeper) bool {
		select {
		case <-k.done:
			return true
		default:
			return false
		}
	}))
}

// failure is the cause of a stop that the caller did not ask for.
type failure struct{ error }

// reason is the failure that stopped everything, nil if it was the caller, whose cause may be any error.
func reason(life context.Context) error {
	var f failure
	if errors.As(context.Cause(life), &f) {
		return f.error
	}
	return nil
}

// outcome is what Run returns when all have ended. What failed during a stop was logged, and does not matter any more.
func (s *Supervisor) outcome(ctx, life context.Context) error {
	if err := reason(life); err != nil || ctx.Err() != nil {
		return err
	}
	failed := slices.DeleteFunc(slices.Clone(s.keepers), func(k *keeper) bool { return k.err == nil })
	if len(failed) > 0 { // without an error this would pass for success; the details were logged
		return fmt.Errorf("nothing is left to run; these failed: %s", names(failed))
	}
	return nil
}

// Statuses returns the status of each component, in the order in which they were given.
func (s *Supervisor) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, len(s.keepers))
	for i, k := range s.keepers {
		list[i] = k.status
	}
	return list
}

// last says that no state follows.
func (s State) last() bool { return s == Stopped || s == Finished || s == Failed }

// change updates a status and tells it. A word that comes late, from beside the component's own loop, changes nothing.
func (s *Supervisor) change(k *keeper, to State, update func(*Status)) {
	s.notify.Lock()
	defer s.notify.Unlock()
	s.mu.Lock()
	if was := k.status.State; was.last() || was == Stopping && !to.last() {
		s.mu.Unlock()
		return
	}
	k.status.State, k.status.Since = to, time.Now()
	if update != nil {
		update(&k.status)
	}
	now := k.status
	s.mu.Unlock()
	if s.OnChange != nil {
		s.OnChange(now)
	}
}
