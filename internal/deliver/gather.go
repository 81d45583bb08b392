package deliver

import (
	"context"
	"time"
)

// quiet is for how long a growing batch waits for one more message: what comes rarely is handled at once, or nearly.
const quiet = 100 * time.Millisecond

// gather fetches a batch and puts it in hand. With Linger it goes on fetching while more keeps coming: some stores pay for
// a batch rather than for a message. Where much comes nobody waits for the single one, and it goes on for longer. An error comes
// with what was fetched before it.
func (r *runner) gather(ctx context.Context) ([]Message, error) {
	batch, err := r.take(ctx, r.Limits)
	if err != nil || len(batch) == 0 || r.Linger <= 0 {
		return batch, err
	}
	began := time.Now()
	for left := r.left(batch); left.Messages > 0 && left.Bytes > 0; left = r.left(batch) {
		until := began.Add(r.Linger)
		if r.Much > 0 && r.Limits.Bytes-left.Bytes >= r.Much {
			until = began.Add(r.LingerLong)
		}
		if left.Wait = min(quiet, time.Until(until)); left.Wait <= 0 || r.hand.crowded() {
			break
		}
		more, err := r.take(ctx, left)
		batch = append(batch, more...)
		if err != nil || len(more) == 0 {
			return batch, err
		}
	}
	return batch, nil
}

// left is what of the limits a batch leaves.
func (r *runner) left(batch []Message) Limits {
	l := r.Limits
	l.Messages -= len(batch)
	for i := range batch {
		l.Bytes -= len(batch[i].Data)
	}
	return l
}

// take fetches what there is and puts it in hand.
func (r *runner) take(ctx context.Context, l Limits) ([]Message, error) {
	msgs, err := r.Stream.Fetch(ctx, l)
	if len(msgs) > 0 {
		r.hand.add(msgs)
		r.Metrics.fetched(r.Name, msgs, r.hand.count())
		r.Hook("fetched")
	}
	return msgs, err
}
