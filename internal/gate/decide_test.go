package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Now()
	later := now.Add(time.Second)
	opened := Order{State: Opened, Token: 7, Round: 3}
	trust := Trust{Leader: "a", Address: "a:5432", Token: 7, Until: later, Word: now}
	byHand := Order{State: Shut, Reason: ByHand, Token: 7, Detail: "work on the disks", Hand: &Hand{Why: "disks"}}
	with := func(change func(*Trust)) *Trust {
		t := trust
		change(&t)
		return &t
	}
	none := &Order{}
	for _, c := range []struct {
		name   string
		alone  bool
		rests  bool // nobody runs the door
		order  *Order
		trust  *Trust
		state  State
		reason Reason
	}{
		{name: "nothing is known", state: Shut, reason: Starting},
		{name: "no trust", order: &opened, state: Shut, reason: Starting},
		{name: "no order", trust: &trust, state: Shut, reason: Starting},
		{name: "an absent order", order: none, trust: &trust, state: Shut, reason: Starting},
		{name: "nobody runs it", rests: true, order: &opened, trust: &trust, state: Shut, reason: Starting},
		{name: "open", order: &opened, trust: &trust, state: Opened},
		{name: "recovering", order: &Order{State: Recovering, Reason: NewLeader, Token: 7}, trust: &trust, state: Recovering, reason: NewLeader},
		{name: "by hand", order: &byHand, trust: &trust, state: Shut, reason: ByHand},
		{name: "an unknown state", order: &Order{State: "ajar", Token: 7}, trust: &trust, state: Shut, reason: Unreadable},

		{name: "until has come", order: &opened, trust: with(func(t *Trust) { t.Until = now }), state: Shut, reason: Unproved},
		{name: "until has passed", order: &byHand, trust: with(func(t *Trust) { t.Until = now.Add(-1) }), state: Shut, reason: Unproved},
		{name: "until is not known", order: &opened, trust: with(func(t *Trust) { t.Until = time.Time{} }), state: Shut, reason: Starting},
		{name: "etcd says shut", order: &opened, trust: with(func(t *Trust) { t.Shut = Switchover }), state: Shut, reason: Switchover},
		{name: "its own reason first", order: &byHand, trust: &Trust{Shut: EtcdRefuses}, state: Shut, reason: EtcdRefuses},
		{name: "no leader", order: &opened, trust: &Trust{Word: now}, state: Shut, reason: NoLeader},
		{name: "no leader, and an order for none", order: &Order{State: Opened}, trust: &Trust{Until: later}, state: Shut, reason: NoLeader},

		{name: "a newer leader", order: &opened, trust: with(func(t *Trust) { t.Token = 8 }), state: Shut, reason: NewLeader},
		{name: "a newer leader while by hand", order: &byHand, trust: with(func(t *Trust) { t.Token = 8 }), state: Shut, reason: NewLeader},
		{name: "an older leader", order: &opened, trust: with(func(t *Trust) { t.Token = 6 }), state: Shut, reason: NewLeader},
		{name: "an older leader while by hand", order: &byHand, trust: with(func(t *Trust) { t.Token = 6 }), state: Shut, reason: ByHand},
		{
			name: "recovering for another", order: &Order{State: Recovering, Token: 8}, trust: &trust, state: Shut, reason: NewLeader,
		},

		{name: "alone and not told", alone: true, state: Shut, reason: Starting},
		{name: "alone without an order", alone: true, rests: true, order: none, state: Opened},
		{name: "alone and opened", alone: true, order: &Order{State: Opened}, state: Opened},
		{name: "alone and by hand", alone: true, order: &Order{State: Shut, Reason: ByHand}, state: Shut, reason: ByHand},
		{name: "alone and recovering", alone: true, order: &Order{State: Recovering}, state: Recovering},
		{name: "alone beside a cluster", alone: true, order: &opened, state: Shut, reason: NotFollowing},
		{name: "alone beside a cluster that is shut", alone: true, order: &byHand, state: Shut, reason: NotFollowing},
		{name: "alone trusts nobody", alone: true, order: none, trust: &Trust{Token: 9, Shut: NoLeader}, state: Opened},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewDoor(Config{Alone: c.alone})
			d.running = !c.rests
			if c.order != nil {
				d.order, d.told = *c.order, true
			}
			if c.trust != nil {
				d.trust, d.trusted = *c.trust, true
			}
			s := d.decide(now)
			if s.State != c.state || s.Reason != c.reason {
				t.Errorf("%s (%s: %s), want %s (%s)", s.State, s.Reason, s.Detail, c.state, c.reason)
			}
			if !cmp.Equal(s.Hand, d.order.Hand) || s.Round != d.order.Round {
				t.Errorf("%+v hides the order %+v", s, d.order)
			}
			if c.alone && s.Token != 0 {
				t.Errorf("token %d though alone", s.Token)
			}
		})
	}
}

func TestWhatIsNews(t *testing.T) {
	t.Parallel()
	base := func() Standing {
		return Standing{State: Shut, Reason: ByHand, Detail: "d", Leader: "a", Address: "x", Token: 1, Round: 2, Hand: &Hand{Why: "w"}}
	}
	news := map[string]func(*Standing){
		"state":   func(s *Standing) { s.State = Opened },
		"reason":  func(s *Standing) { s.Reason = NoLeader },
		"detail":  func(s *Standing) { s.Detail = "e" },
		"leader":  func(s *Standing) { s.Leader = "b" },
		"address": func(s *Standing) { s.Address = "y" },
		"token":   func(s *Standing) { s.Token++ },
		"round":   func(s *Standing) { s.Round++ },
		"hand":    func(s *Standing) { s.Hand.Why = "v" },
		"no hand": func(s *Standing) { s.Hand = nil },
	}
	for name, change := range news {
		s := base()
		if change(&s); s.same(base()) || base().same(s) {
			t.Errorf("%s is no news", name)
		}
	}
	s := base()
	s.Until, s.Word, s.Since = time.Now(), time.Now(), time.Now()
	if !s.same(base()) {
		t.Error("times are news")
	}
	if diff := cmp.Diff(base(), s, cmpopts.IgnoreFields(Standing{}, "Until", "Word", "Since")); diff != "" {
		t.Error(diff)
	}
}
