package control

import (
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/patroni"
)

// look is what the follower knows.
type observation struct{ patroni.Status }

func (l observation) proved(now time.Time) bool { return now.Before(l.Expires) }

// wake is when the proof ends, if there is one.
func (l observation) wake(now time.Time) time.Time {
	if l.proved(now) {
		return l.Expires
	}
	return time.Time{}
}

// probeResult is what is known of the leader's server since the gate was last open. It is a value.
type probeResult struct {
	token    uint64
	address  string
	began    time.Time // when it was first to be probed
	tried    time.Time // when the last action to it began
	asked    bool      // probe is its last answer
	probe    Probe
	err      error     // instead of an answer
	failed   error     // why the last raise failed; transient
	writable time.Time // when it was first found writable
	refusals int       // replies in a row that it is not
	raised   bool
	seen     uint64 // the highest token that the database has seen
}

// again returns when the next action is due.
func (f probeResult) again(pace time.Duration) time.Time {
	if f.tried.IsZero() {
		return f.began
	}
	return f.tried.Add(pace)
}

// afterProbe is f after a probe.
func (f probeResult) afterProbe(now time.Time, p Probe, err error) probeResult {
	f.asked, f.probe, f.err = err == nil, p, err
	switch {
	case err == nil && p.Writable:
		f.refusals = 0
		if f.writable.IsZero() {
			f.writable = now
		}
	case err == nil, fault.Of(err) == fault.Fatal:
		f.refusals++
	}
	return f
}

// afterRaise is f after an attempt to raise the token. After a failure the server is probed again: it may have changed.
func (f probeResult) afterRaise(token, seen uint64, err error) probeResult {
	f.failed, f.seen, f.raised = nil, 0, false
	switch {
	case err == nil && seen > token:
		f.seen = seen
	case err == nil:
		f.raised = true
	case fault.Of(err) == fault.Fatal:
		f.asked, f.err = false, err
	default:
		f.asked, f.failed = false, err
	}
	return f
}

// A switchover is due a little before its time: the old leader stops first. One that is pending and does not happen must not keep
// the gate shut for good, since Patroni does not always withdraw it.
const (
	switchoverAhead = 500 * time.Millisecond
	switchoverFor   = time.Minute
)

// switchover is a pending change of the leader, and since when it is due.
type switchover struct {
	failover patroni.Failover
	token    uint64
	due      time.Time // zero: not yet
}

// follow is the switchover after another view. One that names another leader is done, or was never for this one.
func (a switchover) follow(v patroni.View, now time.Time) switchover {
	f := v.Failover
	if f == nil || v.Leader == "" || f.From != "" && f.From != v.Leader || f.To == v.Leader {
		return switchover{}
	}
	next := switchover{failover: *f, token: v.Token}
	if a.token == v.Token && a.failover.From == f.From && a.failover.To == f.To && a.failover.At.Equal(f.At) {
		next.due = a.due
	}
	if next.due.IsZero() && (f.At.IsZero() || !now.Before(f.At.Add(-switchoverAhead))) {
		next.due = now
	}
	return next
}

func (a switchover) shuts(now time.Time) bool {
	return !a.due.IsZero() && now.Sub(a.due) < switchoverFor
}
func (a switchover) over(now time.Time) bool { return !a.due.IsZero() && !a.shuts(now) }

// wake is when the switchover becomes due or expires.
func (a switchover) wake(now time.Time) time.Time {
	switch {
	case a.shuts(now):
		return a.due.Add(switchoverFor)
	case a.due.IsZero() && !a.failover.At.IsZero():
		return a.failover.At.Add(-switchoverAhead)
	}
	return time.Time{}
}
