package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestLocal_decide(t *testing.T) {
	t.Parallel()
	now := time.Now()
	later := now.Add(time.Second)
	opened := DesiredState{State: Opened, Token: 7, Round: 3}
	trust := Lease{Leader: "a", Address: "a:5432", Token: 7, Expires: later, LastReply: now}
	byHand := DesiredState{State: Shut, Reason: ByHand, Token: 7, Detail: "work on the disks", Hold: &OperatorHold{Why: "disks"}}
	with := func(change func(*Lease)) *Lease {
		t := trust
		change(&t)
		return &t
	}
	none := &DesiredState{}
	for _, c := range []struct {
		name   string
		alone  bool
		rests  bool // nobody runs the door
		order  *DesiredState
		trust  *Lease
		state  State
		reason Reason
	}{
		{name: "nothing is known", state: Shut, reason: Starting},
		{name: "no trust", order: &opened, state: Shut, reason: Starting},
		{name: "no order", trust: &trust, state: Shut, reason: Starting},
		{name: "an absent order", order: none, trust: &trust, state: Shut, reason: Starting},
		{name: "nobody runs it", rests: true, order: &opened, trust: &trust, state: Shut, reason: Starting},
		{name: "open", order: &opened, trust: &trust, state: Opened},
		{name: "recovering", order: &DesiredState{State: Recovering, Reason: NewLeader, Token: 7}, trust: &trust, state: Recovering, reason: NewLeader},
		{name: "by hand", order: &byHand, trust: &trust, state: Shut, reason: ByHand},
		{name: "an unknown state", order: &DesiredState{State: "ajar", Token: 7}, trust: &trust, state: Shut, reason: Unreadable},

		{name: "until has come", order: &opened, trust: with(func(t *Lease) { t.Expires = now }), state: Shut, reason: Unproved},
		{name: "until has passed", order: &byHand, trust: with(func(t *Lease) { t.Expires = now.Add(-1) }), state: Shut, reason: Unproved},
		{name: "until is not known", order: &opened, trust: with(func(t *Lease) { t.Expires = time.Time{} }), state: Shut, reason: Starting},
		{name: "etcd says shut", order: &opened, trust: with(func(t *Lease) { t.Shut = Switchover }), state: Shut, reason: Switchover},
		{name: "its own reason first", order: &byHand, trust: &Lease{Shut: EtcdRefuses}, state: Shut, reason: EtcdRefuses},
		{name: "no leader", order: &opened, trust: &Lease{LastReply: now}, state: Shut, reason: NoLeader},
		{name: "no leader, and an order for none", order: &DesiredState{State: Opened}, trust: &Lease{Expires: later}, state: Shut, reason: NoLeader},

		{name: "a newer leader", order: &opened, trust: with(func(t *Lease) { t.Token = 8 }), state: Shut, reason: NewLeader},
		{name: "a newer leader while by hand", order: &byHand, trust: with(func(t *Lease) { t.Token = 8 }), state: Shut, reason: NewLeader},
		{name: "an older leader", order: &opened, trust: with(func(t *Lease) { t.Token = 6 }), state: Shut, reason: NewLeader},
		{name: "an older leader while by hand", order: &byHand, trust: with(func(t *Lease) { t.Token = 6 }), state: Shut, reason: ByHand},
		{
			name: "recovering for another", order: &DesiredState{State: Recovering, Token: 8}, trust: &trust, state: Shut, reason: NewLeader,
		},

		{name: "alone and not told", alone: true, state: Shut, reason: Starting},
		{name: "alone without an order", alone: true, rests: true, order: none, state: Opened},
		{name: "alone and opened", alone: true, order: &DesiredState{State: Opened}, state: Opened},
		{name: "alone and by hand", alone: true, order: &DesiredState{State: Shut, Reason: ByHand}, state: Shut, reason: ByHand},
		{name: "alone and recovering", alone: true, order: &DesiredState{State: Recovering}, state: Recovering},
		{name: "alone beside a cluster", alone: true, order: &opened, state: Shut, reason: NotFollowing},
		{name: "alone beside a cluster that is shut", alone: true, order: &byHand, state: Shut, reason: NotFollowing},
		{name: "alone trusts nobody", alone: true, order: none, trust: &Lease{Token: 9, Shut: NoLeader}, state: Opened},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewLocal(Config{Alone: c.alone})
			d.running = !c.rests
			if c.order != nil {
				d.desired, d.haveDesired = *c.order, true
			}
			if c.trust != nil {
				d.lease, d.haveLease = *c.trust, true
			}
			s := d.decide(now)
			if s.State != c.state || s.Reason != c.reason {
				t.Errorf("%s (%s: %s), want %s (%s)", s.State, s.Reason, s.Detail, c.state, c.reason)
			}
			if !cmp.Equal(s.Hold, d.desired.Hold) || s.Round != d.desired.Round {
				t.Errorf("%+v hides the order %+v", s, d.desired)
			}
			if c.alone && s.Token != 0 {
				t.Errorf("token %d though alone", s.Token)
			}
		})
	}
}

func TestStatus_same(t *testing.T) {
	t.Parallel()
	base := func() Status {
		return Status{State: Shut, Reason: ByHand, Detail: "d", Leader: "a", Address: "x", Token: 1, Round: 2, Hold: &OperatorHold{Why: "w"}}
	}
	news := map[string]func(*Status){
		"state":   func(s *Status) { s.State = Opened },
		"reason":  func(s *Status) { s.Reason = NoLeader },
		"detail":  func(s *Status) { s.Detail = "e" },
		"leader":  func(s *Status) { s.Leader = "b" },
		"address": func(s *Status) { s.Address = "y" },
		"token":   func(s *Status) { s.Token++ },
		"round":   func(s *Status) { s.Round++ },
		"hand":    func(s *Status) { s.Hold.Why = "v" },
		"no hand": func(s *Status) { s.Hold = nil },
	}
	for name, change := range news {
		s := base()
		if change(&s); s.same(base()) || base().same(s) {
			t.Errorf("%s is no news", name)
		}
	}
	s := base()
	s.Expires, s.LastReply, s.Since = time.Now(), time.Now(), time.Now()
	if !s.same(base()) {
		t.Error("times are news")
	}
	if diff := cmp.Diff(base(), s, cmpopts.IgnoreFields(Status{}, "Expires", "LastReply", "Since")); diff != "" {
		t.Error(diff)
	}
}
