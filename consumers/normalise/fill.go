package normalise

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// refusedMost is how many deliveries of a sweep the record may refuse before that is the record's fault and not theirs.
const refusedMost = 100

// fillUpTo backfills the ledger's gaps up to a sequence. It begins above what is known to have none, and above what was purged from
// the stream's beginning.
func (k *Store) fillUpTo(ctx context.Context, last uint64) (filled uint64, err error) {
	var now life
	err = k.write(ctx, func(_ context.Context, _ pgx.Tx, l life) error {
		now = l
		return nil
	})
	if err != nil {
		return 0, pg.Classify(err)
	}
	of := *k
	of.only = now.incarnation
	first := of.known.floorFor(now) + 1
	if first > last {
		return 0, nil
	}
	first, filled, err = of.skipPurged(ctx, first, last)
	for ; err == nil && first <= last; first += sweepPortion {
		var n uint64
		n, err = of.fillHoles(ctx, first, min(first+sweepPortion-1, last))
		filled += n
	}
	return filled, err
}

// skipPurged enters as gone what lies below the first message of the stream, or below the first from a sequence on. It returns where
// to go on.
func (k *Store) skipPurged(ctx context.Context, first, last uint64) (next, filled uint64, err error) {
	end, _, _, err := k.nextStored(ctx, first, last)
	if err != nil || end < first {
		return first, 0, err
	}
	missing, err := k.missing(ctx, first, end)
	if err != nil || missing.Len() == 0 {
		return end + 1, 0, err
	}
	missing = subtract(missing, k.refusals())
	return end + 1, missing.Len(), k.markUnstored(ctx, missing)
}

// nextStored asks the stream's leader for the first message from a sequence on: up to end, and not above last, there is none. What
// lies above the stream's end was not deleted: a new leader may not have applied it yet.
func (k *Store) nextStored(ctx context.Context, first, last uint64) (end uint64, d consumers.Delivery, found bool, err error) {
	d, found, err = k.cfg.Stream.Next(ctx, first)
	if err == nil && !found {
		end, err = k.cfg.Stream.LastSequence(ctx)
		end = min(end, last)
	}
	if err != nil {
		return 0, d, false, fmt.Errorf("asking for the first message from sequence %d on: %w", first, err)
	}
	if found {
		end = min(d.Sequence-1, last)
	}
	return end, d, found && d.Sequence <= last, nil
}

// fillHoles backfills the gaps between two sequences.
func (k *Store) fillHoles(ctx context.Context, first, last uint64) (uint64, error) {
	missing, err := k.missing(ctx, first, last)
	if err != nil {
		return 0, err
	}
	refused := k.refusals()
	missing = subtract(missing, refused)
	err = k.Backfill(ctx, missing)
	return missing.Len() - subtract(k.refusals(), refused).Len(), err
}

// missing asks the ledger in a transaction that is admitted: another server's word on what is held counts for nothing.
func (k *Store) missing(ctx context.Context, first, last uint64) (seqset.Set, error) {
	var held seqset.Set
	var now life
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) (err error) {
		if l.incarnation != k.only {
			return fault.AsTransient(errOtherIncarnation, 0)
		}
		now = l
		held, err = k.held(ctx, tx, l.incarnation, first, last)
		return err
	})
	if err != nil {
		return seqset.Set{}, pg.Classify(err)
	}
	missing := held.Missing(first, last)
	end := last
	if missing.Len() > 0 {
		end, _ = missing.Bounds()
		end--
	}
	k.known.raiseFloor(now, first, end)
	return missing, nil
}

// floorFor returns up to which sequence the ledger has no gap. It counts only for the server, token, generation and incarnation that
// it was read under.
func (n *known) floorFor(l life) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.floorOf != l {
		return 0
	}
	return n.floor
}

// raiseFloor notes that the ledger holds first to last.
func (n *known) raiseFloor(l life, first, last uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.floorOf != l {
		n.floor, n.floorOf = 0, l
	}
	if first <= n.floor+1 {
		n.floor = max(n.floor, last)
	}
}

// Backfill applies the given sequences by reading them from the stream. Those that it no longer holds are entered into the ledger and
// recorded as unstored. What cannot be read becomes a dead letter: it was settled, so it will not be delivered again. What
// PostgreSQL refuses stays a gap, which is logged once and which verification names; it is not tried again under this token, since
// one refusal without a success beside it proves nothing against the message.
func (k *Store) Backfill(ctx context.Context, missing seqset.Set) error {
	f := &filler{Store: k}
	for _, s := range stretches(missing) {
		if err := f.read(ctx, s); err != nil {
			return err
		}
	}
	if err := f.flush(ctx); err != nil || f.gone.Len() == 0 {
		return err
	}
	return k.markUnstored(ctx, f.gone)
}

// fill applies deliveries; what the record refuses together is split until the guilty one is alone.
func (k *Store) fill(ctx context.Context, batch []consumers.Delivery) error {
	err := k.attemptAll(ctx, batch, filling)
	var partial *consumers.PartialError
	switch {
	case errors.As(err, &partial):
		return k.setAside(ctx, batch, partial.Failed)
	case fault.Of(err) != fault.Poison && !fault.Unmarked(err):
		return err
	case len(batch) == 1:
		return k.refuse(ctx, batch[0], err)
	}
	half := len(batch) / 2
	if err := k.fill(ctx, batch[:half]); err != nil {
		return err
	}
	return k.fill(ctx, batch[half:])
}

// setAside makes dead letters of what cannot be read: the copy first, then the record's note of it.
func (k *Store) setAside(ctx context.Context, batch []consumers.Delivery, failed map[int]error) error {
	for _, i := range slices.Sorted(maps.Keys(failed)) {
		if batch[i].IsBundle() { // burying it makes the copies, and says which
			if err := k.DeadLetter(ctx, batch[i], failed[i]); err != nil {
				return err
			}
			continue
		}
		if err := k.cfg.Stream.DeadLetter(ctx, batch[i], failed[i]); err != nil {
			return fmt.Errorf("setting aside message %d: %w", batch[i].Sequence, err)
		}
		if err := k.DeadLetter(ctx, batch[i], failed[i]); err != nil {
			return err
		}
		k.cfg.Log.Error("a message was set aside", "sequence", batch[i].Sequence, "event", batch[i].Named(), "cause", failed[i])
	}
	return nil
}

// refuse leaves a hole. A bundle of which the record takes some is no hole: what it takes is the witness against the others.
func (k *Store) refuse(ctx context.Context, d consumers.Delivery, cause error) error {
	k.known.mu.Lock()
	k.known.refused.Add(d.Sequence, d.Sequence)
	n := k.known.refused.Len()
	k.known.mu.Unlock()
	if n > refusedMost {
		return fault.AsTransient(fmt.Errorf("filling gaps: %w, the last one because of: %w", errRefused, cause), 0)
	}
	if d.IsBundle() {
		p, err := k.part(ctx, d)
		if err != nil {
			return err
		}
		if !p.refusedAll() {
			return p.settle(ctx)
		}
	}
	k.cfg.Log.Error("a hole in the ledger stays: the record refuses the message", "sequence", d.Sequence, "event", d.Named(), "cause", cause)
	return nil
}

// refusals returns what was refused so far.
func (k *Store) refusals() seqset.Set {
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	var out seqset.Set
	out.Union(k.known.refused)
	return out
}
