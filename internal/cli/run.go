package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/supervise"
)

// session is what a command needs while it runs.
type session struct {
	exclusive bool // it must be the one that runs the embedded servers
	consume   bool // it needs somebody who stores and aggregates
}

// within prepares the servers, starts the embedded ones and, if wanted and nobody else does, the consumers, runs do, and
// stops everything again.
func (a *app) within(ctx context.Context, want session, do func(ctx context.Context, s *stack) error) (err error) {
	s, err := a.prepare(ctx, want.exclusive)
	if err != nil {
		return err
	}
	list, servers := s.components()
	if want.consume && !s.joined {
		list = append(list, s.consumers(servers)...)
	}
	return a.supervised(ctx, s, list, do)
}

// supervised runs components beside do, which begins when all of them are ready, and ends them after it.
func (a *app) supervised(ctx context.Context, s *stack, list []supervise.Component, do func(context.Context, *stack) error) (err error) {
	if s.folder != nil {
		defer func() { err = errors.Join(err, s.folder.release()) }()
	}
	defer func() { err = errors.Join(err, s.close()) }()
	ready := newReadiness(list)
	health := supervise.ToHealth(s.health)
	sup, err := supervise.New(supervise.Options{Log: s.log, StopWithin: stopPatience, OnChange: func(st supervise.Status) {
		health(st)
		ready.note(st)
	}}, list...)
	if err != nil {
		return err
	}
	s.registry.MustRegister(sup.Collector())
	life, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- sup.Run(life) }()
	work, endWork := context.WithCancelCause(ctx)
	defer endWork(nil)
	// What cannot go on without its components must not wait for them.
	broken := make(chan error, 1)
	go func() {
		err := <-ended
		endWork(fmt.Errorf("the servers have ended: %w", errOr(err, context.Canceled)))
		broken <- err
	}()
	err = ready.wait(work)
	if err == nil && s.folder != nil {
		err = s.folder.announce(s.at)
	}
	if err == nil {
		err = do(work, s)
	}
	stop()
	supErr := <-broken
	if err != nil && work.Err() != nil && supErr != nil {
		return supErr // the component's own words say more
	}
	return errors.Join(err, supErr)
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// readiness waits until every component has been ready once.
type readiness struct {
	mu   sync.Mutex // covers left
	left map[string]struct{}
	done chan struct{}
}

func newReadiness(list []supervise.Component) *readiness {
	r := &readiness{left: map[string]struct{}{}, done: make(chan struct{})}
	for _, c := range list {
		r.left[c.Name] = struct{}{}
	}
	if len(list) == 0 {
		close(r.done)
	}
	return r
}

func (r *readiness) note(s supervise.Status) {
	if s.State != supervise.Running && s.State != supervise.Finished {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, waiting := r.left[s.Name]; !waiting {
		return
	}
	if delete(r.left, s.Name); len(r.left) == 0 {
		close(r.done)
	}
}

func (r *readiness) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// httpComponent serves health and metrics. Where it listens is told to address.
func (s *stack) httpComponent(address func(string)) supervise.Component {
	return supervise.Component{Name: "http", Essential: true, Run: func(ctx context.Context) error {
		l, err := obs.Listen(ctx, s.cfg.Listen.HTTP)
		if err != nil {
			return err
		}
		address("http://" + l.Addr().String())
		return obs.ServeOn(ctx, l, s.mux())
	}}
}
