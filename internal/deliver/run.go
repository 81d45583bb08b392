package deliver

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/fault"
)

func (c Config) withDefaults() Config {
	c.Limits.Messages = cmp.Or(c.Limits.Messages, 1000)
	c.Limits.Bytes = cmp.Or(c.Limits.Bytes, 4<<20)
	c.Limits.Wait = cmp.Or(c.Limits.Wait, time.Second)
	c.Workers = cmp.Or(c.Workers, 2)
	c.HighWater = cmp.Or(c.HighWater, 2*c.Workers*c.Limits.Messages)
	c.AckWait = cmp.Or(c.AckWait, AckWait)
	c.Delay.First = cmp.Or(c.Delay.First, 200*time.Millisecond)
	c.Delay.Most = cmp.Or(c.Delay.Most, 10*time.Second)
	c.Tries = cmp.Or(c.Tries, 5)
	c.GiveUp = cmp.Or(c.GiveUp, time.Minute)
	c.StopTimeout = cmp.Or(c.StopTimeout, 20*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Hook == nil {
		c.Hook = func(string) {}
	}
	c.Log = c.Log.With("consumer", c.Name)
	return c
}

// Run carries messages to the handler until ctx ends, and then returns nil. It returns an error that is fatal to the handler,
// with all in-flight messages left unacknowledged, or the error with which fetching has failed for GiveUp.
func Run(ctx context.Context, cfg Config) error {
	r := &runner{Config: cfg.withDefaults()}
	r.inflight = newInflight(r.HighWater)
	r.poison = newPoisonTracker()
	return r.run(ctx)
}

// runner is one run.
type runner struct {
	Config
	inflight *inflight
	poison   *poisonTracker
	progress progress
	stopping context.Context // ends when nothing more is to be started
	halt     context.CancelCauseFunc
	broken   atomic.Int32 // failures since the last success: while there are any, fetching backs off
}

func (r *runner) run(ctx context.Context) error {
	stopping, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	r.stopping, r.halt = stopping, halt
	hard, release := drainContext(stopping, r.StopTimeout)
	defer release()

	var workers, watchers sync.WaitGroup
	work := make(chan []Message, r.Workers)
	for range r.Workers {
		workers.Go(func() {
			for batch := range work {
				r.work(hard, batch)
			}
		})
	}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	watchers.Go(func() { r.keepWorking(watching) })
	watchers.Go(func() { r.reportLag(watching) })

	err := r.fetch(stopping, work)
	halt(nil)
	close(work)
	workers.Wait()
	unwatch()
	watchers.Wait()
	if cause := context.Cause(stopping); fault.Of(cause) == fault.Fatal {
		return fmt.Errorf("consumer %s: %w", r.Name, cause)
	}
	return err
}

// drainContext returns a context for what is in flight, which ends some time after ctx does.
func drainContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	timer := time.AfterFunc(1<<62, cancel)
	stop := context.AfterFunc(ctx, func() { timer.Reset(timeout) })
	return hard, func() {
		stop()
		timer.Stop()
		cancel()
	}
}

// fetch fetches until ctx ends.
func (r *runner) fetch(ctx context.Context, work chan<- []Message) error {
	var since time.Time // fetching fails
	for failures := 1; ; {
		if r.inflight.waitForSpace(ctx) != nil || r.backOff(ctx) != nil {
			return nil
		}
		msgs, err := r.fetchBatch(ctx)
		if len(msgs) > 0 {
			r.dispatch(ctx, msgs, work)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			since, failures = time.Time{}, 1
			continue
		case since.IsZero():
			since = time.Now()
		}
		if fault.Of(err) == fault.Fatal || time.Since(since) > r.GiveUp {
			return fmt.Errorf("fetching for consumer %s: %w", r.Name, err)
		}
		r.Log.Warn("fetching failed; retrying", "error", err)
		if clock.Sleep(ctx, r.Delay.after(failures)) != nil {
			return nil
		}
		failures++
	}
}

// dispatch passes in-flight messages to a worker.
func (r *runner) dispatch(ctx context.Context, msgs []Message, work chan<- []Message) {
	select {
	case work <- msgs:
	case <-ctx.Done():
		r.release(msgs)
	}
}

// release naks what was not started, without delay, for other workers; or nothing, if this consumer fails for good.
func (r *runner) release(msgs []Message) {
	for _, m := range msgs {
		if fault.Of(context.Cause(r.stopping)) == fault.Fatal {
			r.inflight.remove(m)
			continue
		}
		r.retry(m, 0)
	}
}

// maxBackOff is the longest that fetching backs off because handling fails: a store that works again is noticed within it.
const maxBackOff = time.Second

// backOff waits while everything fails: messages fetched now would only be redelivered.
func (r *runner) backOff(ctx context.Context) error {
	n := int(r.broken.Load())
	if n == 0 {
		return ctx.Err()
	}
	return clock.Sleep(ctx, min(r.Delay.after(n), maxBackOff))
}

// after returns the backoff after the n-th failure, with a quarter of jitter so that what failed together is not retried together.
func (d Delay) after(n int) time.Duration {
	most := d.Most
	if shift := max(n-1, 0); shift < 20 {
		most = min(d.First<<shift, d.Most)
	}
	return most - time.Duration(rand.Int64N(int64(most)/4+1))
}

// keepWorking extends the ack wait of what is in flight, by +WPI, until ctx ends.
func (r *runner) keepWorking(ctx context.Context) {
	for clock.Sleep(ctx, r.AckWait/3) == nil {
		if err := r.Stream.Working(r.inflight.all()); err != nil {
			r.Log.Warn("cannot extend the ack wait of messages in flight", "error", err)
		}
	}
}

// lagEvery is how often the lag is asked for, and how long an answer may take: a consumer or server that stops answering is
// reported within twice as long.
const lagEvery = 4 * time.Second

// reportLag reports the lag, and whether anything is settled. Without an answer the lag is unknown: the last one must not stand.
func (r *runner) reportLag(ctx context.Context) {
	if r.Metrics == nil && r.Answered == nil && r.Progress == nil {
		return
	}
	defer r.Metrics.lagEnds(r.Name)
	defer r.Metrics.watchProgress(r.Name, &r.progress)()
	for {
		asking, cancel := context.WithTimeout(ctx, lagEvery)
		lag, err := r.Stream.Lag(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		r.Metrics.lag(r.Name, lag, err)
		if r.Answered != nil {
			r.Answered(err)
		}
		stalled := r.progress.stalled(err != nil || lag.Pending+lag.AckPending > 0)
		if r.Progress != nil {
			r.Progress(stalled)
		}
		if clock.Sleep(ctx, lagEvery) != nil {
			return
		}
	}
}

// deliveries returns the deliveries of messages.
func deliveries(msgs []Message) []consumers.Delivery {
	out := make([]consumers.Delivery, len(msgs))
	for i := range msgs {
		out[i] = msgs[i].Delivery
	}
	return out
}
