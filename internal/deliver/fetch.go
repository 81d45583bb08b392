package deliver

import (
	"context"
	"time"
)

// idleWait is for how long a growing batch waits for one more message: what comes rarely is handled almost at once.
const idleWait = 100 * time.Millisecond

// fetchBatch fetches a batch. With MaxWait it goes on fetching while more keeps coming: some stores pay for a batch rather than
// for a message. At high volume it goes on for longer, since no single message is waited for. An error comes with what was
// fetched before it.
func (r *runner) fetchBatch(ctx context.Context) ([]Message, error) {
	batch, err := r.fetchOnce(ctx, r.Limits)
	if err != nil || len(batch) == 0 || r.MaxWait <= 0 {
		return batch, err
	}
	began := time.Now()
	for left := r.Limits.remaining(batch); left.Messages > 0 && left.Bytes > 0; left = r.Limits.remaining(batch) {
		until := began.Add(r.MaxWait)
		if r.HighVolume > 0 && r.Limits.Bytes-left.Bytes >= r.HighVolume {
			until = began.Add(r.MaxWaitHighVolume)
		}
		if left.Wait = min(idleWait, time.Until(until)); left.Wait <= 0 || r.inflight.full() {
			break
		}
		more, err := r.fetchOnce(ctx, left)
		batch = append(batch, more...)
		if err != nil || len(more) == 0 {
			return batch, err
		}
	}
	return batch, nil
}

// remaining is what of the limits a batch leaves.
func (l Limits) remaining(batch []Message) Limits {
	l.Messages -= len(batch)
	for i := range batch {
		l.Bytes -= len(batch[i].Data)
	}
	return l
}

// fetchOnce fetches what there is; it is in flight from then on.
func (r *runner) fetchOnce(ctx context.Context, l Limits) ([]Message, error) {
	msgs, err := r.Stream.Fetch(ctx, l)
	if len(msgs) > 0 {
		r.inflight.add(msgs)
		r.Metrics.fetched(r.Name, msgs, r.inflight.count())
		r.Hook("fetched")
	}
	return msgs, err
}
