package gate

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Unreadable is the reason of a desired state that cannot be decoded. Watchers of the bucket pass it on as shut: keeping the
// previous state would overrule the writer of this one.
const Unreadable Reason = "unreadable-order"

// ErrConflict reports that the state to be replaced, or waited for, is no longer the current one.
var ErrConflict = errors.New("another order stands")

// ErrShut is why a permission ended before its holder left. The holder may retry once the gate opens.
var ErrShut = errors.New("the gate was shut")

// Config is what a local gate needs.
type Config struct {
	Alone bool         // no leader election: no lease expires, and only the desired state closes the gate
	Log   *slog.Logger // nil: discarded
	// OnChange is called by Run with every change, in order, one at a time; it may call the gate. Optional.
	OnChange func(from, to Status)
}

// Status is the state of a gate at a moment, and the reason.
type Status struct {
	State     State
	Reason    Reason // of a state other than open
	Detail    string // a sentence for people
	Leader    string
	Address   string
	Token     uint64
	Expires   time.Time     // of the lease; zero: there is none, or it never expires
	LastReply time.Time     // when etcd last answered; zero: never
	Since     time.Time     // of this state, reason, token and round, by this process's clock
	Hold      *OperatorHold // while an operator keeps the gate shut
	Round     uint64
}

// Local is the gate of one process. It is open while the desired state in the bucket and the process's own lease agree on a
// token, and the lease has not expired.
//
// All time is measured by the monotonic clock, which no correction of the wall clock moves. It goes on while a process is
// stopped, so a process that resumes finds its lease expired. It stops while the whole machine is suspended: then the lease
// seems to last longer than it does, and only the fencing token in the database keeps such a machine from writing.
type Local struct {
	cfg  Config
	wake chan struct{} // makes Run check the clock and the queue again

	mu          sync.Mutex // covers all below
	running     bool
	desired     DesiredState
	haveDesired bool // SetDesired has been called
	lease       Lease
	haveLease   bool // SetLease has been called
	status      Status
	changed     chan struct{} // closed when status changes
	holders     map[*holder]struct{}
	queue       []change // changes that OnChange has not had yet
}

type change struct{ from, to Status }

// holder is a permission that was granted and not left.
type holder struct{ cancel context.CancelCauseFunc }

// NewLocal returns a gate that is closed until it has a desired state, is being run and, unless it is alone, has a lease.
func NewLocal(cfg Config) *Local {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Local{cfg: cfg, wake: make(chan struct{}, 1), changed: make(chan struct{}), holders: map[*holder]struct{}{}}
	d.status = d.decide(time.Now())
	d.status.Since = time.Now()
	return d
}

// SetDesired passes the desired state of the bucket; the zero value means that there is none. When it returns, every permission
// that the state revokes has ended.
func (d *Local) SetDesired(o DesiredState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.desired, d.haveDesired = o, true
	d.update()
}

// SetLease passes what the process knows of the leader. When it returns, every permission that it revokes has ended.
func (d *Local) SetLease(t Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	later := !t.Expires.Equal(d.lease.Expires)
	d.lease, d.haveLease = t, true
	d.update()
	if later {
		d.wakeRun()
	}
}

// Status returns the current status, by the clock and not only by the timer.
func (d *Local) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.update()
	return d.status
}

// Changed returns a channel that is closed when the status changes in more than Expires and LastReply. Take it before Status.
func (d *Local) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// update computes the status anew. Permissions that have ended are revoked before any caller can see the new status. d.mu is
// held.
func (d *Local) update() {
	from, to := d.status, d.decide(time.Now())
	to.Since = from.Since
	if from.allowance() != to.allowance() {
		d.revoke(to)
	}
	if from.same(to) {
		d.status = to
		return
	}
	if !from.began(to) {
		to.Since = time.Now()
	}
	d.status = to
	close(d.changed)
	d.changed = make(chan struct{})
	d.queue = append(d.queue, change{from, to})
	d.wakeRun()
}

// revoke ends every permission. It runs no code of the holders: functions that follow a context run in goroutines of their own.
// d.mu is held.
func (d *Local) revoke(to Status) {
	why := to.cause()
	for h := range d.holders {
		h.cancel(why)
	}
	clear(d.holders)
}

func (d *Local) wakeRun() {
	select {
	case d.wake <- struct{}{}:
	default: // Run has not handled the last one yet
	}
}
