package control

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// The intervals of probes. A new leader is probed often, since writers wait for it; one that takes writes is probed to notice a
// leader that became read-only without a change in etcd.
const (
	fastInterval = 100 * time.Millisecond
	slowInterval = time.Second // for what has lasted longer than slowAfter, and will not change from one moment to the next
	rareInterval = 5 * time.Second
	slowAfter    = 10 * time.Second
	detailEvery  = 2 * time.Second // how often the detail may change while nothing else does
)

// maxRefusals in a row, while the gate is open, mean that the leader takes no writes: a single one may coincide with a change.
const maxRefusals = 2

// action is what to do with the leader's server.
type action uint8

const (
	none action = iota
	probe
	raise
)

// input is everything that a decision depends on.
type input struct {
	now      time.Time
	id       string // of the controller
	place    string // where the cluster is in etcd, for people
	observed observation
	order    gate.DesiredState
	report   gate.Report
	server   probeResult
	pending  switchover
	wrote    time.Time // when the order was last written
}

// decision is the state to write, and what to do next.
type decision struct {
	order  gate.DesiredState
	write  bool // order differs from the current one
	forget bool // drop what is known of the server
	do     action
	due    time.Time // when to do it
	wake   time.Time // when to decide again if nothing happens before; zero: nothing passes by itself
}

// why is a reason and its detail.
type why struct {
	reason gate.Reason
	detail string
}

// decide returns the desired state. It is pure: the same input gives the same decision.
func decide(s input) decision {
	d := s.judge()
	d.order.By = s.id
	d.wake = earliest(d.wake, s.observed.wake(s.now), s.pending.wake(s.now))
	same, detail := sameOrder(d.order, s.order)
	d.write = !same
	if same && detail {
		if next := s.wrote.Add(detailEvery); s.now.Before(next) {
			d.wake = earliest(d.wake, next)
		} else {
			d.write = true
		}
	}
	return d
}

// sameOrder reports whether two orders say the same to machines, and whether they differ for people.
func sameOrder(a, b gate.DesiredState) (same, detail bool) {
	detail = a.Detail != b.Detail
	a.Detail, b.Detail, a.By, b.By, a.Hold, b.Hold = "", "", "", "", nil, nil
	return a == b, detail
}

func (s input) judge() decision {
	if s.order.Hold == nil && s.observed.LastReply.IsZero() && s.observed.Err == nil {
		if s.order.State == "" {
			return decision{order: s.shut(why{gate.Starting, "nobody has looked yet"})}
		}
		return decision{order: s.order} // the previous controller knew more than this one
	}
	if w := s.blocked(); w.reason != "" {
		return decision{order: s.shut(w), forget: true}
	}
	if s.current() {
		return s.watch()
	}
	return s.open()
}

// blocked returns what forbids writing, whatever the leader's server reports.
func (s input) blocked() why {
	l, v := s.observed, s.observed.View
	switch {
	case s.order.Hold != nil:
		h := s.order.Hold
		return why{gate.ByHand, fmt.Sprintf("%s shut the gate: %s; agrichat gate resume opens it", h.By, h.Why)}
	case v.Empty:
		return s.noCluster()
	case !l.proved(s.now) && l.Err != nil:
		return s.unanswered()
	case v.Leader == "" || v.Token == 0:
		return why{gate.NoLeader, "the leader key is gone; writing goes on when Patroni has made another leader"}
	case !l.proved(s.now):
		return why{gate.Unproved, fmt.Sprintf("the lease of %s may have ended, and nobody has renewed it", v.Leader)}
	case s.foreign(v.Initialize):
		return s.otherCluster(v.Initialize)
	case s.pending.shuts(s.now):
		return why{gate.Switchover, fmt.Sprintf("a change of the leader from %s is announced", v.Leader)}
	case v.Members[v.Leader].Address == "":
		return why{gate.NoAddress, fmt.Sprintf("the member %s under %s gives no conn_url that can be read", v.Leader, s.place)}
	}
	return why{}
}

func (s input) noCluster() why {
	text := fmt.Sprintf("nothing stands under %s in etcd: check patroni.namespace and patroni.scope", s.place)
	if len(s.observed.Others) > 0 {
		text += "; there is " + strings.Join(s.observed.Others, ", ")
	}
	return why{gate.NoCluster, join(text, s.observed.Err)}
}

// unanswered is for a leader whose lease is not confirmed because etcd does not answer. While the lease is valid a refusal counts
// as a timeout: closing the gate sooner would gain nothing.
func (s input) unanswered() why {
	if fault.Of(s.observed.Err) == fault.Fatal {
		return why{gate.EtcdRefuses, s.observed.Err.Error()}
	}
	return why{gate.Unproved, join("etcd does not answer", s.observed.Err)}
}

// foreign reports whether a system identifier is another cluster's. An order that names none takes what it finds.
func (s input) foreign(system string) bool {
	return s.order.System != "" && system != "" && system != s.order.System
}

func (s input) otherCluster(system string) why {
	return why{gate.OtherCluster, fmt.Sprintf("the cluster %s was written to, and this is %s: if that is meant, agrichat gate resume --adopt",
		s.order.System, system)}
}

// current reports whether the desired state is for the present leader.
func (s input) current() bool {
	o, v := s.order, s.observed.View
	return (o.State == gate.Recovering || o.State == gate.Opened) && o.Token == v.Token && o.Leader == v.Leader
}

// watch keeps the current state while nothing contradicts it.
func (s input) watch() decision {
	d := decision{order: s.order, do: probe, due: s.server.again(rareInterval)}
	if w, sure := s.refused(); w.reason != "" {
		if sure {
			d.order, d.due = s.shut(w), s.server.again(s.pace(w))
			return d
		}
		d.due = s.server.again(slowInterval)
	}
	d.order.Detail = s.remark()
	if s.order.State != gate.Recovering {
		return d
	}
	if s.report.Round == s.order.Round && s.report.Token == s.order.Token {
		d.order.State, d.order.Since = gate.Opened, clock(s.now)
		return d
	}
	if late := s.order.Since.Add(slowAfter); s.now.Before(late) {
		d.wake = late
	} else if d.order.Detail == "" {
		d.order.Detail = "no worker has filled the ledger's holes yet: does one run, and what does it log?"
	}
	return d
}

// refused returns what the last probe has against an open gate, and whether that is certain.
func (s input) refused() (w why, sure bool) {
	w = s.unfit()
	switch w.reason {
	case gate.NotWritable, gate.DatabaseRefuses:
		return w, s.server.refusals >= maxRefusals
	case gate.OtherCluster, gate.OlderTimeline:
		return w, true
	}
	return why{}, false // no answer is no refusal: etcd decides whether it still leads
}

// open prepares the gate for a new leader: it must be found writable, and the token raised, before gaps are backfilled under it.
func (s input) open() decision {
	w, next := s.unfit(), probe
	if w.reason == "" && s.server.raised {
		o := s.order
		o.State, o.Reason, o.Detail, o.Since = gate.Recovering, "", s.remark(), clock(s.now)
		o.Leader, o.Token = s.observed.View.Leader, s.observed.View.Token
		o.System, o.Timeline = s.server.probe.System, s.server.probe.Timeline
		o.Round = max(o.Round, s.report.Round) + 1 // a report that outlived its order must not pass for this round's
		return decision{order: o}
	}
	due := s.server.again(s.pace(w))
	if w.reason == "" {
		w, next, due = s.behind(), raise, s.server.tried
		if w.reason == "" {
			w = s.meanwhile("raising the token on "+s.server.address, gate.DatabaseRefuses)
		}
		if w.reason != gate.NewLeader {
			due = s.server.again(s.pace(w))
		}
	}
	return decision{order: s.shut(w), do: next, due: due, wake: s.server.began.Add(slowAfter)}
}

// unfit returns what the last probe has against writing to the server.
func (s input) unfit() why {
	f, v := s.server, s.observed.View
	p := f.probe
	switch {
	case !f.asked && f.err == nil:
		return s.meanwhile("asking "+v.Leader,
			gate.NotWritable, gate.DatabaseRefuses, gate.OtherCluster, gate.OlderTimeline, gate.TokenBehind)
	case fault.Of(f.err) == fault.Fatal:
		return why{gate.DatabaseRefuses, f.err.Error()}
	case f.err != nil:
		return why{gate.NewLeader, join(fmt.Sprintf("%s does not answer at %s yet", v.Leader, f.address), f.err)}
	case s.foreign(p.System):
		return s.otherCluster(p.System)
	case v.Initialize != "" && p.System != v.Initialize:
		return why{gate.OtherCluster, fmt.Sprintf("the server at %s is of the cluster %s, and %s is of %s: check the member's conn_url",
			f.address, p.System, s.place, v.Initialize)}
	case !p.Writable && s.now.Sub(f.began) < slowAfter:
		return why{gate.NotWritable, v.Leader + " takes no writes yet"}
	case !p.Writable:
		return why{gate.NotWritable, fmt.Sprintf("%s leads and stays read-only: look at Patroni and PostgreSQL on that host", v.Leader)}
	case s.order.System != "" && p.Timeline < s.order.Timeline, p.Timeline < v.Members[v.Leader].Timeline:
		return why{gate.OlderTimeline, fmt.Sprintf("the server at %s is on timeline %d, and the cluster has been on %d: it was left behind",
			f.address, p.Timeline, max(s.order.Timeline, v.Members[v.Leader].Timeline))}
	}
	return why{}
}

// meanwhile is the reason until the server has answered: one that was found before, perhaps by another controller, or what is
// being done.
func (s input) meanwhile(doing string, keep ...gate.Reason) why {
	if o := s.order; o.State == gate.Shut && o.Token == s.observed.View.Token && slices.Contains(keep, o.Reason) {
		return why{o.Reason, o.Detail}
	}
	return why{gate.NewLeader, join(doing, s.server.failed)}
}

// behind returns that the database has seen a higher token than etcd has.
func (s input) behind() why {
	if s.server.seen <= s.observed.View.Token {
		return why{}
	}
	return why{gate.TokenBehind, fmt.Sprintf("the database has seen token %d, and etcd gives %d: etcd was restored from an older copy or made anew. "+
		"Raise its revision above that (etcdutl snapshot restore --bump-revision, or writes to any key), then switch the leader over",
		s.server.seen, s.observed.View.Token)}
}

// pace is the interval of probes while the gate is closed.
func (s input) pace(w why) time.Duration {
	switch w.reason {
	case gate.DatabaseRefuses, gate.TokenBehind:
		return rareInterval
	case gate.OtherCluster, gate.OlderTimeline:
		return slowInterval
	}
	if s.now.Sub(s.server.began) >= slowAfter {
		return slowInterval
	}
	return fastInterval
}

// shut is the current state, closed for a reason. What was verified stays in it.
func (s input) shut(w why) gate.DesiredState {
	o, v := s.order, s.observed.View
	if o.State != gate.Shut {
		o.State, o.Since = gate.Shut, clock(s.now)
	}
	o.Reason, o.Detail = w.reason, w.detail
	if v.Leader != "" && v.Token != 0 && s.observed.proved(s.now) {
		o.Leader, o.Token = v.Leader, v.Token
	}
	return o
}

// remark is what people should know although nothing is wrong.
func (s input) remark() string {
	switch {
	case s.observed.View.Paused:
		return "Patroni is in maintenance: nobody takes over if the leader is lost"
	case s.pending.over(s.now):
		return "a change of the leader was announced and has not come: Patroni gave it up, or waits"
	}
	return ""
}

// clock is a time without its monotonic part, in UTC.
func clock(t time.Time) time.Time { return t.Round(0).UTC() }

func join(sentence string, err error) string {
	if err == nil {
		return sentence
	}
	return sentence + ": " + err.Error()
}

// earliest returns the first of the times that are not zero.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
