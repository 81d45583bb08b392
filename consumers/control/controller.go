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

// Limits of single calls, and pauses after failed ones. Nobody waits for ever for a server that hangs; a decision is made anew
// before it is tried again.
const (
	callLimit  = 2 * time.Second
	probeLimit = 2 * time.Second
	raiseLimit = 5 * time.Minute // it may have to bring a large record's schema up to date; a lost leader ends it
	retryPause = 250 * time.Millisecond
	claimEvery = 2500 * time.Millisecond
	claimRetry = 500 * time.Millisecond
	claimTrust = 7500 * time.Millisecond // after which another one may act: who wakes from a long sleep asks first
)

// Workers are paused for longer than until the next time they are: a controller that dies must not stop them for ever, and one
// that is busy must not let them go.
const (
	pauseFor    = 30 * time.Second
	assertEvery = 10 * time.Second
	assertRetry = time.Second
)

// Config is what a controller is made of; all of it is required, Metrics excepted.
type Config struct {
	Cluster          Cluster
	Orders           Orders
	Workers          Workers
	Database         Database
	ID               string // unique among controllers
	Namespace, Scope string // of Patroni's keys, for people
	Log              *slog.Logger
	Metrics          *Metrics
}

// Controller opens and shuts the gate, while no other one does.
type Controller struct{ cfg Config }

// New makes a controller.
func New(c Config) (*Controller, error) {
	if c.ID == "" {
		return nil, fault.AsFatal(errors.New("making a controller: without an id two of them would take each other for themselves"))
	}
	return &Controller{c}, nil
}

// run is a controller at work. One goroutine owns all of it and decides; whatever may take long happens beside it and comes
// back as mail.
type run struct {
	Config
	mail  chan func()
	tasks sync.WaitGroup

	order    gate.DesiredState
	revision uint64
	stale    bool // the order is to be read before anything is decided
	quiet    bool // the next one read is no news
	retry    time.Time
	wrote    time.Time
	shutAt   time.Time // when the gate was last shut; zero if nobody here saw it
	swept    gate.Report

	server    finding
	reach     reach
	announced announcement
	remarked  remarks

	claim  task
	acting bool
	held   time.Time // when the claim was last asked for with success
	errand task
	serial uint64 // of the errand; the answer of an older one is dropped
	stop   context.CancelFunc
	pause  task
	open   bool // what workers were last told

	troubles map[string]string // what fails, and how; said once
}

// task is something that happens beside the loop, one at a time.
type task struct {
	busy bool
	due  time.Time
}

// Run controls until ctx ends; then it gives up its claim. The gate stays as it is. It returns an error only if the bus
// refuses it for good.
func (c *Controller) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	r := &run{Config: c.cfg, mail: make(chan func()), stale: true, quiet: true, stop: func() {}, troubles: map[string]string{}}
	r.Metrics.follow(c.cfg.Cluster)
	defer r.yield(ctx)
	defer r.tasks.Wait() // a claim that is under way must not land after it was given back
	defer stop()
	r.tasks.Go(func() { r.watch(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		changed := c.cfg.Cluster.Changed() // before the status is read, so that nothing happens between
		wake, err := r.turn(ctx, time.Now())
		if err != nil {
			return err
		}
		timer.Reset(time.Until(wake))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-timer.C:
		case do := <-r.mail:
			do()
		}
	}
}

// turn looks, decides and acts once, and returns when to do so again if nothing happens before.
func (r *run) turn(ctx context.Context, now time.Time) (time.Time, error) {
	st := r.Cluster.Status()
	r.announced = r.announced.follow(st.View, now)
	r.remark(st, now)
	r.reach = r.reach.follow(st.View.Token, st.View.Members[st.View.Leader].Address)
	r.tryClaim(ctx, now, st.Err == nil && !st.LastReply.IsZero() && !r.reach.lost(now))
	if r.acting && now.Sub(r.held) > claimTrust {
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
	if !r.acting {
		return r.wake(now, decision{}), nil
	}
	if v := st.View; r.server.token != v.Token || r.server.address != v.Members[v.Leader].Address {
		r.forget()
		r.server = finding{token: v.Token, address: v.Members[v.Leader].Address, began: now}
	}
	d := decide(scene{now: now, id: r.ID, place: path.Join("/", r.Namespace, r.Scope) + "/", look: look{st}, order: r.order, swept: r.swept,
		server: r.server, announced: r.announced, wrote: r.wrote})
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

// wake is when the next turn is due.
func (r *run) wake(now time.Time, d decision) time.Time {
	next := now.Add(time.Minute)
	if d.wake.After(now) {
		next = earliest(next, d.wake)
	}
	if d.do != none && !r.errand.busy {
		next = earliest(next, d.due)
	}
	if !r.claim.busy {
		next = earliest(next, r.claim.due)
	}
	if r.acting && !r.pause.busy && !now.Before(r.retry) { // until then nobody is told anything
		next = earliest(next, r.pause.due)
	}
	return next
}

// read asks for the order that stands. What fails is tried again after a pause, unless it is refused for good.
func (r *run) read(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	o, revision, err := r.Orders.Read(limited)
	r.trouble("reading the gate's order", err)
	if err != nil {
		return r.failed(ctx, err)
	}
	r.stale = false
	r.saw(o, revision, !r.quiet)
	r.quiet = false
	return nil
}

// write replaces the order. Whether a call that failed has written is for the next reading to tell.
func (r *run) write(ctx context.Context, o gate.DesiredState) error {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	revision, err := r.Orders.Swap(limited, o, r.revision)
	switch {
	case err == nil:
		r.wrote = time.Now()
		r.saw(o, revision, true)
	case errors.Is(err, gate.ErrConflict):
		r.stale = true
		return nil
	default:
		r.stale = true
	}
	r.trouble("writing the gate's order", err)
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

// saw takes note of an order, and says so if it is news.
func (r *run) saw(o gate.DesiredState, revision uint64, news bool) {
	before := r.order
	r.order, r.revision = o, revision
	r.Metrics.order(o)
	if before.State == o.State && before.Reason == o.Reason && before.Token == o.Token && before.Round == o.Round {
		return
	}
	if o.State == gate.Shut && before.State != gate.Shut {
		r.shutAt = o.Since
	}
	if news && r.acting && o.State != "" {
		r.tell(before, o)
	}
	if o.State == gate.Shut && before.State != gate.Shut {
		r.forget() // what was true of an open gate's leader is asked again before it is opened
	}
}

// tell writes one line for every transition; tests read times from them.
func (r *run) tell(before, o gate.DesiredState) {
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

// trouble says what fails: once, until it fails otherwise or works again.
func (r *run) trouble(doing string, err error) {
	switch {
	case err == nil:
		delete(r.troubles, doing)
	case r.troubles[doing] != err.Error() && fault.Of(err) != fault.Stopped:
		r.troubles[doing] = err.Error()
		r.Log.Warn("the gate's controller has a problem; trying again", "doing", doing, "error", err)
	}
}

func (r *run) yield(ctx context.Context) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	r.trouble("giving the claim back", r.Orders.Yield(limited, r.ID))
	r.Metrics.acts(false)
}
