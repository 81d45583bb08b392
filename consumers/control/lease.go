package control

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/agrichat/agrichat/internal/fault"
)

// A controller that cannot reach the leader offers its lease to the others: it renews it as one that any of them may take over.
// One that is alone keeps retrying. Where no controller reaches the leader the lease goes round, each turn no shorter than
// unreachableFor, and leaseBackoff keeps a controller from taking the lease back before another one has tried.
const (
	unreachableFor = 5 * time.Second
	leaseBackoff   = 20 * time.Second
)

// reach is whether this process gets answers from the leader's server. It is a value.
type reach struct {
	token   uint64
	address string
	since   time.Time // of the first probe in a row without an answer; zero: the last one was answered
	last    time.Time // of the last probe without an answer
}

// follow starts anew for another leader. While there is none, what is known of the last one stays.
func (r reach) follow(token uint64, address string) reach {
	if address == "" || r.token == token && r.address == address {
		return r
	}
	return reach{token: token, address: address}
}

// probed is r after a probe of the leader.
func (r reach) probed(now time.Time, err error) reach {
	if answered(err) {
		r.since, r.last = time.Time{}, time.Time{}
		return r
	}
	if r.since.IsZero() {
		r.since = now
	}
	r.last = now
	return r
}

// lost reports whether the leader has not answered for so long that another controller should try.
func (r reach) lost(now time.Time) bool {
	return !r.since.IsZero() && r.last.Sub(r.since) >= unreachableFor && now.Sub(r.last) < leaseBackoff
}

// answered reports whether the server replied, a refusal included: another controller would get the same.
func answered(err error) bool {
	var pe *pgconn.PgError
	return err == nil || errors.As(err, &pe) || fault.Of(err) == fault.Fatal
}

// noteReach records what a probe says about the way to the leader, and renews the lease at once when that changes.
func (r *run) noteReach(now time.Time, err error) {
	before := r.reach.lost(now)
	r.reach = r.reach.probed(now, err)
	lost := r.reach.lost(now)
	if lost == before {
		return
	}
	r.lease.due = now
	if lost {
		r.Log.Warn("the leader's server cannot be reached from here: another controller may take the lease", "id", r.ID,
			"address", r.reach.address, "error", err)
		return
	}
	r.Log.Info("the leader's server answers this controller again", "id", r.ID, "address", r.reach.address)
}
