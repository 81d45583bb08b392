package normalise

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/seqset"
)

// refusedMost is how many deliveries of a sweep the record may refuse before that is the record's fault and not theirs.
const refusedMost = 100

// Fill applies the given sequences by reading them from the stream; those it no longer holds are entered as gone, and
// recorded as unstored. What cannot
// be read ends among the dead letters, for no delivery may ever find it: it was settled, or it is told of here first. What the
// record refuses stays a hole, which verification names; it is said once and left alone as long as the record stands under
// this token, for one refusal that nothing witnesses is no proof, and to try for ever tells nobody.
func (k *Keeper) Fill(ctx context.Context, missing seqset.Set) error {
	f := &filler{Keeper: k}
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
func (k *Keeper) fill(ctx context.Context, batch []consumers.Delivery) error {
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
func (k *Keeper) setAside(ctx context.Context, batch []consumers.Delivery, failed map[int]error) error {
	for _, i := range slices.Sorted(maps.Keys(failed)) {
		if batch[i].IsBundle() { // burying it makes the copies, and says which
			if err := k.Bury(ctx, batch[i], failed[i]); err != nil {
				return err
			}
			continue
		}
		if err := k.cfg.Stream.Bury(ctx, batch[i], failed[i]); err != nil {
			return fmt.Errorf("setting aside message %d: %w", batch[i].Sequence, err)
		}
		if err := k.Bury(ctx, batch[i], failed[i]); err != nil {
			return err
		}
		k.cfg.Log.Error("a message was set aside", "sequence", batch[i].Sequence, "event", batch[i].Named(), "cause", failed[i])
	}
	return nil
}

// refuse leaves a hole. A bundle of which the record takes some is no hole: what it takes is the witness against the others.
func (k *Keeper) refuse(ctx context.Context, d consumers.Delivery, cause error) error {
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
func (k *Keeper) refusals() seqset.Set {
	k.known.mu.Lock()
	defer k.known.mu.Unlock()
	var out seqset.Set
	out.Union(k.known.refused)
	return out
}
