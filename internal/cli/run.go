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
	lasting   bool // it runs until it is stopped, so that others may join it
	consume   bool // it needs somebody who stores and aggregates
	needs     needs
	creates   bool // it makes the streams, and brings the schemas up to date
	lazy      bool // it opens connections itself, and does without some
	inspects  bool // it goes on where streams are missing
}

// needs are the servers that a command uses. One that it does not use may be away.
type needs struct {
	bus, record, figures bool
	gate                 bool // it looks at the gate without writing to the record
	control              bool // it controls the gate
}

// gated says that the gate's orders matter.
func (n needs) gated() bool { return n.record || n.gate }

// leader says that it matters who the leader is.
func (n needs) leader() bool { return n.gated() || n.control }

// everything is what most commands need.
func everything() needs { return needs{bus: true, record: true, figures: true} }

// Failures in a row after which a command that is to end gives up: an engine starts or does not, and a consumer outlasts a
// server that restarts, which takes some seconds.
const (
	engineTries   = 2
	consumerTries = 6
)

// within prepares the servers, starts the embedded ones and, if wanted and nobody else does, the consumers, runs do, and
// stops everything again.
func (a *app) within(ctx context.Context, want session, do func(ctx context.Context, s *stack) error) (err error) {
	want.needs.control = want.needs.control || want.consume
	s, err := a.prepare(ctx, want)
	if err != nil {
		return err
	}
	open := func(ctx context.Context) error { return s.open(ctx, want.needs) }
	if want.lazy {
		open = nil
	}
	list, servers := s.components(open)
	for i := range list {
		list[i].MaxFailures = engineTries
	}
	if want.consume && !(s.joined && s.at.Consumes) {
		for _, c := range s.consumers(servers) {
			c.MaxFailures = consumerTries
			list = append(list, c)
		}
		list = append(list, s.controllers(servers)...)
	}
	return a.supervised(ctx, s, list, do)
}

// supervised runs components beside do, which begins when all of them are ready, and ends them after it.
func (a *app) supervised(ctx context.Context, s *stack, list []supervise.Component, do func(context.Context, *stack) error) (err error) {
	if s.folder != nil {
		defer func() { err = errors.Join(err, s.folder.release()) }()
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.at.Consumes = s.at.Consumes || consumes(list)
	ready := newReadiness(list)
	sup, err := s.supervisor(list, ready)
	if err != nil {
		return err
	}
	// What runs beside outlives ctx: what do has begun ends first.
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work, endWork := context.WithCancelCause(ctx)
	s.giveUp = endWork
	var following sync.WaitGroup
	defer func() {
		endWork(nil)
		following.Wait()
	}()
	if s.joined {
		following.Go(func() { s.follow(work, endWork) })
	}
	ended := make(chan error, 1)
	go func() { ended <- runBeside(life, sup, endWork) }()
	err = s.begin(work, ready, do)
	stop()
	supErr := <-ended
	if err != nil && work.Err() != nil && supErr != nil {
		return ownWords(supErr)
	}
	return errors.Join(err, supErr)
}

// supervisor of the components, whose states go to health and to whoever waits until they are ready.
func (s *stack) supervisor(list []supervise.Component, ready *readiness) (*supervise.Supervisor, error) {
	health := supervise.ToHealth(s.health)
	sup, err := supervise.New(supervise.Options{Log: s.log, StopWithin: stopPatience, OnChange: func(st supervise.Status) {
		health(st)
		ready.note(st)
	}}, list...)
	if err != nil {
		return nil, err
	}
	s.registry.MustRegister(sup.Collector())
	return sup, nil
}

// runBeside runs the components until life ends. What cannot go on without them must not wait for them: their end ends the work.
func runBeside(life context.Context, sup *supervise.Supervisor, endWork context.CancelCauseFunc) error {
	err := sup.Run(life)
	endWork(fmt.Errorf("the servers have ended: %w", errOr(err, context.Canceled)))
	return err
}

// begin does the work when everything is ready, and says to others where the servers are.
func (s *stack) begin(work context.Context, ready *readiness, do func(context.Context, *stack) error) error {
	err := ready.wait(work)
	if err == nil && s.folder != nil {
		err = s.folder.announce(s.at)
	}
	if err == nil {
		err = do(work, s)
	}
	if cause := context.Cause(work); err != nil && errors.Is(cause, errHolderEnded) {
		return cause // the failures that come of it say less
	}
	return err
}

// consumes reports whether everything that comes onto the bus is stored and aggregated by these.
func consumes(list []supervise.Component) bool {
	n := 0
	for _, c := range list {
		if c.Name == "normalise" || c.Name == "aggregate" {
			n++
		}
	}
	return n == 2
}

// ownWords leaves out which component it was: its error says what it was doing.
func ownWords(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
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

// httpComponent serves health and metrics. Where it listens is told to address before it counts as ready.
func (s *stack) httpComponent(address func(string)) supervise.Component {
	listening := make(chan struct{})
	var once sync.Once
	return supervise.Component{Name: "http", Essential: true,
		Run: func(ctx context.Context) error {
			l, err := obs.Listen(ctx, s.cfg.Listen.HTTP)
			if err != nil {
				return err
			}
			once.Do(func() {
				address("http://" + l.Addr().String())
				close(listening)
			})
			return obs.ServeOn(ctx, l, s.mux())
		},
		Ready: func(ctx context.Context) error {
			select {
			case <-listening:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}
