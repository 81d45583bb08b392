package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// noon is any moment.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// well is an input in which the gate is open, and should be.
func well() input {
	now := noon()
	return input{
		now: now, id: "here", place: "/service/main/",
		observed: observation{patroni.Status{View: patroni.View{
			Leader: "pg1", Token: 7, Initialize: "sys", Timeline: 3,
			Members: map[string]patroni.Member{"pg1": {Address: "pg1:5432", Timeline: 3}},
		}, Expires: now.Add(10 * time.Second), LastReply: now}},
		order: gate.DesiredState{State: gate.Opened, Leader: "pg1", Token: 7, System: "sys", Timeline: 3, Round: 4,
			Since: now.Add(-time.Hour), By: "here"},
		report: gate.Report{Round: 4, Token: 7},
		server: probeResult{token: 7, address: "pg1:5432", began: now.Add(-time.Hour), tried: now.Add(-time.Second), asked: true,
			probe: Probe{Writable: true, System: "sys", Timeline: 3}, writable: now.Add(-time.Hour), raised: true},
		wrote: now.Add(-time.Hour),
	}
}

// fresh is an input in which the gate is shut and the leader's server has not been probed.
func fresh() input {
	s := well()
	s.order.State, s.order.Reason = gate.Shut, gate.NoLeader
	s.server = probeResult{token: 7, address: "pg1:5432", began: s.now}
	return s
}

// found is an input in which the gate is shut and the server has answered.
func found() input {
	s := fresh()
	s.server = probeResult{token: 7, address: "pg1:5432", began: s.now.Add(-time.Second), tried: s.now, asked: true,
		probe: Probe{Writable: true, System: "sys", Timeline: 3}, writable: s.now}
	return s
}

func with(s input, change func(*input)) input {
	members := map[string]patroni.Member{}
	for k, v := range s.observed.View.Members {
		members[k] = v
	}
	s.observed.View.Members = members
	change(&s)
	return s
}

func refusal() error { return fault.AsFatal(errors.New("refused: do this")) }

func TestDecisions(t *testing.T) {
	t.Parallel()
	failover := func(f patroni.Failover) func(*input) {
		return func(s *input) {
			s.observed.View.Failover = &f
			s.pending = switchover{}.follow(s.observed.View, s.now)
		}
	}
	for name, c := range map[string]struct {
		input  input
		state  gate.State
		reason gate.Reason
		say    string
		do     action
	}{
		"well":                  {well(), gate.Opened, "", "", probe},
		"by hand":               {with(well(), func(s *input) { s.order.Hold = &gate.OperatorHold{Why: "moving house", By: "me@here"} }), gate.Shut, gate.ByHand, "me@here shut the gate: moving house", none},
		"by hand before sight":  {with(well(), func(s *input) { s.observed = observation{}; s.order.Hold = &gate.OperatorHold{} }), gate.Shut, gate.ByHand, "", none},
		"nobody has looked":     {input{now: noon()}, gate.Shut, gate.Starting, "", none},
		"what stood, unsighted": {with(well(), func(s *input) { s.observed = observation{} }), gate.Opened, "", "", none},
		"etcd refuses": {with(well(), func(s *input) { s.observed.Err, s.observed.Expires = refusal(), time.Time{} }),
			gate.Shut, gate.EtcdRefuses, "refused: do this", none},
		"etcd refuses, the lease holds": {with(well(), func(s *input) { s.observed.Err = refusal() }), gate.Opened, "", "", probe},
		"etcd is silent, the lease holds": {with(well(), func(s *input) { s.observed.Err = errors.New("x") }),
			gate.Opened, "", "", probe},
		"etcd is silent": {with(well(), func(s *input) { s.observed.Err, s.observed.Expires = errors.New("no route"), s.now }),
			gate.Shut, gate.Unproved, "etcd does not answer: no route", none},
		"the lease has ended": {with(well(), func(s *input) { s.observed.Expires = s.now }), gate.Shut, gate.Unproved, "lease of pg1", none},
		"no cluster": {with(well(), func(s *input) {
			s.observed.View, s.observed.Expires, s.observed.Err = patroni.View{Empty: true}, time.Time{}, errors.New("x")
			s.observed.Others = []string{"batman", "robin"}
		}),
			gate.Shut, gate.NoCluster, "nothing stands under /service/main/ in etcd: check patroni.namespace and patroni.scope; there is batman, robin: x", none},
		"no leader": {with(well(), func(s *input) { s.observed.View.Leader, s.observed.View.Token, s.observed.Expires = "", 0, time.Time{} }),
			gate.Shut, gate.NoLeader, "", none},
		"announced":                     {with(well(), failover(patroni.Failover{From: "pg1", To: "pg2"})), gate.Shut, gate.Switchover, "from pg1", none},
		"announced without from":        {with(well(), failover(patroni.Failover{To: "pg2"})), gate.Shut, gate.Switchover, "", none},
		"announced for later":           {with(well(), failover(patroni.Failover{From: "pg1", At: noon().Add(time.Second)})), gate.Opened, "", "", probe},
		"announced for now":             {with(well(), failover(patroni.Failover{From: "pg1", At: noon().Add(500 * time.Millisecond)})), gate.Shut, gate.Switchover, "", none},
		"announced and done":            {with(well(), failover(patroni.Failover{From: "pg2", To: "pg1"})), gate.Opened, "", "", probe},
		"announced from another":        {with(well(), failover(patroni.Failover{From: "pg3", To: "pg2"})), gate.Opened, "", "", probe},
		"announced a minute ago":        {with(found(), func(s *input) { s.pending.due = s.now.Add(-time.Minute) }), gate.Shut, gate.NewLeader, "raising", raise},
		"announced less than that":      {with(found(), func(s *input) { s.pending.due = s.now.Add(-time.Minute + 1) }), gate.Shut, gate.Switchover, "", none},
		"no address":                    {with(well(), func(s *input) { s.observed.View.Members["pg1"] = patroni.Member{} }), gate.Shut, gate.NoAddress, "pg1", none},
		"no member":                     {with(well(), func(s *input) { s.observed.View.Members = nil }), gate.Shut, gate.NoAddress, "pg1", none},
		"another cluster, etcd says":    {with(well(), func(s *input) { s.observed.View.Initialize = "else" }), gate.Shut, gate.OtherCluster, "--adopt", none},
		"adopted":                       {with(found(), func(s *input) { s.order.System, s.order.Timeline, s.server.raised = "", 9, true }), gate.Recovering, "", "", none},
		"a new token":                   {with(well(), func(s *input) { s.observed.View.Token, s.server = 8, probeResult{began: s.now} }), gate.Shut, gate.NewLeader, "", probe},
		"not asked":                     {fresh(), gate.Shut, gate.NewLeader, "asking pg1", probe},
		"no answer":                     {with(found(), func(s *input) { s.server = probeResult{began: s.now, err: errors.New("refused")} }), gate.Shut, gate.NewLeader, "refused", probe},
		"in recovery":                   {with(found(), func(s *input) { s.server.probe.Writable = false }), gate.Shut, gate.NotWritable, "yet", probe},
		"read-only for long":            {with(found(), func(s *input) { s.server.probe.Writable, s.server.began = false, s.now.Add(-slowAfter) }), gate.Shut, gate.NotWritable, "look at Patroni", probe},
		"another cluster, it says":      {with(found(), func(s *input) { s.server.probe.System = "else" }), gate.Shut, gate.OtherCluster, "--adopt", probe},
		"a stray server":                {with(found(), func(s *input) { s.order.System, s.server.probe.System = "", "else" }), gate.Shut, gate.OtherCluster, "conn_url", probe},
		"an older timeline":             {with(found(), func(s *input) { s.order.Timeline = 4 }), gate.Shut, gate.OlderTimeline, "timeline 3", probe},
		"older than the member's":       {with(found(), func(s *input) { s.observed.View.Members["pg1"] = patroni.Member{Address: "a:1", Timeline: 4} }), gate.Shut, gate.OlderTimeline, "on 4", probe},
		"the database refuses":          {with(found(), func(s *input) { s.server.asked, s.server.err = false, refusal() }), gate.Shut, gate.DatabaseRefuses, "do this", probe},
		"to be raised":                  {found(), gate.Shut, gate.NewLeader, "raising", raise},
		"the token is behind":           {with(found(), func(s *input) { s.server.seen = 8 }), gate.Shut, gate.TokenBehind, "seen token 8", raise},
		"raised":                        {with(found(), func(s *input) { s.server.raised = true }), gate.Recovering, "", "", none},
		"recovering":                    {with(well(), func(s *input) { s.order.State, s.order.Since, s.report.Round = gate.Recovering, s.now, 3 }), gate.Recovering, "", "", probe},
		"recovering for long":           {with(well(), func(s *input) { s.order.State, s.report.Round = gate.Recovering, 3 }), gate.Recovering, "", "no worker", probe},
		"swept under another token":     {with(well(), func(s *input) { s.order.State, s.order.Since, s.report.Token = gate.Recovering, s.now, 6 }), gate.Recovering, "", "", probe},
		"swept":                         {with(well(), func(s *input) { s.order.State = gate.Recovering }), gate.Opened, "", "", probe},
		"read-only once while open":     {with(well(), func(s *input) { s.server = s.server.afterProbe(s.now, Probe{System: "sys", Timeline: 3}, nil) }), gate.Opened, "", "", probe},
		"silent while open":             {with(well(), func(s *input) { s.server = s.server.afterProbe(s.now, Probe{}, errors.New("x")) }), gate.Opened, "", "", probe},
		"another one answers at open":   {with(well(), func(s *input) { s.server.probe.System = "else" }), gate.Shut, gate.OtherCluster, "", probe},
		"read-only twice while open":    {with(well(), func(s *input) { s.server = twice(s.server, Probe{System: "sys", Timeline: 3}, nil) }), gate.Shut, gate.NotWritable, "", probe},
		"refused twice while open":      {with(well(), func(s *input) { s.server = twice(s.server, Probe{}, refusal()) }), gate.Shut, gate.DatabaseRefuses, "", probe},
		"said before, and not asked":    {with(fresh(), func(s *input) { s.order.Reason, s.order.Detail = gate.TokenBehind, "as was" }), gate.Shut, gate.TokenBehind, "as was", probe},
		"maintenance":                   {with(well(), func(s *input) { s.observed.View.Paused = true }), gate.Opened, "", "maintenance", probe},
		"an order of another programme": {with(found(), func(s *input) { s.order.State = "ajar" }), gate.Shut, gate.NewLeader, "", raise},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := decide(c.input)
			if d.order.State != c.state || d.order.Reason != c.reason || !strings.Contains(d.order.Detail, c.say) || d.do != c.do {
				t.Errorf("%s %q (%s), action %d; want %s %q (%s), %d", d.order.State, d.order.Reason, d.order.Detail, d.do, c.state, c.reason, c.say, c.do)
			}
			again := c.input
			again.order, again.wrote = d.order, c.input.now
			if next := decide(again); next.write && next.order.State == d.order.State && next.order.Reason == d.order.Reason {
				t.Errorf("the same input is written again: %+v after %+v", next.order, d.order)
			}
		})
	}
}

func twice(f probeResult, p Probe, err error) probeResult {
	return f.afterProbe(noon(), p, err).afterProbe(noon(), p, err)
}

func TestWhatARecoveringOrderCarries(t *testing.T) {
	t.Parallel()
	s := found()
	s.observed.View.Leader, s.observed.View.Token = "pg2", 9
	s.observed.View.Members["pg2"] = patroni.Member{Address: "pg2:5432", Timeline: 4}
	s.server.raised, s.server.probe.Timeline = true, 4
	s.report.Round = 11 // of an order that was lost
	got := decide(s).order
	want := gate.DesiredState{State: gate.Recovering, Leader: "pg2", Token: 9, System: "sys", Timeline: 4, Round: 12, Since: noon(), By: "here"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if s.order = got; decide(s).order.State != gate.Recovering {
		t.Error("the report of an earlier round opened the gate")
	}
	if s.report = (gate.Report{Round: 12, Token: 9}); decide(s).order.State != gate.Opened {
		t.Error("its own did not")
	}
}

func TestWhenToLookAgain(t *testing.T) {
	t.Parallel()
	now := noon()
	for name, c := range map[string]struct {
		input     input
		due, wake time.Time
	}{
		"the lease ends":            {well(), now.Add(4 * time.Second), now.Add(10 * time.Second)},
		"read-only once":            {with(well(), func(s *input) { s.server.probe.Writable = false }), now, now.Add(10 * time.Second)},
		"a server that is promoted": {with(found(), func(s *input) { s.server.probe.Writable = false }), now.Add(fastInterval), now.Add(9 * time.Second)},
		"a refusal":                 {with(found(), func(s *input) { s.server.err = refusal() }), now.Add(rareInterval), now.Add(9 * time.Second)},
		"raised at once":            {found(), now, now.Add(9 * time.Second)},
		"announced for later": {with(well(), func(s *input) {
			s.observed.View.Failover = &patroni.Failover{From: "pg1", At: now.Add(3 * time.Second)}
			s.pending = s.pending.follow(s.observed.View, now)
		}), now.Add(4 * time.Second), now.Add(2500 * time.Millisecond)},
		"by hand, which ends by hand": {with(well(), func(s *input) { s.order.Hold, s.observed.Expires = &gate.OperatorHold{}, now }), time.Time{}, time.Time{}},
	} {
		d := decide(c.input)
		if !d.due.Equal(c.due) || !d.wake.Equal(c.wake) {
			t.Errorf("%s: due %s, wake %s; want %s, %s", name, d.due, d.wake, c.due, c.wake)
		}
	}
}

// A sentence that changes with every answer must not make a revision of it each time.
func TestSentencesChangeSlowly(t *testing.T) {
	t.Parallel()
	s := well()
	s.observed.View.Paused, s.wrote = true, s.now.Add(-time.Second)
	if d := decide(s); d.write || !d.wake.Equal(s.now.Add(time.Second)) {
		t.Errorf("written %v, again at %s", d.write, d.wake)
	}
	if s.wrote = s.now.Add(-detailEvery); !decide(s).write {
		t.Error("not written when it was time")
	}
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	now := noon()
	v := patroni.View{Leader: "pg1", Token: 7, Failover: &patroni.Failover{From: "pg1", To: "pg2"}}
	a := switchover{}.follow(v, now)
	if a = a.follow(v, now.Add(time.Minute)); a.shuts(now.Add(time.Minute)) || !a.over(now.Add(time.Minute)) {
		t.Error("looking again makes it last")
	}
	v.Token = 8
	if a = a.follow(v, now.Add(time.Minute)); !a.shuts(now.Add(time.Minute)) {
		t.Error("a new token of the same leader does not begin again")
	}
	v.Failover = nil
	if a = a.follow(v, now); a != (switchover{}) {
		t.Error("taken back, and yet it stands")
	}
}
