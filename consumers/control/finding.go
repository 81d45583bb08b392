package control

import (
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/patroni"
)

// look is what the follower knows.
type look struct{ patroni.Status }

func (l look) proved(now time.Time) bool { return now.Before(l.Expires) }

// wake is when the proof ends, if there is one.
func (l look) wake(now time.Time) time.Time {
	if l.proved(now) {
		return l.Expires
	}
	return time.Time{}
}

// finding is what was found out about a leader's server since it was last written to. It is a value.
type finding struct {
	token    uint64
	address  string
	began    time.Time // when it was first to be asked
	tried    time.Time // when the last errand to it began
	asked    bool      // probe is its last answer
	probe    Probe
	err      error     // instead of an answer
	failed   error     // the last raising, which passes
	writable time.Time // when it first said that it takes writes
	refusals int       // answers in a row that it does not
	raised   bool
	seen     uint64 // the highest token that the database has seen
}

// again is when the next errand is due.
func (f finding) again(pace time.Duration) time.Time {
	if f.tried.IsZero() {
		return f.began
	}
	return f.tried.Add(pace)
}

// answered is f after a probe.
func (f finding) answered(now time.Time, p Probe, err error) finding {
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

// lifted is f after the token was to be raised. A raising that fails says that the server is not what it was: it is asked again.
func (f finding) lifted(token, seen uint64, err error) finding {
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

// A switchover is due a little before it is: the old leader stops first. One that is announced and does not come must not
// keep the gate shut for ever, since Patroni does not always take the announcement back.
const (
	announcedAhead = 500 * time.Millisecond
	announcedFor   = time.Minute
)

// announcement is a change of the leader that is asked for, and since when it is about to happen.
type announcement struct {
	failover patroni.Failover
	token    uint64
	due      time.Time // zero: not yet
}

// follow is the announcement after another look. One that names another leader is done, or was never meant for this one.
func (a announcement) follow(v patroni.View, now time.Time) announcement {
	f := v.Failover
	if f == nil || v.Leader == "" || f.From != "" && f.From != v.Leader || f.To == v.Leader {
		return announcement{}
	}
	next := announcement{failover: *f, token: v.Token}
	if a.token == v.Token && a.failover.From == f.From && a.failover.To == f.To && a.failover.At.Equal(f.At) {
		next.due = a.due
	}
	if next.due.IsZero() && (f.At.IsZero() || !now.Before(f.At.Add(-announcedAhead))) {
		next.due = now
	}
	return next
}

func (a announcement) shuts(now time.Time) bool {
	return !a.due.IsZero() && now.Sub(a.due) < announcedFor
}
func (a announcement) over(now time.Time) bool { return !a.due.IsZero() && !a.shuts(now) }

// wake is when the announcement begins or ceases to matter.
func (a announcement) wake(now time.Time) time.Time {
	switch {
	case a.shuts(now):
		return a.due.Add(announcedFor)
	case a.due.IsZero() && !a.failover.At.IsZero():
		return a.failover.At.Add(-announcedAhead)
	}
	return time.Time{}
}
