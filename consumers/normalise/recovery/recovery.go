// Package recovery makes good what a failover, a crash or a purge left undone: it backfills gaps in the ledger from the stream, has
// pending facts published, and compacts the ledger.
//
// It promises that a gap is filled by what the stream holds, that a sequence counts as deleted only when the stream's leader says so, and
// that running it twice, or in two processes at once, changes nothing. It neither writes rows itself nor decides what they say: the store does.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Store is what recovery needs of the store: normalise.Store, which says what each does.
type Store interface {
	LedgerFloor(ctx context.Context) (incarnation int32, token int64, floor uint64, err error)
	LedgerGaps(ctx context.Context, incarnation int32, first, last uint64) (seqset.Set, error)
	Backfill(ctx context.Context, incarnation int32, batch []consumers.Delivery, rejected func(sequence uint64, cause error) error) error
	MarkUnstored(ctx context.Context, incarnation int32, sequences seqset.Set) error
	PublishOldest(ctx context.Context, patience time.Duration, wait bool) error
	Compact(ctx context.Context, age time.Duration) error
}

// Stream is what recovery needs of the stream CHAT. Its methods may block, and several may be called at once.
type Stream interface {
	// Get returns the message at a sequence; found is false if it was deleted, as the stream's leader answers.
	Get(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error)
	// Next returns the first message at the sequence or above it, as the stream's leader answers.
	Next(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error)
	// LastSequence returns the last sequence that the stream ever gave out, as its leader answers.
	LastSequence(ctx context.Context) (uint64, error)
	// Range calls yield with the messages from one sequence to another, in order. That one is left out proves nothing. The delivery is
	// yield's to keep; an error of it ends the range and is returned.
	Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error
}

// Locker runs do while it holds a lock that all processes share: lock.On.
type Locker func(ctx context.Context, id lock.ID, do func(ctx context.Context) error) error

const (
	// pendingPatience is how long a transaction may take to publish its facts before another process publishes them.
	pendingPatience = 30 * time.Second
	compactionAge   = time.Hour // of ledger rows that are joined
	ledgerPage      = 1 << 20   // sequences that one query of the ledger looks at
	// maxRejected is how many deliveries Postgres may reject before that is its own fault and not theirs.
	maxRejected = 100
)

// errRejected says that Postgres rejects one message after the other, which is hardly the fault of all of them.
var errRejected = errors.New("PostgreSQL rejects one message after the other")

// Recovery backfills one store from its stream. It is safe for concurrent use.
type Recovery struct {
	Stream Stream
	Locked Locker
	Log    *slog.Logger

	mu          sync.Mutex // covers all below
	rejected    seqset.Set // what Postgres rejected, and was logged
	incarnation int32      // that rejected is of
	token       int64      // under which rejected was found
}

// Reconcile makes good what another process left undone: it backfills the ledger's gaps up to a sequence that was delivered and acked,
// which a worker may have committed on a server that then lost it, has the oldest pending facts published (the rest is PublishPending's,
// so that no start waits for a backlog), and compacts the ledger. It returns how many sequences it applied.
//
// all publishes also for transactions that may be publishing right now: right at the start, when no other process may be running. It may
// be called from time to time: what it could not do because a server was away, the next run does. Of several callers one works; the
// others get lock.ErrHeld.
func (r *Recovery) Reconcile(ctx context.Context, s Store, acked uint64, all bool) (filled uint64, err error) {
	err = r.Locked(ctx, lock.Reconciliation, func(ctx context.Context) error {
		if filled, err = r.fillUpTo(ctx, s, acked); err != nil {
			return err
		}
		patience := pendingPatience
		if all {
			patience = 0
		}
		if err := s.PublishOldest(ctx, patience, true); err != nil {
			return err
		}
		return s.Compact(ctx, compactionAge)
	})
	return filled, err
}

// AfterFailover is the reconciliation of an epoch, through a store whose gate is open for the recovery of that epoch only: it backfills
// every gap up to what was delivered to anybody, acked or not, and has the oldest pending facts published. Of several callers one works;
// the others get lock.ErrHeld, and retry. Should two ever work at once, each does what the other leaves.
func (r *Recovery) AfterFailover(ctx context.Context, s Store, delivered uint64) (filled uint64, err error) {
	err = r.Locked(ctx, lock.Recovery, func(ctx context.Context) error {
		filled, err = r.fillUpTo(ctx, s, delivered)
		switch {
		case errors.Is(err, errRejected): // the gaps stay, and verify names them: a gate that never opens stops all that can be stored
			r.Log.Error("gaps in the ledger stay open; see agrichat verify", "error", err)
		case err != nil:
			return err
		}
		return s.PublishOldest(ctx, 0, false) // the gate does not wait for the stream of facts
	})
	return filled, err
}

// fillUpTo backfills the ledger's gaps up to a sequence. It begins above the ledger's floor, and above what was purged from
// the stream's beginning.
func (r *Recovery) fillUpTo(ctx context.Context, s Store, last uint64) (filled uint64, err error) {
	incarnation, token, floor, err := s.LedgerFloor(ctx)
	if err != nil {
		return 0, err
	}
	r.forgetOlder(incarnation, token)
	first := floor + 1
	if first > last {
		return 0, nil
	}
	b := &backfill{Recovery: r, store: s, incarnation: incarnation}
	first, filled, err = b.skipPurged(ctx, first, last)
	for ; err == nil && first <= last; first += ledgerPage {
		var n uint64
		n, err = b.fillGaps(ctx, first, min(first+ledgerPage-1, last))
		filled += n
	}
	return filled, err
}

// Backfill applies the given sequences by reading them from the stream. Those that it no longer holds are inserted into the ledger and
// recorded as unstored. What cannot be decoded becomes a dead letter: it was settled, so it will not be delivered again. What Postgres
// rejects stays a gap, which is logged once and which verification names; it is not tried again under this token, since one rejection
// without a success proves nothing against the message.
func (r *Recovery) Backfill(ctx context.Context, s Store, missing seqset.Set) error {
	b := &backfill{Recovery: r, store: s}
	return b.fill(ctx, missing)
}

// forgetOlder forgets what was rejected by another server, or of another incarnation of the stream.
func (r *Recovery) forgetOlder(incarnation int32, token int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.incarnation != incarnation || r.token != token {
		r.rejected, r.incarnation, r.token = seqset.Set{}, incarnation, token
	}
}

// reject keeps what Postgres rejected.
func (r *Recovery) reject(sequence uint64, cause error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejected.Add(sequence, sequence)
	if r.rejected.Len() > maxRejected {
		return fault.AsTransient(fmt.Errorf("filling gaps: %w, the last one because of: %w", errRejected, cause), 0)
	}
	return nil
}

// rejections returns what was rejected so far.
func (r *Recovery) rejections() seqset.Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out seqset.Set
	out.Union(r.rejected)
	return out
}
