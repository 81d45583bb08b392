package app

import (
	"context"
	"errors"
	"os"
	"os/user"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers/control"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/supervise"
)

// The gate has two inputs: etcd, which needs no connection of ours, and the bucket with the desired state.

func (a *App) leaderComponent() supervise.Component {
	return supervise.Component{Name: "leader", Run: a.watchLeader, Essential: true}
}

func (a *App) watchLeader(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.gate.run(ctx) })
	// A connection to the old leader may go on working, and what it writes is lost.
	g.Go(func() error { return a.gate.onNewToken(ctx, a.resetPostgres) })
	g.Go(func() error { return a.links.run(ctx) })
	return g.Wait()
}

func (a *App) gateComponent() supervise.Component {
	return supervise.Component{Name: "gate", After: []string{"connections"}, Essential: true, Run: func(ctx context.Context) error {
		b, err := a.Bus(ctx)
		if err != nil {
			return err
		}
		if a.Missing() != nil { // no desired state was ever written, and this command only reads
			<-ctx.Done()
			return nil
		}
		return a.gate.watchDesired(ctx, b)
	}}
}

// controllers is the controller of this process, where a leader is followed. Of those of several processes one acts.
func (a *App) controllers(after []string) []supervise.Component {
	if a.gate.follower == nil {
		return nil
	}
	return []supervise.Component{{Name: "control", Run: a.control, After: after, Essential: true}}
}

// control opens and shuts the gate for every process, if no other controller does.
func (a *App) control(ctx context.Context) error {
	b, err := a.Bus(ctx)
	if err != nil {
		return err
	}
	orders, err := b.GateStore(ctx)
	if err != nil {
		return err
	}
	database, err := control.NewServer(a.cfg.Postgres.DSN)
	if err != nil {
		return err
	}
	c, err := control.New(control.Config{Cluster: a.gate.follower, Orders: orders, Workers: b.Durable(bus.Chat, bus.Normalise), Database: database, ID: a.id,
		Namespace: a.cfg.Patroni.Namespace, Scope: a.cfg.Patroni.Scope, Log: a.log, Metrics: a.gate.controller})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// PauseGate shuts the gate for every process until ResumeGate.
func (a *App) PauseGate(ctx context.Context, why string) error {
	return a.changeGate(ctx, func(o gate.DesiredState, now time.Time) gate.DesiredState {
		o.State, o.Reason, o.Detail, o.Since = gate.Shut, gate.ByHand, why, now
		o.Hold = &gate.OperatorHold{Why: why, By: Operator(), Since: now}
		return o
	})
}

// ResumeGate takes back a pause. With adopt the cluster that is there now is written to, though it is another one than before.
func (a *App) ResumeGate(ctx context.Context, adopt bool) error {
	return a.changeGate(ctx, func(o gate.DesiredState, now time.Time) gate.DesiredState {
		o.Hold, o.Since = nil, now
		o.State, o.Reason, o.Detail = gate.Shut, gate.Starting, ""
		if adopt {
			o.System, o.Timeline = "", 0
		}
		return o
	})
}

// changeGate replaces the desired state by compare-and-swap, and applies it to this process at once.
func (a *App) changeGate(ctx context.Context, change func(gate.DesiredState, time.Time) gate.DesiredState) error {
	b, err := a.Bus(ctx)
	if err != nil {
		return err
	}
	orders, err := b.GateStore(ctx)
	if err != nil {
		return err
	}
	for {
		o, revision, err := orders.Read(ctx)
		if err != nil {
			return err
		}
		o = change(o, time.Now().UTC())
		o.By = Operator()
		if !a.cfg.Etcd.Followed() && o.Hold == nil {
			o.State, o.Reason, o.Token = gate.Opened, "", 0 // no controller would open it
		}
		if _, err = orders.Swap(ctx, o, revision); errors.Is(err, gate.ErrConflict) {
			continue
		}
		if err == nil {
			a.gate.local.SetDesired(o)
		}
		return err
	}
}

// AwaitGate waits until the gate is as wanted, or the time is over, and returns its last status.
func (a *App) AwaitGate(ctx context.Context, timeout time.Duration, wanted func(gate.Status) bool) gate.Status {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	now, _ := a.gate.await(ctx, wanted)
	return now
}

// Operator names the user and the host of this process.
func Operator() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
