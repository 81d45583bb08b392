package gate

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Unreadable is the reason of an order that nobody can read. Whoever watches the bucket passes it on as shut: to go on by
// the order before it would be to overrule whoever wrote this one.
const Unreadable Reason = "unreadable-order"

// ErrMoved says that what was to be replaced, or waited for, is no longer what stands.
var ErrMoved = errors.New("another order stands")

// ErrShut is why a permission ended before its holder left. Trying again once the gate opens is right.
var ErrShut = errors.New("the gate was shut")

// Config is what a door needs.
type Config struct {
	Alone bool         // nobody elects leaders: trust is for ever, and only an order shuts the door
	Log   *slog.Logger // nil: discarded
	// OnChange is called by Run with every change, in order, one at a time; it may call the door. Optional.
	OnChange func(from, to Standing)
}

// Standing is what a door is at a moment, and why.
type Standing struct {
	State   State
	Reason  Reason // of a state other than open
	Detail  string // a sentence for people
	Leader  string
	Address string
	Token   uint64
	Until   time.Time // when trust ends; zero: never had, or for ever
	Word    time.Time // when etcd last answered; zero: never
	Since   time.Time // of this state, reason, token and round, by this process's clock
	Hand    *Hand     // while an operator keeps the gate shut
	Round   uint64
}

// Door is the gate of one process. It is open where the order in the bucket and the process's own trust agree on a token,
// and as long as the trust lasts.
//
// All time is measured by the monotonic clock, which no correction of the wall clock moves. It goes on while a process is
// stopped, so one that wakes finds its trust ended. It stands still while the whole machine is suspended: then trust seems
// to last longer than it does, and only the token in the database keeps such a machine from writing.
type Door struct {
	cfg  Config
	wake chan struct{} // to Run: look at the clock and the queue again

	mu       sync.Mutex // covers all below
	running  bool
	order    Order
	told     bool // of an order, or that there is none
	trust    Trust
	trusted  bool // was told of
	standing Standing
	changed  chan struct{} // closed when standing changes
	holders  map[*holder]struct{}
	queue    []change // not yet passed to OnChange
}

type change struct{ from, to Standing }

// holder is a permission that was given and not left.
type holder struct{ cancel context.CancelCauseFunc }

// NewDoor returns a door that is shut until it has been told of an order and, unless it is alone, of trust, and is being run.
func NewDoor(cfg Config) *Door {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Door{cfg: cfg, wake: make(chan struct{}, 1), changed: make(chan struct{}), holders: map[*holder]struct{}{}}
	d.standing = d.decide(time.Now())
	d.standing.Since = time.Now()
	return d
}

// Order tells the door what stands in the bucket; the zero order says that nothing does. When it returns, every permission
// that the order takes away has ended.
func (d *Door) Order(o Order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.order, d.told = o, true
	d.settle()
}

// Trust tells the door what the process knows of the leader. When it returns, every permission that it takes away has ended.
func (d *Door) Trust(t Trust) {
	d.mu.Lock()
	defer d.mu.Unlock()
	later := !t.Until.Equal(d.trust.Until)
	d.trust, d.trusted = t, true
	d.settle()
	if later {
		d.nudge()
	}
}

// Standing returns what the door is now, by the clock and not only by the timer.
func (d *Door) Standing() Standing {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle()
	return d.standing
}

// Changed returns a channel that is closed when the standing changes in more than Until and Word. Take it before Standing.
func (d *Door) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// settle makes the standing what it is to be now. Holders whose permission has ended are told before anybody can see the new
// standing. d.mu is held.
func (d *Door) settle() {
	from, to := d.standing, d.decide(time.Now())
	to.Since = from.Since
	if from.allowance() != to.allowance() {
		d.expel(to)
	}
	if from.same(to) {
		d.standing = to
		return
	}
	if !from.began(to) {
		to.Since = time.Now()
	}
	d.standing = to
	close(d.changed)
	d.changed = make(chan struct{})
	d.queue = append(d.queue, change{from, to})
	d.nudge()
}

// expel ends every permission. It runs no code of the holders': a context's own followers run elsewhere. d.mu is held.
func (d *Door) expel(to Standing) {
	why := to.ended()
	for h := range d.holders {
		h.cancel(why)
	}
	clear(d.holders)
}

func (d *Door) nudge() {
	select {
	case d.wake <- struct{}{}:
	default: // it has not looked since the last one
	}
}
