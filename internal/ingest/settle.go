package ingest

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// settle waits for batches in the order in which they were begun, publishes again what failed, and saves cursors. So a cursor
// is saved only when everything before it is acknowledged, and not each time: saving is a message with the disk synced, and
// what is read again after a crash is known by then. It returns when the flights are at their end, with the last cursor perhaps
// not saved, and early with an error that nothing here can help.
func (r *runner) settle(ctx context.Context, flights <-chan flight) error {
	for f := range flights {
		if err := r.land(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// land brings one flight to its end.
func (r *runner) land(ctx context.Context, f flight) error {
	if len(f.events) > 0 {
		if err := r.publish(ctx, f); err != nil {
			return err
		}
		r.Hook("published")
	}
	r.tally.land(f.counts)
	r.report()
	if f.cursor == nil {
		return nil
	}
	r.cursor, r.dirty = f.cursor, true
	if time.Since(r.saved) < r.SaveEvery {
		return nil
	}
	return r.save(ctx)
}

// publish waits for the flight, and after a failure publishes it again, as often as it takes.
func (r *runner) publish(ctx context.Context, f flight) error {
	if f.pending != nil {
		s, err := f.pending.Wait(ctx)
		if err == nil {
			r.acknowledged(f.events, s.First, s.Last, f.began)
			return nil
		}
		if fault.Of(err) == fault.Fatal {
			return err
		}
		r.Log.Warn("a batch was not acknowledged; publishing it again", "error", err, "events", len(f.events))
	}
	for rest := f.events; len(rest) > 0; {
		n := 0
		err := r.retry(ctx, "publishing", func() (err error) {
			n, err = r.publishSome(ctx, rest)
			return err
		})
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (r *runner) publishSome(ctx context.Context, events []event.Event) (int, error) {
	began := time.Now()
	n, p, err := r.Publisher.Begin(ctx, events, r.Live)
	if err != nil {
		return 0, err
	}
	s, err := p.Wait(ctx)
	if err != nil {
		return 0, err
	}
	r.acknowledged(events[:n], s.First, s.Last, began)
	return n, nil
}

func (r *runner) acknowledged(events []event.Event, first, last uint64, began time.Time) {
	r.tally.published(events, first, last)
	r.Metrics.published(r.Label, len(events), time.Since(began))
}

// save saves the cursor if there is a new one. One that can never be saved (too large for the bucket) costs a second reading
// after a crash and nothing else, so it does not stop the source.
func (r *runner) save(ctx context.Context) error {
	if r.Cursors == nil || !r.dirty {
		return nil
	}
	r.stands = true // also where nobody hears that it was saved
	err := r.retry(ctx, "saving the cursor", func() error { return r.Cursors.Save(ctx, r.Name, r.cursor) })
	if fault.Of(err) == fault.Poison {
		r.Log.Warn("a cursor cannot be saved; after a crash reading goes on from an earlier one", "error", err, "bytes", len(r.cursor))
		err = nil
	}
	if err != nil {
		return err
	}
	r.dirty, r.saved = false, time.Now()
	r.Hook("cursor")
	return nil
}
