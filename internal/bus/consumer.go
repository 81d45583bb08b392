package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/deliver"
)

// Consumer is a durable consumer of a stream, as deliver uses it.
type Consumer struct {
	b       *Bus
	pull    *puller
	created time.Time // the stream's incarnation: sequences of another one mean other messages
}

// Consumer opens a durable consumer that Ensure or EnsureConsumer made. Close it.
func (b *Bus) Consumer(ctx context.Context, stream, name string) (*Consumer, error) {
	s, err := b.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	p, err := b.newPuller(stream, name)
	if err != nil {
		return nil, err
	}
	return &Consumer{b: b, pull: p, created: s.Created}, nil
}

// Close ends the subscription. Messages not settled come again after their ack wait.
func (c *Consumer) Close() { c.pull.close() }

// Fetch implements deliver.Stream.
func (c *Consumer) Fetch(ctx context.Context, l deliver.Limits) ([]deliver.Message, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	msgs, err := c.take(request{Batch: l.Messages, Bytes: l.Bytes, Expires: l.Wait, NoWait: true})
	switch large := errors.Is(err, errTooLarge); {
	case large && len(msgs) > 0:
		err = nil // it comes with the next request
	case large:
		msgs, err = c.take(request{Batch: 1, Expires: l.Wait, NoWait: true})
	}
	out := make([]deliver.Message, 0, len(msgs))
	for _, m := range msgs {
		d, _, e := delivery(m)
		if e != nil {
			return out, e
		}
		out = append(out, deliver.Message{Delivery: d, Token: m.Reply})
	}
	return out, err
}

func (c *Consumer) take(r request) ([]*nats.Msg, error) {
	reply, err := c.pull.ask(r)
	if err != nil {
		return nil, err
	}
	return c.pull.collect(reply, r)
}

// Ack implements deliver.Stream. The server does not answer: waiting for it costs five times as much, and what a lost ack
// brings again the ledger knows.
func (c *Consumer) Ack(batch []deliver.Message) error { return c.tell(batch, "+ACK") }

// Working implements deliver.Stream.
func (c *Consumer) Working(batch []deliver.Message) error { return c.tell(batch, "+WPI") }

// Retry implements deliver.Stream.
func (c *Consumer) Retry(m deliver.Message, delay time.Duration) error {
	word := "-NAK"
	if delay > 0 {
		word = fmt.Sprintf(`-NAK {"delay": %d}`, delay.Nanoseconds())
	}
	return c.tell([]deliver.Message{m}, word)
}

func (c *Consumer) tell(batch []deliver.Message, word string) error {
	data := []byte(word)
	for i := range batch {
		if err := c.b.nc.Publish(batch[i].Token, data); err != nil {
			return fmt.Errorf("settling message %d of %s: %w", batch[i].Sequence, c.pull.stream, classify(err))
		}
	}
	return nil
}

// Bury implements deliver.Stream.
func (c *Consumer) Bury(ctx context.Context, m deliver.Message, cause error, first time.Time) error {
	return c.b.bury(ctx, Letter{
		Stream: c.pull.stream, Created: c.created, Sequence: m.Sequence, Line: m.Line, Subject: m.Subject, EventID: m.EventIDs,
		Consumer: c.pull.consumer, Cause: cause.Error(), Attempts: m.Attempts, First: first, Last: time.Now().UTC(), Data: m.Data,
	})
}

// Lag implements deliver.Stream.
func (c *Consumer) Lag(ctx context.Context) (deliver.Lag, error) {
	s, err := c.b.ConsumerStatus(ctx, c.pull.stream, c.pull.consumer)
	if err != nil {
		return deliver.Lag{}, err
	}
	l := deliver.Lag{Pending: s.Pending, AckPending: uint64(s.AckPending)}
	if l.Pending+l.AckPending == 0 {
		return l, nil
	}
	// The first message above the ack floor is not settled, or no longer there: then what follows it is the oldest.
	oldest, found, err := c.b.next(ctx, c.pull.stream, s.AckFloor+1)
	if found && err == nil {
		l.Age = max(time.Since(oldest.Stored), 0)
	}
	return l, err
}
