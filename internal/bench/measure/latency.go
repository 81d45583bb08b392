package measure

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Watch notes when the stream acknowledged each message of a publisher, and when each was seen in a store.
type Watch struct {
	Publisher ingest.Publisher

	mu    sync.Mutex // covers all below
	acked map[uint64]time.Time
	order []uint64      // the acknowledged sequences, as the acknowledgements came
	more  chan struct{} // closed when something was acknowledged
}

// NewWatch watches a publisher.
func NewWatch(p ingest.Publisher) *Watch {
	return &Watch{Publisher: p, acked: map[uint64]time.Time{}, more: make(chan struct{})}
}

// Begin implements ingest.Publisher.
func (w *Watch) Begin(ctx context.Context, events []event.Event, live bool) (int, ingest.Pending, error) {
	n, p, err := w.Publisher.Begin(ctx, events, live)
	if err != nil {
		return n, p, err
	}
	return n, noted{p, w}, nil
}

// Fit implements ingest.Publisher.
func (w *Watch) Fit(e *event.Event) string { return w.Publisher.Fit(e) }

type noted struct {
	ingest.Pending
	w *Watch
}

// Wait implements ingest.Pending.
func (n noted) Wait(ctx context.Context) (seqset.Span, error) {
	s, err := n.Pending.Wait(ctx)
	if err == nil {
		n.w.note(s, time.Now())
	}
	return s, err
}

func (w *Watch) note(s seqset.Span, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for seq := s.First; seq <= s.Last; seq++ {
		w.acked[seq] = at
		w.order = append(w.order, seq)
	}
	close(w.more)
	w.more = make(chan struct{})
}

// ackedFrom returns the sequences that were acknowledged, without the first n of them.
func (w *Watch) ackedFrom(n int) []uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.order[n:])
}

// Acked blocks until so many messages are acknowledged.
func (w *Watch) Acked(ctx context.Context, count int) error {
	for {
		w.mu.Lock()
		n, more := len(w.acked), w.more
		w.mu.Unlock()
		if n >= count {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("waiting for message %d of %d to be acknowledged: %w", n+1, count, context.Cause(ctx))
		}
	}
}

// Poll is a look at a store: the sequences above a given one that it holds now.
type Poll func(ctx context.Context, above uint64) ([]uint64, error)

// Seen looks at a store until so many messages above a sequence have been seen there, and returns when each was seen first. It
// asks for all above the highest below which none is missing, so that one that overtook another hides nothing.
func Seen(ctx context.Context, above uint64, count int, every time.Duration, look Poll) (map[uint64]time.Time, error) {
	seen := make(map[uint64]time.Time, count)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		found, err := look(ctx, above)
		if err != nil {
			return seen, err
		}
		now := time.Now()
		for _, seq := range found {
			if _, old := seen[seq]; !old {
				seen[seq] = now
			}
		}
		for !seen[above+1].IsZero() {
			above++
		}
		if len(seen) >= count {
			return seen, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seen, fmt.Errorf("waiting for message %d of %d to be seen: %w", len(seen)+1, count, context.Cause(ctx))
		}
	}
}

// Latencies are how long after its acknowledgement each message was seen, in milliseconds, the shortest first. One that was
// seen before its publisher had the acknowledgement took no time.
func (w *Watch) Latencies(seen map[uint64]time.Time) ([]float64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]float64, 0, len(w.acked))
	for seq, acked := range w.acked {
		at, there := seen[seq]
		if !there {
			return nil, fmt.Errorf("message %d was acknowledged and not seen", seq)
		}
		out = append(out, max(at.Sub(acked), 0).Seconds()*1000)
	}
	slices.Sort(out)
	return out, nil
}
