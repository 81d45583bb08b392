package normalise

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// parting is a bundle being taken apart.
type parting struct {
	*Store
	sequence uint64
	events   []consumers.Delivery
	dead     map[int]error // what cannot be stored, by line
	refused  int           // of them, by the record; the others cannot be read
}

// part stores the events of a bundle that can be stored, and finds those that cannot. The ledger hears nothing of it, so that
// after a crash it is done again, and what is done is not done twice.
func (k *Store) part(ctx context.Context, d consumers.Delivery) (*parting, error) {
	p := &parting{Store: k, sequence: d.Sequence, events: d.Split(), dead: map[int]error{}}
	return p, p.store(ctx, 0, len(p.events))
}

// store stores the events from one line to another. What the record refuses together is halved until the guilty one is alone.
func (p *parting) store(ctx context.Context, from, to int) error {
	err := p.attemptAll(ctx, p.events[from:to], parted)
	var partial *consumers.PartialError
	switch {
	case err == nil:
		p.cfg.Failpoint("split")
		return nil
	case errors.As(err, &partial):
		for i, cause := range partial.Failed {
			p.dead[from+i] = cause
		}
		return nil
	case fault.Of(err) != fault.Poison && !fault.Unmarked(err):
		return err
	case to-from == 1:
		p.dead[from] = err
		p.refused++
		return nil
	}
	half := (from + to) / 2
	if err := p.store(ctx, from, half); err != nil {
		return err
	}
	return p.store(ctx, half, to)
}

// refusedAll reports whether the record took none of the events, which says more of the record than of them.
func (p *parting) refusedAll() bool { return p.refused == len(p.events) }

// settle makes dead letters of what could not be stored, and then enters the bundle's sequence.
func (p *parting) settle(ctx context.Context) error {
	for _, line := range slices.Sorted(maps.Keys(p.dead)) {
		one, cause := p.events[line], p.dead[line]
		if err := p.cfg.Stream.DeadLetter(ctx, one, cause); err != nil {
			return fmt.Errorf("setting aside %s: %w", one.Position(), err)
		}
		p.cfg.Failpoint("dead.copied")
		if err := p.noteDead(ctx, one, cause.Error(), "dead"); err != nil {
			return pg.Classify(fmt.Errorf("noting a dead letter: %w", err))
		}
		p.cfg.Failpoint("dead.noted")
		p.cfg.Log.Error("an event of a bundle was set aside", "sequence", p.sequence, "line", line, "event", one.EventIDs, "cause", cause)
	}
	return p.MarkDeleted(ctx, seqset.Of(p.sequence))
}
