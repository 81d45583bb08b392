package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
)

// Bounds of one request of a range: enough to keep the server busy while the answers are handled, few enough to hold.
const (
	rangeMessages = 4096
	rangeBytes    = 16 << 20
)

// Range calls yield with every message of CHAT from one sequence to another, both included, in order, each once. A sequence
// that is left out is not there: deleted, or not yet taken. headersOnly leaves out the data. The delivery is yield's to keep;
// an error of it ends the range and is returned as it is.
func (b *Bus) Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error {
	return b.rangeOf(ctx, Chat, from, to, headersOnly, func(d consumers.Delivery, _ nats.Header) error { return yield(d) })
}

func (b *Bus) rangeOf(
	ctx context.Context, stream string, from, to uint64, headersOnly bool, yield func(consumers.Delivery, nats.Header) error,
) error {
	w := &walk{b: b, stream: stream, next: max(from, 1), to: to, headersOnly: headersOnly, yield: yield}
	for w.next <= to {
		before := w.next
		err := w.leg(ctx)
		switch {
		case w.yielded != nil || ctx.Err() != nil:
			return cmp.Or(w.yielded, ctx.Err())
		case w.next > before:
			w.failures = 0
			continue
		}
		// No headway: a broken connection or a replica that lags is waited for, a broken server is not.
		if w.failures++; w.failures > rangeTries {
			return fmt.Errorf("reading %s from %d: %w", stream, w.next, cmp.Or(err, errStuck))
		}
		if err := wait(ctx, time.Duration(w.failures)*rangePause); err != nil {
			return err
		}
	}
	return nil
}

// errStuck says that the leader has a message that no consumer delivers.
var errStuck = errors.New("the stream has more messages but delivers none")

// A range bears a restart of the server: ten attempts, of which the last waits for five seconds.
const (
	rangeTries = 10
	rangePause = 500 * time.Millisecond
)

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// walk goes through a stream with consumers that live as long as nothing goes wrong.
type walk struct {
	b           *Bus
	stream      string
	next, to    uint64
	headersOnly bool
	yield       func(consumers.Delivery, nats.Header) error
	yielded     error // of yield: not ours to try again
	failures    int
}

// leg walks on with a new consumer. After it either next has moved on, or err says why it has not, or there is nothing up to
// to, which also moves next on.
func (w *walk) leg(ctx context.Context) error {
	first, found, err := w.b.next(ctx, w.stream, w.next)
	if err != nil {
		return err
	}
	if !found || first.Sequence > w.to {
		w.next = w.to + 1
		return nil
	}
	w.next = first.Sequence
	c, err := w.b.js.CreateConsumer(ctx, w.stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: w.next,
		HeadersOnly: w.headersOnly, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("creating a consumer to read %s: %w", w.stream, classify(err))
	}
	name := c.CachedInfo().Name
	defer func() { // best effort: what is left behind goes by itself after InactiveThreshold
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = w.b.js.DeleteConsumer(ctx, w.stream, name)
	}()
	p, err := w.b.newPuller(w.stream, name)
	if err != nil {
		return err
	}
	defer p.close()
	return w.pull(ctx, p)
}

// pull takes messages until there are no more for now; the next request is on its way while one's answers are handled.
func (w *walk) pull(ctx context.Context, p *puller) error {
	r := request{Batch: rangeMessages, NoWait: true}
	if !w.headersOnly {
		r.Bytes = rangeBytes
	}
	reply, err := p.ask(r)
	if err != nil {
		return err
	}
	for due := uint64(1); ; {
		msgs, err := p.collect(reply, r)
		large := errors.Is(err, errTooLarge)
		if err != nil && !large {
			return err
		}
		if len(msgs) == 0 && !large || ctx.Err() != nil {
			return ctx.Err()
		}
		if large && len(msgs) == 0 {
			r.Batch, r.Bytes = 1, 0
		}
		if reply, err = p.ask(r); err != nil {
			return err
		}
		if done, err := w.hand(msgs, &due); done || err != nil {
			return err
		}
	}
}

// hand yields messages; due is the number that the consumer must have given the next: a gap means that some were lost on the
// way, and the walk goes on from before it with another consumer.
func (w *walk) hand(msgs []*nats.Msg, due *uint64) (done bool, err error) {
	for _, m := range msgs {
		d, number, err := delivery(m)
		if err != nil {
			return false, err
		}
		if number != *due {
			return true, nil
		}
		*due++
		if d.Sequence > w.to {
			w.next = w.to + 1
			return true, nil
		}
		if w.yielded = w.yield(d, m.Header); w.yielded != nil {
			return true, w.yielded
		}
		w.next = d.Sequence + 1
	}
	return w.next > w.to, nil
}
