package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/supervise"
)

// Failures in a row after which a command that is to end gives up: an embedded server starts or does not, and a consumer outlasts a
// server that restarts, which takes some seconds.
const (
	serverAttempts   = 2
	consumerAttempts = 6
)

// Run finds the servers, starts the embedded ones and, if the options ask for it and the attached process does not do it, the
// consumers; runs do when all are ready; and stops everything again.
func Run(ctx context.Context, env Environment, o Options, do func(ctx context.Context, a *App) error) error {
	o.Control = o.Control || o.Consume
	a, err := open(ctx, env, o)
	if err != nil {
		return err
	}
	connect := func(ctx context.Context) error { return a.Open(ctx, o.Requirements) }
	if o.Lazy {
		connect = nil
	}
	list, names := a.components(connect)
	for i := range list {
		list[i].MaxFailures = serverAttempts
	}
	if o.Consume && !(a.Attached() && a.Endpoints().Consumes) {
		for _, c := range a.workers.consumers(names) {
			c.MaxFailures = consumerAttempts
			list = append(list, c)
		}
		list = append(list, a.controllers(names)...)
	}
	return a.supervise(ctx, list, do)
}

// Roles are the components of a process that runs until it is stopped.
type Roles struct {
	Consumers []string // by name
	Control   bool     // the controller, where a leader is followed
	Sources   bool     // the configured live sources
	Named     []string // of these, those with these names; none: all
	HTTP      bool     // health and metrics
	Connect   Connect
}

// Connect says which connections are opened before the roles begin. What cannot be opened then ends the process, so it is for
// processes that are to end. Roles open the others themselves, and retry while a server is away.
type Connect int

// The kinds of Connect.
const (
	OnDemand    Connect = iota
	EmbeddedBus         // the bus, if this process runs it
	AllRequired
)

// AllConsumers are the names of the consumers of the bus.
func AllConsumers() []string { return []string{"normalise", "aggregate", "quarantine"} }

// Serve runs roles, and do as well when all are ready.
func Serve(ctx context.Context, env Environment, o Options, r Roles, do func(ctx context.Context, a *App) error) error {
	a, err := open(ctx, env, o)
	if err != nil {
		return err
	}
	list, err := a.roles(r)
	if err != nil {
		return errors.Join(err, a.servers.release())
	}
	return a.supervise(ctx, list, do)
}

// roles are the components of the roles, and those that they need.
func (a *App) roles(r Roles) ([]supervise.Component, error) {
	var connect func(context.Context) error
	switch {
	case r.Connect == AllRequired:
		connect = func(ctx context.Context) error { return a.Open(ctx, a.options.Requirements) }
	case r.Connect == EmbeddedBus && a.servers.nats != nil:
		connect = func(ctx context.Context) error { return a.Open(ctx, Requirements{Bus: true}) }
	}
	list, names := a.components(connect)
	for _, c := range a.workers.consumers(names) {
		if slices.Contains(r.Consumers, c.Name) {
			list = append(list, c)
		}
	}
	if r.Control {
		list = append(list, a.controllers(names)...)
	}
	if r.Sources {
		sources, err := a.workers.producers(names, r.Named)
		if err != nil {
			return nil, err
		}
		list = append(list, sources...)
	}
	if r.HTTP {
		list = append(list, httpComponent(a))
	}
	return list, nil
}

// components are the embedded servers, and the connections to them, which close before the servers stop; roles come after all of
// them. connect, if not nil, opens connections before the roles begin.
func (a *App) components(connect func(context.Context) error) (list []supervise.Component, names []string) {
	list = a.servers.components()
	for _, c := range list {
		names = append(names, c.Name)
	}
	if a.options.leader() {
		list = append(list, a.leaderComponent())
		names = append(names, "leader")
	}
	list = append(list, a.connectionsComponent(names, connect))
	if a.options.gated() {
		list = append(list, a.gateComponent())
	}
	return list, append(names, "connections")
}

func (a *App) connectionsComponent(after []string, connect func(context.Context) error) supervise.Component {
	opened := make(chan struct{})
	return supervise.Component{Name: "connections", After: after, Essential: true,
		Run: func(ctx context.Context) error {
			var err error
			if connect != nil {
				err = connect(ctx)
			}
			if err != nil && ctx.Err() == nil {
				a.cancelWork(err)
			} else {
				close(opened)
			}
			<-ctx.Done()
			a.servers.stopping.Store(true)
			return a.Close()
		},
		Ready: func(ctx context.Context) error {
			select {
			case <-opened:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// supervise runs components and do, which begins when all of them are ready, and stops them after it.
func (a *App) supervise(ctx context.Context, list []supervise.Component, do func(context.Context, *App) error) (err error) {
	defer func() { err = errors.Join(err, a.servers.release()) }()
	defer func() { err = errors.Join(err, a.Close()) }()
	a.servers.endpoints.Consumes = a.servers.endpoints.Consumes || consumes(list)
	ready := newReadiness(list)
	sup, err := newSupervisor(a, list, ready)
	if err != nil {
		return err
	}
	// The components outlive ctx: what do has begun ends first.
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work, cancelWork := context.WithCancelCause(ctx)
	a.cancelWork = cancelWork
	var watching sync.WaitGroup
	defer func() {
		cancelWork(nil)
		watching.Wait()
	}()
	if a.Attached() {
		watching.Go(func() { a.servers.watchOwner(work, cancelWork) })
	}
	ended := make(chan error, 1)
	go func() { ended <- runSupervisor(life, sup, cancelWork) }()
	err = a.work(work, ready, do)
	stop()
	supErr := <-ended
	if err != nil && work.Err() != nil && supErr != nil {
		return cmp.Or(errors.Unwrap(supErr), supErr) // without the component's name: the error says what it was doing
	}
	return errors.Join(err, supErr)
}

// newSupervisor supervises the components, whose states go to health and to readiness.
func newSupervisor(a *App, list []supervise.Component, ready *readiness) (*supervise.Supervisor, error) {
	health := supervise.ToHealth(a.health)
	sup, err := supervise.New(supervise.Options{Log: a.log, StopWithin: StopTimeout, OnChange: func(st supervise.Status) {
		health(st)
		ready.observe(st)
	}}, list...)
	if err != nil {
		return nil, err
	}
	a.registry.MustRegister(sup.Collector())
	return sup, nil
}

// runSupervisor runs the components until life ends. Work that cannot go on without them must not wait for them: their end cancels it.
func runSupervisor(life context.Context, sup *supervise.Supervisor, cancelWork context.CancelCauseFunc) error {
	err := sup.Run(life)
	cancelWork(fmt.Errorf("the servers have ended: %w", cmp.Or(err, context.Canceled)))
	return err
}

// work runs do when everything is ready, and publishes where the servers are.
func (a *App) work(ctx context.Context, ready *readiness, do func(context.Context, *App) error) error {
	err := ready.wait(ctx)
	if err == nil {
		err = a.servers.publish()
	}
	if err == nil {
		err = do(ctx, a)
	}
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errOwnerEnded) {
		return cause // the failures that come of it say less
	}
	return err
}

// consumes reports whether these components store and aggregate everything that comes onto the bus.
func consumes(list []supervise.Component) bool {
	n := 0
	for _, c := range list {
		if c.Name == "normalise" || c.Name == "aggregate" {
			n++
		}
	}
	return n == 2
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

func (r *readiness) observe(s supervise.Status) {
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

// httpComponent serves health and metrics. Its address is among the endpoints before it counts as ready.
func httpComponent(a *App) supervise.Component {
	listening := make(chan struct{})
	var once sync.Once
	return supervise.Component{Name: "http", Essential: true,
		Run: func(ctx context.Context) error {
			l, err := obs.Listen(ctx, a.cfg.Listen.HTTP)
			if err != nil {
				return err
			}
			once.Do(func() {
				a.servers.endpoints.HTTP = "http://" + l.Addr().String()
				close(listening)
			})
			mux := http.NewServeMux()
			obs.Mount(mux, a.health, a.registry)
			return obs.ServeOn(ctx, l, mux)
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
