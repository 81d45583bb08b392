package control

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// post hands something over to the loop.
func (r *run) post(ctx context.Context, do func()) {
	select {
	case r.mail <- do:
	case <-ctx.Done():
	}
}

// watch hears what happens in the bucket.
func (r *run) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.Orders.Watch(ctx, func(o gate.DesiredState, revision uint64) {
			r.post(ctx, func() { r.heard(o, revision) })
		}, func(s gate.Report) { r.post(ctx, func() { r.reported(s) }) })
		r.post(ctx, func() { r.trouble("watching the gate's order", err) })
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// heard takes note of an order that stands. What it cannot be sure of is read: an order that is gone, one that a person has to
// look at, and a revision that has passed, or is that of a bucket made anew.
func (r *run) heard(o gate.DesiredState, revision uint64) {
	switch {
	case revision == r.revision || r.stale:
	case revision < r.revision, o.Reason == gate.Unreadable:
		r.stale = true
	default:
		r.saw(o, revision, true)
	}
}

// reported takes note of a sweep. A late report of an earlier round must not hide the one that is waited for.
func (r *run) reported(s gate.Report) {
	if s.Round >= r.swept.Round || s.Token > r.swept.Token {
		r.swept = s
	}
}

// tryClaim asks to be the one that acts. Who cannot ask does not act: it could write no order either.
func (r *run) tryClaim(ctx context.Context, now time.Time, sighted bool) {
	if r.claim.busy || now.Before(r.claim.due) {
		return
	}
	r.claim = task{busy: true, due: now.Add(claimEvery)}
	r.tasks.Go(func() {
		limited, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		held, err := r.Orders.Claim(limited, r.ID, sighted)
		r.post(ctx, func() {
			r.claim.busy = false
			r.trouble("claiming the gate", err)
			if err != nil {
				r.claim.due = time.Now().Add(claimRetry)
			}
			if held = held && err == nil; held {
				r.held = now
			}
			r.act(held)
		})
	})
}

// act begins or ceases to act. Whoever begins knows nothing that was not just asked.
func (r *run) act(acting bool) {
	if acting == r.acting {
		return
	}
	r.acting = acting
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

// forget drops what was found out about the leader's server, and what is being asked.
func (r *run) forget() {
	r.stop()
	r.serial++
	r.errand.busy, r.server = false, finding{}
}

// begin begins an errand, if one is due and none is under way.
func (r *run) begin(ctx context.Context, now time.Time, d decision) {
	if d.do == none || r.errand.busy || now.Before(d.due) {
		return
	}
	r.errand.busy, r.server.tried = true, now
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
				r.errand.busy = false
				if d.do == probe {
					r.noteReach(time.Now(), found.err)
				}
				r.found(found)
			}
		})
	})
}

// ask does an errand and returns what is known after it.
func (r *run) ask(ctx context.Context, do errand, f finding) finding {
	if do == raise {
		seen, err := r.Database.Raise(ctx, f.address, f.token)
		return f.lifted(f.token, seen, err)
	}
	p, err := r.Database.Probe(ctx, f.address)
	return f.answered(time.Now(), p, err)
}

// found takes note of what an errand brought.
func (r *run) found(f finding) {
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

// assert tells the workers' consumers what stands. It comes after the order and never holds it up: a worker that is delivered
// something while the gate is shut waits at its own.
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
			r.trouble("pausing or resuming the workers", err)
		})
	})
}

// remarks are what was said of the cluster that shuts nothing.
type remarks struct{ paused, over bool }

// remark says what people should know although it shuts nothing.
func (r *run) remark(st patroni.Status, now time.Time) {
	r.Metrics.maintained(st.View.Paused)
	said := r.remarked
	r.remarked = remarks{st.View.Paused, r.announced.over(now)}
	if !r.acting {
		return
	}
	if r.remarked.over && !said.over {
		r.Log.Warn("a change of the leader was announced and has not come: Patroni gave it up, or waits", "leader", st.View.Leader)
	}
	if r.remarked.paused != said.paused {
		r.Log.Warn("Patroni's maintenance begins or ends; while it lasts nobody takes over a lost leader", "maintenance", st.View.Paused)
	}
}
