package control

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// The paces of looking at a server. A leader that was just made is asked often, since every answer is waited for; one that
// takes writes is asked so that nobody goes on trusting a leader that turned read-only without a word to etcd.
const (
	eagerly   = 100 * time.Millisecond
	patiently = time.Second // what has gone on for longer than patience, and will not change from one moment to the next
	rarely    = 5 * time.Second
	patience  = 10 * time.Second
	wordEvery = 2 * time.Second // how often a sentence for people may change while nothing else does
)

// enoughRefusals in a row, while the gate is open, say that the leader takes no writes: one may have hit a moment of change.
const enoughRefusals = 2

// errand is what to do about the leader's server.
type errand uint8

const (
	none errand = iota
	probe
	raise
)

// scene is everything that a decision is made of.
type scene struct {
	now       time.Time
	id        string // of the controller
	place     string // where the cluster is in etcd, for people
	look      look
	order     gate.DesiredState
	swept     gate.Report
	server    finding
	announced announcement
	wrote     time.Time // when the order was last written
}

// decision is what should stand, and what to do next.
type decision struct {
	order  gate.DesiredState
	write  bool // order is not what stands
	forget bool // what was found out about the server counts no more
	do     errand
	due    time.Time // when to do it
	wake   time.Time // when to decide again if nothing happens before; zero: nothing passes by itself
}

// why is a reason with its sentence.
type why struct {
	reason gate.Reason
	detail string
}

// decide says what the order should be. It is pure: whoever decides the same scene decides the same.
func decide(s scene) decision {
	d := s.judge()
	d.order.By = s.id
	d.wake = earliest(d.wake, s.look.wake(s.now), s.announced.wake(s.now))
	same, detail := sameOrder(d.order, s.order)
	d.write = !same
	if same && detail {
		if next := s.wrote.Add(wordEvery); s.now.Before(next) {
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

func (s scene) judge() decision {
	if s.order.Hold == nil && s.look.LastReply.IsZero() && s.look.Err == nil {
		if s.order.State == "" {
			return decision{order: s.shut(why{gate.Starting, "nobody has looked yet"})}
		}
		return decision{order: s.order} // whoever looked before us knew more than we do
	}
	if w := s.prevented(); w.reason != "" {
		return decision{order: s.shut(w), forget: true}
	}
	if s.stands() {
		return s.watch()
	}
	return s.open()
}

// prevented says what forbids writing whatever the leader's server says of itself.
func (s scene) prevented() why {
	l, v := s.look, s.look.View
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
	case s.announced.shuts(s.now):
		return why{gate.Switchover, fmt.Sprintf("a change of the leader from %s is announced", v.Leader)}
	case v.Members[v.Leader].Address == "":
		return why{gate.NoAddress, fmt.Sprintf("the member %s under %s gives no conn_url that can be read", v.Leader, s.place)}
	}
	return why{}
}

func (s scene) noCluster() why {
	text := fmt.Sprintf("nothing stands under %s in etcd: check patroni.namespace and patroni.scope", s.place)
	if len(s.look.Others) > 0 {
		text += "; there is " + strings.Join(s.look.Others, ", ")
	}
	return why{gate.NoCluster, join(text, s.look.Err)}
}

// unanswered is for a leader that etcd does not vouch for because it does not answer. A refusal weighs no more than silence
// while the lease can still be proved: shutting sooner would gain nothing.
func (s scene) unanswered() why {
	if fault.Of(s.look.Err) == fault.Fatal {
		return why{gate.EtcdRefuses, s.look.Err.Error()}
	}
	return why{gate.Unproved, join("etcd does not answer", s.look.Err)}
}

// foreign reports whether a system identifier is another cluster's. An order that names none takes what it finds.
func (s scene) foreign(system string) bool {
	return s.order.System != "" && system != "" && system != s.order.System
}

func (s scene) otherCluster(system string) why {
	return why{gate.OtherCluster, fmt.Sprintf("the cluster %s was written to, and this is %s: if that is meant, agrichat gate resume --adopt",
		s.order.System, system)}
}

// stands reports whether the standing order is for the present leader.
func (s scene) stands() bool {
	o, v := s.order, s.look.View
	return (o.State == gate.Recovering || o.State == gate.Opened) && o.Token == v.Token && o.Leader == v.Leader
}

// watch keeps what stands while nothing speaks against it.
func (s scene) watch() decision {
	d := decision{order: s.order, do: probe, due: s.server.again(rarely)}
	if w, sure := s.refused(); w.reason != "" {
		if sure {
			d.order, d.due = s.shut(w), s.server.again(s.pace(w))
			return d
		}
		d.due = s.server.again(patiently)
	}
	d.order.Detail = s.remark()
	if s.order.State != gate.Recovering {
		return d
	}
	if s.swept.Round == s.order.Round && s.swept.Token == s.order.Token {
		d.order.State, d.order.Since = gate.Opened, clock(s.now)
		return d
	}
	if late := s.order.Since.Add(patience); s.now.Before(late) {
		d.wake = late
	} else if d.order.Detail == "" {
		d.order.Detail = "no worker has filled the ledger's holes yet: does one run, and what does it log?"
	}
	return d
}

// refused says what the server's last answer has against an open gate, and whether that is sure.
func (s scene) refused() (w why, sure bool) {
	w = s.unfit()
	switch w.reason {
	case gate.NotWritable, gate.DatabaseRefuses:
		return w, s.server.refusals >= enoughRefusals
	case gate.OtherCluster, gate.OlderTimeline:
		return w, true
	}
	return why{}, false // no answer is no refusal: etcd says whether it still leads
}

// open brings a leader that does not have the gate to it: it must be proved writable, and the token raised, before holes are
// filled under it.
func (s scene) open() decision {
	w, next := s.unfit(), probe
	if w.reason == "" && s.server.raised {
		o := s.order
		o.State, o.Reason, o.Detail, o.Since = gate.Recovering, "", s.remark(), clock(s.now)
		o.Leader, o.Token = s.look.View.Leader, s.look.View.Token
		o.System, o.Timeline = s.server.probe.System, s.server.probe.Timeline
		o.Round = max(o.Round, s.swept.Round) + 1 // a report that outlived its order must not pass for this round's
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
	return decision{order: s.shut(w), do: next, due: due, wake: s.server.began.Add(patience)}
}

// unfit says what the server's last answer has against writing to it.
func (s scene) unfit() why {
	f, v := s.server, s.look.View
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
	case !p.Writable && s.now.Sub(f.began) < patience:
		return why{gate.NotWritable, v.Leader + " takes no writes yet"}
	case !p.Writable:
		return why{gate.NotWritable, fmt.Sprintf("%s leads and stays read-only: look at Patroni and PostgreSQL on that host", v.Leader)}
	case s.order.System != "" && p.Timeline < s.order.Timeline, p.Timeline < v.Members[v.Leader].Timeline:
		return why{gate.OlderTimeline, fmt.Sprintf("the server at %s is on timeline %d, and the cluster has been on %d: it was left behind",
			f.address, p.Timeline, max(s.order.Timeline, v.Members[v.Leader].Timeline))}
	}
	return why{}
}

// meanwhile is what is said until the server has answered: a reason to be kept that was found before, perhaps by another
// controller, or what is being done.
func (s scene) meanwhile(doing string, keep ...gate.Reason) why {
	if o := s.order; o.State == gate.Shut && o.Token == s.look.View.Token && slices.Contains(keep, o.Reason) {
		return why{o.Reason, o.Detail}
	}
	return why{gate.NewLeader, join(doing, s.server.failed)}
}

// behind says that the database has seen a higher token than etcd gives.
func (s scene) behind() why {
	if s.server.seen <= s.look.View.Token {
		return why{}
	}
	return why{gate.TokenBehind, fmt.Sprintf("the database has seen token %d, and etcd gives %d: etcd was restored from an older copy or made anew. "+
		"Raise its revision above that (etcdutl snapshot restore --bump-revision, or writes to any key), then switch the leader over",
		s.server.seen, s.look.View.Token)}
}

// pace is how often a server is asked that is not written to.
func (s scene) pace(w why) time.Duration {
	switch w.reason {
	case gate.DatabaseRefuses, gate.TokenBehind:
		return rarely
	case gate.OtherCluster, gate.OlderTimeline:
		return patiently
	}
	if s.now.Sub(s.server.began) >= patience {
		return patiently
	}
	return eagerly
}

// shut is the standing order, shut for a reason. What was proved stays in it.
func (s scene) shut(w why) gate.DesiredState {
	o, v := s.order, s.look.View
	if o.State != gate.Shut {
		o.State, o.Since = gate.Shut, clock(s.now)
	}
	o.Reason, o.Detail = w.reason, w.detail
	if v.Leader != "" && v.Token != 0 && s.look.proved(s.now) {
		o.Leader, o.Token = v.Leader, v.Token
	}
	return o
}

// remark is what people should know while all is well.
func (s scene) remark() string {
	switch {
	case s.look.View.Paused:
		return "Patroni is in maintenance: nobody takes over if the leader is lost"
	case s.announced.over(s.now):
		return "a change of the leader was announced and has not come: Patroni gave it up, or waits"
	}
	return ""
}

// clock is a time as others can read it.
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
