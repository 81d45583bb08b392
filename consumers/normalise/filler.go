package normalise

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/seqset"
)

// How holes are read. A range costs a consumer of its own, which is worth it from some messages on; holes that are not far
// apart are read in one, with what lies between them. What is asked for one by one is asked for several at once.
const (
	fewHoles    = 32
	bridgedGap  = 64
	getAtOnce   = 16
	getTogether = 256
)

// stretches groups spans that are read together.
func stretches(missing seqset.Set) []seqset.Set {
	var out []seqset.Set
	var end uint64
	for _, sp := range missing.Spans() {
		if len(out) == 0 || sp.First-end > bridgedGap {
			out = append(out, seqset.Set{})
		}
		out[len(out)-1].Add(sp.First, sp.Last)
		end = sp.Last
	}
	return out
}

// filler reads holes and applies what it reads.
type filler struct {
	*Store
	batch  []consumers.Delivery
	events int // in batch
	gone   seqset.Set
}

func (f *filler) read(ctx context.Context, s seqset.Set) error {
	if s.Len() <= fewHoles {
		return f.get(ctx, s)
	}
	var seen seqset.Set
	first, last := s.Bounds()
	err := f.cfg.Stream.Range(ctx, first, last, false, func(d consumers.Delivery) error {
		if !s.Has(d.Sequence) {
			return nil
		}
		seen.Add(d.Sequence, d.Sequence)
		return f.take(ctx, d)
	})
	if err != nil {
		return fmt.Errorf("reading sequences %d to %d to fill holes: %w", first, last, err)
	}
	return f.resolve(ctx, subtract(s, seen)) // what a range leaves out may only be late on the server that read it
}

// resolve finds out what became of the sequences that a range left out, with a question for each gap and each message that was
// late. Several gaps are asked about at once, and a gap with very many late messages in several turns.
func (f *filler) resolve(ctx context.Context, s seqset.Set) error {
	if s.Len() <= fewHoles {
		return f.get(ctx, s)
	}
	for s.Len() > 0 {
		spans := s.Spans()
		spans = spans[:min(len(spans), getTogether)]
		answers := make([]gapAnswer, len(spans))
		g, asking := errgroup.WithContext(ctx)
		g.SetLimit(getAtOnce)
		for i, sp := range spans {
			g.Go(func() (err error) {
				answers[i], err = f.askGap(asking, sp.First, sp.Last)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var rest seqset.Set
		for _, a := range answers {
			f.gone.Union(a.gone)
			rest.Union(a.rest)
			for _, d := range a.late {
				if err := f.take(ctx, d); err != nil {
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

// gapAnswer is what the leader says about a gap.
type gapAnswer struct {
	late []consumers.Delivery
	gone seqset.Set
	rest seqset.Set // not asked yet
}

func (f *filler) askGap(ctx context.Context, first, last uint64) (a gapAnswer, err error) {
	for first <= last {
		if len(a.late) == getAtOnce {
			a.rest.Add(first, last)
			break
		}
		end, d, found, err := f.nextStored(ctx, first, last)
		if err != nil {
			return a, err
		}
		a.gone.Add(first, end)
		if !found {
			break
		}
		a.late = append(a.late, d)
		first = d.Sequence + 1
	}
	return a, nil
}

// get asks for every sequence by itself; only its word makes one gone.
func (f *filler) get(ctx context.Context, s seqset.Set) error {
	for _, sp := range s.Spans() {
		for first := sp.First; first <= sp.Last; first += getTogether {
			if err := f.getSome(ctx, first, min(first+getTogether-1, sp.Last)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *filler) getSome(ctx context.Context, first, last uint64) error {
	type answer struct {
		consumers.Delivery
		found bool
	}
	answers := make([]answer, last-first+1)
	g, asking := errgroup.WithContext(ctx)
	g.SetLimit(getAtOnce)
	for i := range answers {
		g.Go(func() error {
			d, found, err := f.cfg.Stream.Get(asking, first+uint64(i))
			if err != nil {
				return fmt.Errorf("reading sequence %d to fill a hole: %w", first+uint64(i), err)
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
			f.gone.Add(first+uint64(i), first+uint64(i))
			continue
		}
		if err := f.take(ctx, a.Delivery); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) take(ctx context.Context, d consumers.Delivery) error {
	f.batch = append(f.batch, d)
	if f.events += d.Events(); f.events < sweepBatch {
		return nil
	}
	return f.flush(ctx)
}

func (f *filler) flush(ctx context.Context) error {
	if len(f.batch) == 0 {
		return nil
	}
	defer func() { f.batch, f.events = f.batch[:0], 0 }()
	return f.fill(ctx, f.batch)
}
