package gate

import (
	"fmt"
	"time"
)

// decide weighs trust and order. What the process knows by itself comes before what the bucket says: the bucket may be old.
// d.mu is held.
func (d *Door) decide(now time.Time) Standing {
	s := Standing{State: Shut, Hand: d.order.Hand, Round: d.order.Round}
	if d.cfg.Alone {
		return d.decideAlone(s)
	}
	t := d.trust
	s.Leader, s.Address, s.Token, s.Until, s.Word = t.Leader, t.Address, t.Token, t.Until, t.Word
	switch {
	case t.Shut != "":
		return s.shut(t.Shut, t.Detail)
	case !d.trusted:
		return s.shut(Starting, "etcd has not been asked yet")
	case t.Token == 0:
		return s.shut(NoLeader, "")
	case t.Until.IsZero():
		return s.shut(Starting, "etcd has not confirmed the leader's lease yet")
	case !now.Before(t.Until):
		return s.shut(Unproved, "etcd has not confirmed the leader's lease in time")
	case !d.running: // then nothing would end a permission in time
		return s.shut(Starting, "nobody watches the clock yet")
	case !d.told:
		return s.shut(Starting, "the bus has not been asked for orders yet")
	case d.order.State == "":
		return s.shut(Starting, "no controller has given an order yet")
	case t.Token > d.order.Token:
		return s.shut(NewLeader, fmt.Sprintf("the order is for token %d, and the leader's is %d", d.order.Token, t.Token))
	case t.Token < d.order.Token && d.order.State != Shut:
		return s.shut(NewLeader, fmt.Sprintf("the order is for token %d, of which etcd has not told this process yet", d.order.Token))
	}
	return s.ordered(d.order)
}

// decideAlone goes by the order alone. One that was given for a leader is none of ours: somebody follows a cluster, and this
// process would write beside it, unfenced.
func (d *Door) decideAlone(s Standing) Standing {
	switch {
	case !d.told: // it may be an operator's order to keep shut
		return s.shut(Starting, "the bus has not been asked for orders yet")
	case d.order.State == "":
		s.State = Opened
		return s
	case d.order.Token != 0:
		return s.shut(NotFollowing, fmt.Sprintf(
			"the gate is held for a leader with token %d, and this process follows none: configure the cluster here too, or take the order back",
			d.order.Token))
	}
	return s.ordered(d.order)
}

func (s Standing) shut(why Reason, detail string) Standing {
	s.State, s.Reason, s.Detail = Shut, why, detail
	return s
}

// ordered does as the order says. A state that is not known is shut: a later version may mean anything by it.
func (s Standing) ordered(o Order) Standing {
	switch o.State {
	case Opened:
		s.State = Opened
	case Recovering, Shut:
		s.State, s.Reason, s.Detail = o.State, o.Reason, o.Detail
	default:
		return s.shut(Unreadable, fmt.Sprintf("the order's state is %q, which this version does not know", o.State))
	}
	return s
}

// allowance is what permissions rest on: with another one, all that were given end.
type allowance struct {
	state        State
	token, round uint64
}

func (s Standing) allowance() allowance {
	if s.State == Shut {
		return allowance{state: Shut}
	}
	// Another round says that the gate was shut in between, even if nobody told this process so.
	return allowance{s.State, s.Token, s.Round}
}

// same reports whether nothing has changed that anybody has to be told.
func (s Standing) same(o Standing) bool {
	a, b := s.Hand, o.Hand
	if (a == nil) != (b == nil) || a != nil && (a.Why != b.Why || a.By != b.By || !a.Since.Equal(b.Since)) {
		return false
	}
	return s.began(o) && s.Detail == o.Detail && s.Leader == o.Leader && s.Address == o.Address
}

// began reports whether both are of one time: then Since is of both.
func (s Standing) began(o Standing) bool {
	return s.State == o.State && s.Reason == o.Reason && s.Token == o.Token && s.Round == o.Round
}

// ended is what a holder is told whose permission ends with this standing.
func (s Standing) ended() error {
	if s.State != Shut {
		return fmt.Errorf("%w and is %s under token %d in round %d", ErrShut, s.State, s.Token, s.Round)
	}
	if s.Detail == "" {
		return fmt.Errorf("%w: %s", ErrShut, s.Reason)
	}
	return fmt.Errorf("%w: %s: %s", ErrShut, s.Reason, s.Detail)
}
