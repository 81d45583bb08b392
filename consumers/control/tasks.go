package control

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// post sends an event to the loop.
func (r *run) post(ctx context.Context, do func()) {
	select {
	case r.events <- do:
	case <-ctx.Done():
	}
}

// watch posts what changes in the bucket, and retries when the watch fails.
func (r *run) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.Orders.Watch(ctx, func(o gate.DesiredState, revision uint64) {
			r.post(ctx, func() { r.observe(o, revision) })
		}, func(s gate.Report) { r.post(ctx, func() { r.reported(s) }) })
		r.post(ctx, func() { r.logFailure("watching the gate's order", err) })
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// observe keeps a state from the watch. A doubtful one is read again: one that is gone, that cannot be decoded, or whose revision
// has passed or is that of a bucket that was created anew.
func (r *run) observe(o gate.DesiredState, revision uint64) {
	switch {
	case revision == r.revision || r.stale:
	case revision < r.revision, o.Reason == gate.Unreadable:
		r.stale = true
	default:
		r.record(o, revision, true)
	}
}

// reported keeps the report of a backfill. A late report of an earlier round must not hide the one that is awaited.
func (r *run) reported(s gate.Report) {
	if s.Round >= r.report.Round || s.Token > r.report.Token {
		r.report = s
	}
}

// renewLease acquires or renews the lease. A controller that cannot is not active: it could write no state either.
func (r *run) renewLease(ctx context.Context, now time.Time, etcdReachable bool) {
	if r.lease.busy || now.Before(r.lease.due) {
		return
	}
	r.lease = task{busy: true, due: now.Add(leaseEvery)}
	r.tasks.Go(func() {
		limited, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		held, err := r.Orders.Lease(limited, r.ID, etcdReachable)
		r.post(ctx, func() {
			r.lease.busy = false
			r.logFailure("claiming the gate", err)
			if err != nil {
				r.lease.due = time.Now().Add(leaseRetry)
			}
			if held = held && err == nil; held {
				r.held = now
			}
			r.act(held)
		})
	})
}

// act becomes active or passive. A controller that becomes active starts without cached knowledge.
func (r *run) act(acting bool) {
	if acting == r.leading {
		return
	}
	r.leading = acting
	r.forget()
	if acting {
		r.reach = reach{}
	}
	r.Metrics.acts(acting)
	if !acting {
		r.Log.Info("this controller acts no longer", "id", r.ID)
		return
	}
	r.stale, r.quiet, r.pause.due = true, true, time.Time{}
	r.Log.Info("this controller acts", "id", r.ID)
}

// forget drops what is known of the leader's server, and the probe in flight.
func (r *run) forget() {
	r.stop()
	r.serial++
	r.action.busy, r.server = false, probeResult{}
}

// begin starts an action, if one is due and none is in flight.
func (r *run) begin(ctx context.Context, now time.Time, d decision) {
	if d.do == none || r.action.busy || now.Before(d.due) {
		return
	}
	r.action.busy, r.server.tried = true, now
	r.serial++
	serial, f, limit := r.serial, r.server, probeLimit
	if d.do == raise {
		limit = raiseLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	r.stop = cancel
	r.tasks.Go(func() {
		defer cancel()
		found := r.ask(limited, d.do, f)
		r.post(ctx, func() {
			if serial == r.serial {
				r.action.busy = false
				if d.do == probe {
					r.noteReach(time.Now(), found.err)
				}
				r.recordResult(found)
			}
		})
	})
}

// ask executes an action and returns what is known after it.
func (r *run) ask(ctx context.Context, do action, f probeResult) probeResult {
	if do == raise {
		seen, err := r.Database.Raise(ctx, f.address, f.token)
		return f.afterRaise(f.token, seen, err)
	}
	p, err := r.Database.Probe(ctx, f.address)
	return f.afterProbe(time.Now(), p, err)
}

// recordResult keeps the result of an action.
func (r *run) recordResult(f probeResult) {
	before := r.server
	r.server = f
	if r.order.State != gate.Shut {
		return
	}
	if before.writable.IsZero() && !f.writable.IsZero() {
		r.Log.Info("a leader takes writes", "leader", r.order.Leader, "token", f.token, "address", f.address,
			"took", f.writable.Sub(f.began).Seconds())
	}
	if f.raised && !before.raised {
		r.Metrics.committed(time.Since(f.writable))
	}
	if f.seen > f.token && before.seen != f.seen {
		r.Metrics.regressed()
	}
}

// assert pauses or resumes the workers' consumers. It follows the desired state and never delays it: a worker that is delivered a
// message while the gate is shut waits at its own gate.
func (r *run) assert(ctx context.Context, now time.Time) {
	open := r.order.State == gate.Opened
	if r.pause.busy || open == r.open && now.Before(r.pause.due) {
		return
	}
	r.pause.busy, r.open = true, open
	r.tasks.Go(func() {
		limited, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		var err error
		if open {
			err = r.Workers.Resume(limited)
		} else {
			err = r.Workers.Pause(limited, now.Add(pauseFor))
		}
		r.post(ctx, func() {
			r.pause = task{due: now.Add(assertEvery)}
			if err != nil {
				r.pause.due = time.Now().Add(assertRetry)
			}
			r.logFailure("pausing or resuming the workers", err)
		})
	})
}

// notices are conditions of the cluster that were logged and close nothing.
type notices struct{ paused, over bool }

// remark logs conditions that people should know although they close nothing.
func (r *run) remark(st patroni.Status, now time.Time) {
	r.Metrics.maintained(st.View.Paused)
	said := r.noticed
	r.noticed = notices{st.View.Paused, r.pending.over(now)}
	if !r.leading {
		return
	}
	if r.noticed.over && !said.over {
		r.Log.Warn("a change of the leader was announced and has not come: Patroni gave it up, or waits", "leader", st.View.Leader)
	}
	if r.noticed.paused != said.paused {
		r.Log.Warn("Patroni's maintenance begins or ends; while it lasts nobody takes over a lost leader", "maintenance", st.View.Paused)
	}
}
