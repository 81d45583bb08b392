package recovery

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/seqset"
)

// How gaps are read. A range costs a consumer of its own, which pays from some messages on; gaps that are not far apart are read in
// one range, with what lies between them. Single messages are read several at once.
const (
	fewGaps     = 32
	maxDistance = 64
	concurrency = 16
	pageSize    = 256
	batchEvents = 500 // that are applied at once
)

// backfill reads gaps from the stream and applies what it reads, in batches.
type backfill struct {
	*Recovery
	store       Store
	incarnation int32 // 0: any
	batch       []consumers.Delivery
	events      int // in batch
	deleted     seqset.Set
}

// skipPurged inserts into the ledger what lies below the first message from a sequence on. It returns where to go on.
func (b *backfill) skipPurged(ctx context.Context, first, last uint64) (next, filled uint64, err error) {
	end, _, _, err := b.nextStored(ctx, first, last)
	if err != nil || end < first {
		return first, 0, err
	}
	missing, err := b.store.LedgerGaps(ctx, b.incarnation, first, end)
	if err != nil || missing.Len() == 0 {
		return end + 1, 0, err
	}
	missing = subtract(missing, b.rejections())
	return end + 1, missing.Len(), b.store.MarkUnstored(ctx, b.incarnation, missing)
}

// nextStored reads from the stream's leader the first message from a sequence on: up to end, and not above last, there is none. What
// lies above the stream's end was not deleted: a new leader may not have applied it yet.
func (b *backfill) nextStored(ctx context.Context, first, last uint64) (end uint64, d consumers.Delivery, found bool, err error) {
	d, found, err = b.Stream.Next(ctx, first)
	if err == nil && !found {
		end, err = b.Stream.LastSequence(ctx)
		end = min(end, last)
	}
	if err != nil {
		return 0, d, false, fmt.Errorf("reading the first message from sequence %d on: %w", first, err)
	}
	if found {
		end = min(d.Sequence-1, last)
	}
	return end, d, found && d.Sequence <= last, nil
}

// fillGaps backfills the gaps between two sequences.
func (b *backfill) fillGaps(ctx context.Context, first, last uint64) (uint64, error) {
	missing, err := b.store.LedgerGaps(ctx, b.incarnation, first, last)
	if err != nil {
		return 0, err
	}
	rejected := b.rejections()
	missing = subtract(missing, rejected)
	err = b.fill(ctx, missing)
	return missing.Len() - subtract(b.rejections(), rejected).Len(), err
}

// fill backfills the given sequences.
func (b *backfill) fill(ctx context.Context, missing seqset.Set) error {
	b.deleted = seqset.Set{}
	for _, s := range ranges(missing) {
		if err := b.read(ctx, s); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil || b.deleted.Len() == 0 {
		return err
	}
	return b.store.MarkUnstored(ctx, b.incarnation, b.deleted)
}

// ranges groups spans that are read together.
func ranges(missing seqset.Set) []seqset.Set {
	var out []seqset.Set
	var end uint64
	for _, sp := range missing.Spans() {
		if len(out) == 0 || sp.First-end > maxDistance {
			out = append(out, seqset.Set{})
		}
		out[len(out)-1].Add(sp.First, sp.Last)
		end = sp.Last
	}
	return out
}

func (b *backfill) read(ctx context.Context, s seqset.Set) error {
	if s.Len() <= fewGaps {
		return b.get(ctx, s)
	}
	var seen seqset.Set
	first, last := s.Bounds()
	err := b.Stream.Range(ctx, first, last, false, func(d consumers.Delivery) error {
		if !s.Has(d.Sequence) {
			return nil
		}
		seen.Add(d.Sequence, d.Sequence)
		return b.add(ctx, d)
	})
	if err != nil {
		return fmt.Errorf("reading sequences %d to %d to fill gaps: %w", first, last, err)
	}
	return b.resolve(ctx, subtract(s, seen)) // what a range leaves out may only be late on the server that read it
}

// resolve finds out what became of the sequences that a range left out, with one request for each gap and each message that was
// late. Several gaps are resolved at once, and a gap with very many late messages in several turns.
func (b *backfill) resolve(ctx context.Context, s seqset.Set) error {
	if s.Len() <= fewGaps {
		return b.get(ctx, s)
	}
	for s.Len() > 0 {
		spans := s.Spans()
		spans = spans[:min(len(spans), pageSize)]
		answers := make([]gapAnswer, len(spans))
		g, asking := errgroup.WithContext(ctx)
		g.SetLimit(concurrency)
		for i, sp := range spans {
			g.Go(func() (err error) {
				answers[i], err = b.askGap(asking, sp.First, sp.Last)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var rest seqset.Set
		for _, a := range answers {
			b.deleted.Union(a.deleted)
			rest.Union(a.rest)
			for _, d := range a.late {
				if err := b.add(ctx, d); err != nil {
					return err
				}
			}
		}
		for _, sp := range s.Spans()[len(spans):] {
			rest.Add(sp.First, sp.Last)
		}
		s = rest
	}
	return nil
}

// gapAnswer is what the stream's leader says about a gap.
type gapAnswer struct {
	late    []consumers.Delivery
	deleted seqset.Set
	rest    seqset.Set // not resolved yet
}

func (b *backfill) askGap(ctx context.Context, first, last uint64) (a gapAnswer, err error) {
	for first <= last {
		if len(a.late) == concurrency {
			a.rest.Add(first, last)
			break
		}
		end, d, found, err := b.nextStored(ctx, first, last)
		if err != nil {
			return a, err
		}
		a.deleted.Add(first, end)
		if !found {
			break
		}
		a.late = append(a.late, d)
		first = d.Sequence + 1
	}
	return a, nil
}

// get reads every sequence by itself; only such an answer makes one deleted.
func (b *backfill) get(ctx context.Context, s seqset.Set) error {
	for _, sp := range s.Spans() {
		for first := sp.First; first <= sp.Last; first += pageSize {
			if err := b.getPage(ctx, first, min(first+pageSize-1, sp.Last)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *backfill) getPage(ctx context.Context, first, last uint64) error {
	type answer struct {
		consumers.Delivery
		found bool
	}
	answers := make([]answer, last-first+1)
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i := range answers {
		g.Go(func() error {
			d, found, err := b.Stream.Get(asking, first+uint64(i))
			if err != nil {
				return fmt.Errorf("reading sequence %d to fill a gap: %w", first+uint64(i), err)
			}
			answers[i] = answer{d, found}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, a := range answers {
		if !a.found {
			b.deleted.Add(first+uint64(i), first+uint64(i))
			continue
		}
		if err := b.add(ctx, a.Delivery); err != nil {
			return err
		}
	}
	return nil
}

// add applies a delivery, together with those that come before and after it.
func (b *backfill) add(ctx context.Context, d consumers.Delivery) error {
	b.batch = append(b.batch, d)
	if b.events += d.Events(); b.events < batchEvents {
		return nil
	}
	return b.flush(ctx)
}

func (b *backfill) flush(ctx context.Context) error {
	if len(b.batch) == 0 {
		return nil
	}
	defer func() { b.batch, b.events = b.batch[:0], 0 }()
	return b.store.Backfill(ctx, b.incarnation, b.batch, b.reject)
}

// subtract returns what is in a and not in b.
func subtract(a, b seqset.Set) seqset.Set {
	var out seqset.Set
	for _, sp := range a.Spans() {
		out.Union(b.Missing(sp.First, sp.Last))
	}
	return out
}
