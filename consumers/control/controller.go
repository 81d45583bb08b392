package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// Timeouts of single calls, and backoff after failed ones. A server that hangs is not waited for; a decision is made anew before a
// retry.
const (
	callLimit  = 2 * time.Second
	probeLimit = 2 * time.Second
	raiseLimit = 5 * time.Minute // it may have to migrate a large database; a lost leader ends it
	retryPause = 250 * time.Millisecond
	leaseEvery = 2500 * time.Millisecond
	leaseRetry = 500 * time.Millisecond
	leaseTrust = 7500 * time.Millisecond // after which another controller may have the lease: one that was stopped renews it first
)

// Consumers are paused for longer than the interval of pausing: a controller that dies must not stop them for good, and one that
// is busy must not let the pause expire.
const (
	pauseFor    = 30 * time.Second
	assertEvery = 10 * time.Second
	assertRetry = time.Second
)

// Config is what a controller is made of; all of it is required, Metrics excepted.
type Config struct {
	Cluster          Cluster
	Orders           StateStore
	Workers          Workers
	Database         Database
	ID               string // unique among controllers
	Namespace, Scope string // of Patroni's keys, for people
	Log              *slog.Logger
	Metrics          *Metrics
}

// Controller opens and shuts the gate, while it has the lease.
type Controller struct{ cfg Config }

// New makes a controller.
func New(c Config) (*Controller, error) {
	if c.ID == "" {
		return nil, fault.AsFatal(errors.New("making a controller: without an id two of them would take each other for themselves"))
	}
	return &Controller{c}, nil
}

// run is the event loop of a controller. One goroutine owns all of it and decides; calls that may take long run in goroutines of
// their own and post their results as events.
type run struct {
	Config
	events chan func()
	tasks  sync.WaitGroup

	order    gate.DesiredState
	revision uint64
	stale    bool // the desired state must be read before the next decision
	quiet    bool // the next state that is read is not logged
	retry    time.Time
	wrote    time.Time
	shutAt   time.Time // when the gate was last shut; zero if not seen by this process
	report   gate.Report

	server  probeResult
	reach   reach
	pending switchover
	noticed notices

	lease   task
	leading bool
	held    time.Time // when the lease was last renewed
	action  task
	serial  uint64 // of the action; the result of an older one is dropped
	stop    context.CancelFunc
	pause   task
	open    bool // what consumers were last set to

	failures map[string]string // what fails, and how; logged once
}

// task is a call outside of the loop, one at a time.
type task struct {
	busy bool
	due  time.Time
}

// Run controls until ctx ends; then it releases its lease. The gate stays as it is. It returns an error only if the bus refuses it
// for good.
func (c *Controller) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	r := &run{Config: c.cfg, events: make(chan func()), stale: true, quiet: true, stop: func() {}, failures: map[string]string{}}
	r.Metrics.follow(c.cfg.Cluster)
	defer r.release(ctx)
	defer r.tasks.Wait() // a renewal in flight must not arrive after the release
	defer stop()
	r.tasks.Go(func() { r.watch(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := c.cfg.Cluster.Changed() // before the status is read, so that nothing happens between
		wake, err := r.step(ctx, time.Now())
		if err != nil {
			return err
		}
		timer.Reset(time.Until(wake))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-timer.C:
		case do := <-r.events:
			do()
		}
	}
}

// step observes, decides and acts once, and returns when to do so again without an event.
func (r *run) step(ctx context.Context, now time.Time) (time.Time, error) {
	st := r.Cluster.Status()
	r.pending = r.pending.follow(st.View, now)
	r.remark(st, now)
	r.reach = r.reach.follow(st.View.Token, st.View.Members[st.View.Leader].Address)
	r.renewLease(ctx, now, st.Err == nil && !st.LastReply.IsZero() && !r.reach.lost(now))
	if r.leading && now.Sub(r.held) > leaseTrust {
		r.act(false)
	}
	if now.Before(r.retry) {
		return earliest(r.retry, r.wake(now, decision{})), nil
	}
	if r.stale {
		if err := r.read(ctx); err != nil || r.stale {
			return r.retry, err
		}
	}
	if !r.leading {
		return r.wake(now, decision{}), nil
	}
	if v := st.View; r.server.token != v.Token || r.server.address != v.Members[v.Leader].Address {
		r.forget()
		r.server = probeResult{token: v.Token, address: v.Members[v.Leader].Address, began: now}
	}
	d := decide(input{now: now, id: r.ID, place: path.Join("/", r.Namespace, r.Scope) + "/", observed: observation{st}, order: r.order, report: r.report,
		server: r.server, pending: r.pending, wrote: r.wrote})
	if d.write {
		return now, r.write(ctx, d.order)
	}
	if d.forget {
		r.forget()
	}
	r.begin(ctx, now, d)
	r.assert(ctx, now)
	return r.wake(now, d), nil
}

// wake is when the next step is due.
func (r *run) wake(now time.Time, d decision) time.Time {
	next := now.Add(time.Minute)
	if d.wake.After(now) {
		next = earliest(next, d.wake)
	}
	if d.do != none && !r.action.busy {
		next = earliest(next, d.due)
	}
	if !r.lease.busy {
		next = earliest(next, r.lease.due)
	}
	if r.leading && !r.pause.busy && !now.Before(r.retry) { // until then consumers are left alone
		next = earliest(next, r.pause.due)
	}
	return next
}

// read reads the desired state. A failure is retried after a pause, unless it is permanent.
func (r *run) read(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	o, revision, err := r.Orders.Read(limited)
	r.logFailure("reading the gate's order", err)
	if err != nil {
		return r.failed(ctx, err)
	}
	r.stale = false
	r.record(o, revision, !r.quiet)
	r.quiet = false
	return nil
}

// write replaces the desired state. The next read shows whether a call that failed has written.
func (r *run) write(ctx context.Context, o gate.DesiredState) error {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	revision, err := r.Orders.Swap(limited, o, r.revision)
	switch {
	case err == nil:
		r.wrote = time.Now()
		r.record(o, revision, true)
	case errors.Is(err, gate.ErrConflict):
		r.stale = true
		return nil
	default:
		r.stale = true
	}
	r.logFailure("writing the gate's order", err)
	return r.failed(ctx, err)
}

func (r *run) failed(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return nil
	}
	r.retry = time.Now().Add(retryPause)
	if fault.Of(err) == fault.Fatal {
		return fmt.Errorf("controlling the gate: %w", err)
	}
	return nil
}

// record keeps a desired state, and logs a transition.
func (r *run) record(o gate.DesiredState, revision uint64, news bool) {
	before := r.order
	r.order, r.revision = o, revision
	r.Metrics.order(o)
	if before.State == o.State && before.Reason == o.Reason && before.Token == o.Token && before.Round == o.Round {
		return
	}
	if o.State == gate.Shut && before.State != gate.Shut {
		r.shutAt = o.Since
	}
	if news && r.leading && o.State != "" {
		r.logTransition(before, o)
	}
	if o.State == gate.Shut && before.State != gate.Shut {
		r.forget() // an open gate's leader is probed again before the gate is opened
	}
}

// logTransition logs one line for every transition; tests read times from them.
func (r *run) logTransition(before, o gate.DesiredState) {
	r.Metrics.moved(o)
	level, what := slog.LevelInfo, "the gate is "+string(o.State)
	if o.State == gate.Shut {
		level = slog.LevelWarn
	}
	r.Log.Log(context.Background(), level, what, "state", o.State, "reason", o.Reason, "detail", o.Detail, "leader", o.Leader,
		"token", o.Token, "round", o.Round, "by", o.By)
	if o.State != gate.Opened || before.State == gate.Opened {
		return
	}
	if !r.shutAt.IsZero() {
		r.Metrics.paused(o.Since.Sub(r.shutAt))
	}
	if r.server.raised && !r.server.writable.IsZero() {
		r.Metrics.opened(time.Since(r.server.writable))
	}
}

// logFailure logs what fails: once, until it fails differently or succeeds.
func (r *run) logFailure(doing string, err error) {
	switch {
	case err == nil:
		delete(r.failures, doing)
	case r.failures[doing] != err.Error() && fault.Of(err) != fault.Stopped:
		r.failures[doing] = err.Error()
		r.Log.Warn("the gate's controller has a problem; trying again", "doing", doing, "error", err)
	}
}

func (r *run) release(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	r.logFailure("giving the claim back", r.Orders.Release(limited, r.ID))
	r.Metrics.acts(false)
}
