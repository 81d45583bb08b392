package gate

import (
	"fmt"
	"time"
)

// decide combines lease and desired state. The process's own lease takes precedence over the bucket, which may be stale. d.mu is
// held.
func (d *Local) decide(now time.Time) Status {
	s := Status{State: Shut, Hold: d.desired.Hold, Round: d.desired.Round}
	if d.cfg.Alone {
		return d.decideAlone(s)
	}
	t := d.lease
	s.Leader, s.Address, s.Token, s.Expires, s.LastReply = t.Leader, t.Address, t.Token, t.Expires, t.LastReply
	switch {
	case t.Shut != "":
		return s.shut(t.Shut, t.Detail)
	case !d.haveLease:
		return s.shut(Starting, "etcd has not been asked yet")
	case t.Token == 0:
		return s.shut(NoLeader, "")
	case t.Expires.IsZero():
		return s.shut(Starting, "etcd has not confirmed the leader's lease yet")
	case !now.Before(t.Expires):
		return s.shut(Unproved, "etcd has not confirmed the leader's lease in time")
	case !d.running: // no timer would revoke a permission in time
		return s.shut(Starting, "nobody watches the clock yet")
	case !d.haveDesired:
		return s.shut(Starting, "the bus has not been asked for orders yet")
	case d.desired.State == "":
		return s.shut(Starting, "no controller has given an order yet")
	case t.Token > d.desired.Token:
		return s.shut(NewLeader, fmt.Sprintf("the order is for token %d, and the leader's is %d", d.desired.Token, t.Token))
	case t.Token < d.desired.Token && d.desired.State != Shut:
		return s.shut(NewLeader, fmt.Sprintf("the order is for token %d, of which etcd has not told this process yet", d.desired.Token))
	}
	return s.ordered(d.desired)
}

// decideAlone uses the desired state alone. A state with a leader's token is refused: another process follows a cluster, and this
// one would write without a fencing token.
func (d *Local) decideAlone(s Status) Status {
	switch {
	case !d.haveDesired: // there may be an operator's hold
		return s.shut(Starting, "the bus has not been asked for orders yet")
	case d.desired.State == "":
		s.State = Opened
		return s
	case d.desired.Token != 0:
		return s.shut(NotFollowing, fmt.Sprintf(
			"the gate is held for a leader with token %d, and this process follows none: configure the cluster here too, or take the order back",
			d.desired.Token))
	}
	return s.ordered(d.desired)
}

func (s Status) shut(why Reason, detail string) Status {
	s.State, s.Reason, s.Detail = Shut, why, detail
	return s
}

// ordered applies the desired state. An unknown state counts as shut: a later version may mean anything by it.
func (s Status) ordered(o DesiredState) Status {
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

// allowance is what permissions depend on: when it changes, all of them are revoked.
type allowance struct {
	state        State
	token, round uint64
}

func (s Status) allowance() allowance {
	if s.State == Shut {
		return allowance{state: Shut}
	}
	// Another round means that the gate was shut in between, even if this process has not seen it.
	return allowance{s.State, s.Token, s.Round}
}

// same reports whether nothing has changed that callers are notified of.
func (s Status) same(o Status) bool {
	a, b := s.Hold, o.Hold
	if (a == nil) != (b == nil) || a != nil && (a.Why != b.Why || a.By != b.By || !a.Since.Equal(b.Since)) {
		return false
	}
	return s.began(o) && s.Detail == o.Detail && s.Leader == o.Leader && s.Address == o.Address
}

// began reports whether both began together: then they share Since.
func (s Status) began(o Status) bool {
	return s.State == o.State && s.Reason == o.Reason && s.Token == o.Token && s.Round == o.Round
}

// cause is the cause of the contexts of permissions that end with this status.
func (s Status) cause() error {
	if s.State != Shut {
		return fmt.Errorf("%w and is %s under token %d in round %d", ErrShut, s.State, s.Token, s.Round)
	}
	if s.Detail == "" {
		return fmt.Errorf("%w: %s", ErrShut, s.Reason)
	}
	return fmt.Errorf("%w: %s: %s", ErrShut, s.Reason, s.Detail)
}
