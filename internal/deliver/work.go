package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// work settles every message of a batch. ctx ends when what is in flight must end; after the end of r.stopping nothing more is started.
func (r *runner) work(ctx context.Context, batch []Message) {
	if r.stopping.Err() != nil {
		r.release(batch)
		return
	}
	alone, rest := r.poison.separate(batch)
	if len(rest) > 0 {
		r.handleBatch(ctx, rest)
	}
	for _, m := range alone {
		if r.stopping.Err() != nil {
			r.release([]Message{m})
			continue
		}
		r.handleAlone(ctx, m)
	}
}

// handle calls the handler, and returns a partial failure apart from a whole one.
func (r *runner) handle(ctx context.Context, batch []Message) (map[int]error, error) {
	began := time.Now()
	r.progress.begin()
	defer r.progress.end()
	err := r.protect(func() error { return r.Handler.Handle(ctx, deliveries(batch)) })
	r.Metrics.handled(r.Name, len(batch), time.Since(began), err)
	var partial *consumers.PartialError
	if errors.As(err, &partial) && len(partial.Failed) > 0 {
		for _, one := range partial.Failed {
			r.progress.fail(one)
			break
		}
		return partial.Failed, nil
	}
	if err != nil {
		r.progress.fail(err)
	}
	return nil, err
}

// PanicError is a panic in a handler. It is poison: the input that caused it is dead-lettered after its tries, as a handler's own
// judgement is.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.Value) }

// protect turns a panic into an error, and logs where it was.
func (c *Config) protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p := &PanicError{Value: v, Stack: debug.Stack()}
			c.Log.Error("a handler panicked; report this with its stack", "panic", v, "stack", string(p.Stack))
			err = fault.AsPoison(p)
		}
	}()
	return f()
}

// handleBatch handles messages together. A poisoned batch is split until the culprit is alone, and so is one that keeps failing for an
// unmarked reason while others succeed; everything else that fails is redelivered as it is.
func (r *runner) handleBatch(ctx context.Context, batch []Message) {
	if len(batch) == 1 {
		r.handleAlone(ctx, batch[0])
		return
	}
	failed, err := r.handle(ctx, batch)
	switch {
	case err == nil:
		r.settle(ctx, batch, failed)
	case r.class(ctx, err) == fault.Poison:
		r.split(ctx, batch)
	case r.stuck(batch, err):
		r.isolate(ctx, batch, err)
	default:
		r.nak(ctx, batch, err)
	}
}

func (r *runner) split(ctx context.Context, batch []Message) {
	half := len(batch) / 2
	r.handleBatch(ctx, batch[:half])
	r.handleBatch(ctx, batch[half:])
}

// stuck reports whether messages have failed so often, for an unmarked reason, that one of them may be the reason.
func (c *Config) stuck(batch []Message, err error) bool {
	if !fault.Unmarked(err) {
		return false
	}
	return slices.ContainsFunc(batch, func(m Message) bool { return m.Attempts >= uint64(c.Tries) })
}

// isolate splits a batch that keeps failing, if there is proof that the store works. Where nothing was ever stored one message
// of it is tried alone: an outage costs one more call, and a message that succeeds is the proof.
func (r *runner) isolate(ctx context.Context, batch []Message, cause error) {
	if probe := r.poison.lastStored(); len(probe) > 0 {
		if r.probeStore(ctx, probe) {
			r.split(ctx, batch)
		} else {
			r.nak(ctx, batch, cause)
		}
		return
	}
	i := rand.IntN(len(batch))
	failed, err := r.handle(ctx, batch[i:i+1])
	if err != nil || len(failed) > 0 {
		r.nak(ctx, batch, cause)
		return
	}
	r.done(batch[i : i+1 : i+1])
	rest := slices.Concat(batch[:i], batch[i+1:])
	if len(rest) == 1 {
		r.handleAlone(ctx, rest[0])
		return
	}
	r.split(ctx, rest)
}

// settle settles a batch of which some failed, or none.
func (r *runner) settle(ctx context.Context, batch []Message, failed map[int]error) {
	stored := batch
	if len(failed) > 0 {
		stored = make([]Message, 0, len(batch))
		for i := range batch {
			if failed[i] == nil {
				stored = append(stored, batch[i])
			}
		}
	}
	if len(stored) > 0 {
		r.done(stored)
	}
	for i := range batch {
		switch err := failed[i]; {
		case err == nil:
		case r.class(ctx, err) == fault.Poison || r.stuck(batch[i:i+1], err):
			r.handleAlone(ctx, batch[i]) // failing in a batch proves nothing
		default:
			r.nak(ctx, batch[i:i+1], err)
		}
	}
}

// handleAlone handles a message alone.
func (r *runner) handleAlone(ctx context.Context, m Message) {
	batch := []Message{m}
	failed, err := r.handle(ctx, batch)
	judged := failed[0] != nil
	if judged {
		err = failed[0]
	}
	var p *PanicError
	switch {
	case err == nil:
		r.done(batch)
	case r.class(ctx, err) == fault.Poison:
		r.failedAlone(ctx, m, err, judged || errors.As(err, &p))
	case r.stuck(batch, err):
		r.failedAlone(ctx, m, err, false)
	default:
		r.nak(ctx, batch, err)
	}
}

// class classifies a handler's error. A cancelled context that is not ours is a lost permission to write, or a statement that
// somebody else ended: to be retried.
func (r *runner) class(ctx context.Context, err error) fault.Class {
	c := fault.Of(err)
	if c == fault.Stopped && ctx.Err() == nil && r.stopping.Err() == nil {
		return fault.Transient
	}
	return c
}

// done acknowledges what is stored.
func (r *runner) done(batch []Message) {
	r.broken.Store(0)
	r.Hook("handled")
	r.poison.succeeded(batch)
	err := r.Stream.Ack(batch)
	for _, m := range batch {
		r.inflight.remove(m)
	}
	if err != nil {
		r.Log.Warn("acknowledging failed; the messages will be redelivered", "error", err, "messages", len(batch))
		return
	}
	r.progress.settled()
	r.Metrics.settled(r.Name, "acked", len(batch))
	r.Hook("acked")
}

// nak has redelivered what failed through no fault of its own, after a backoff.
func (r *runner) nak(ctx context.Context, batch []Message, err error) {
	switch r.class(ctx, err) {
	case fault.Fatal:
		r.halt(err)
		r.release(batch)
	case fault.Stopped:
		r.release(batch)
	default:
		r.broken.Add(1)
		r.progress.fail(err)
		r.Log.Warn("handling failed; the messages will be redelivered", "error", err, "messages", len(batch), "first", batch[0].Sequence)
		for _, m := range batch {
			r.retry(m, max(r.Delay.after(int(min(m.Attempts, 64))), fault.RetryAfter(err)))
		}
	}
}

// retry settles a message: to be redelivered after a delay.
func (r *runner) retry(m Message, delay time.Duration) {
	r.inflight.remove(m)
	if err := r.Stream.Retry(m, delay); err != nil {
		r.Log.Warn("negative acknowledgement failed; the message is redelivered after the ack wait", "error", err, "sequence", m.Sequence)
	}
	r.Metrics.settled(r.Name, "retried", 1)
}
