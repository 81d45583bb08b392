package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
	p, err := b.c.newPuller(stream, name)
	if err != nil {
		return nil, err
	}
	return &Consumer{b: b, pull: p, created: s.Created}, nil
}

// Close ends the subscription. Messages not settled are redelivered after their ack wait.
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
	reply, err := c.pull.send(r)
	if err != nil {
		return nil, err
	}
	return c.pull.collect(reply, r)
}

// Ack implements deliver.Stream. The server does not answer: waiting for it costs five times as much, and duplicates that a lost ack
// causes are dropped by the ledger.
func (c *Consumer) Ack(batch []deliver.Message) error { return c.settle(batch, "+ACK") }

// Working implements deliver.Stream.
func (c *Consumer) Working(batch []deliver.Message) error { return c.settle(batch, "+WPI") }

// Retry implements deliver.Stream.
func (c *Consumer) Retry(m deliver.Message, delay time.Duration) error {
	word := "-NAK"
	if delay > 0 {
		word = fmt.Sprintf(`-NAK {"delay": %d}`, delay.Nanoseconds())
	}
	return c.settle([]deliver.Message{m}, word)
}

func (c *Consumer) settle(batch []deliver.Message, word string) error {
	data := []byte(word)
	for i := range batch {
		if err := c.b.c.nc.Publish(batch[i].Token, data); err != nil {
			return fmt.Errorf("settling message %d of %s: %w", batch[i].Sequence, c.pull.stream, classify(err))
		}
	}
	return nil
}

// DeadLetter implements deliver.Stream.
func (c *Consumer) DeadLetter(ctx context.Context, m deliver.Message, cause error, first time.Time) error {
	return c.b.dead.add(ctx, DeadLetter{
		Stream: c.pull.stream, Created: c.created, Sequence: m.Sequence, Line: m.Line, Subject: m.Subject, EventID: m.EventIDs,
		Consumer: c.pull.consumer, Cause: cause.Error(), Attempts: m.Attempts, First: first, Last: time.Now().UTC(), Data: m.Data,
	})
}

// Lag implements deliver.Stream.
func (c *Consumer) Lag(ctx context.Context) (deliver.Lag, error) {
	s, err := c.b.Durable(c.pull.stream, c.pull.consumer).Status(ctx)
	if err != nil {
		return deliver.Lag{}, err
	}
	l := deliver.Lag{Pending: s.Pending, AckPending: uint64(s.AckPending)}
	if l.Pending+l.AckPending == 0 {
		return l, nil
	}
	// The first message above the ack floor is not settled, or no longer there: then what follows it is the oldest.
	oldest, found, err := c.b.reader.next(ctx, c.pull.stream, s.AckFloor+1)
	if found && err == nil {
		l.Age = max(time.Since(oldest.Stored), 0)
	}
	return l, err
}

// Durable is a durable consumer as something to be managed. Consumer takes its messages.
type Durable struct {
	c            *conn
	stream, name string
}

// Durable names a durable consumer of a stream, which need not be there.
func (b *Bus) Durable(stream, name string) Durable { return Durable{b.c, stream, name} }

// Ensure makes the consumer, or brings it to what the configuration says; a pause stays. from is the
// first sequence that a new one delivers; zero: all.
func (d Durable) Ensure(ctx context.Context, from uint64) error {
	want := jetstream.ConsumerConfig{
		Durable: d.name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: d.c.cfg.AckWait, MaxDeliver: -1,
		MaxAckPending: d.c.cfg.MaxAckPending, MaxWaiting: 512, DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if from > 0 {
		want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
	}
	have, err := d.config(ctx)
	if err != nil {
		return fmt.Errorf("looking for consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	if have != nil {
		if have.AckWait == want.AckWait && have.MaxAckPending == want.MaxAckPending && have.MaxDeliver == -1 {
			return nil
		}
		// What cannot be changed stays as it is, and so does the pause: a controller may hold the consumer right now.
		next := *have
		next.AckWait, next.MaxAckPending, next.MaxDeliver = want.AckWait, want.MaxAckPending, -1
		want = next
	}
	if _, err := d.c.js.CreateOrUpdateConsumer(ctx, d.stream, want); err != nil {
		return fmt.Errorf("creating consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	return nil
}

func (d Durable) config(ctx context.Context) (*jetstream.ConsumerConfig, error) {
	c, err := d.c.js.Consumer(ctx, d.stream, d.name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c.CachedInfo().Config, nil
}

// Delete removes the consumer; that there is none is no error.
func (d Durable) Delete(ctx context.Context) error {
	err := d.c.js.DeleteConsumer(ctx, d.stream, d.name)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("removing consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	return nil
}

// Redeliver has everything delivered at once that was delivered and not acknowledged, instead of after the ack wait. Only a
// process that knows that no worker has it calls this; should one have it all the same, work is done twice: handlers are idempotent.
// Servers can do it since 2.14.
func (d Durable) Redeliver(ctx context.Context) error {
	if _, err := d.c.js.ResetConsumer(ctx, d.stream, d.name); err != nil {
		return fmt.Errorf("taking consumer %s of %s back to what is acknowledged: %w", d.name, d.stream, classify(err))
	}
	return nil
}

// Pause stops deliveries until the given time, for all its processes at once. It is a deadline and no lock:
// its holder renews it. Acknowledgements are still taken.
func (d Durable) Pause(ctx context.Context, until time.Time) error {
	if _, err := d.c.js.PauseConsumer(ctx, d.stream, d.name, until); err != nil {
		return fmt.Errorf("pausing consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	return nil
}

// Resume ends a pause.
func (d Durable) Resume(ctx context.Context) error {
	if _, err := d.c.js.ResumeConsumer(ctx, d.stream, d.name); err != nil {
		return fmt.Errorf("resuming consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	return nil
}

// ConsumerStatus is how far a consumer is.
type ConsumerStatus struct {
	Stream      string        `json:"stream"`
	Name        string        `json:"name"`
	Pending     uint64        `json:"pending"`     // never delivered
	AckPending  int           `json:"ack_pending"` // delivered, not settled
	Redelivered int           `json:"redelivered"` // of these, more than once
	AckFloor    uint64        `json:"ack_floor"`   // all up to this sequence are settled
	Delivered   uint64        `json:"delivered"`   // the highest sequence delivered
	Waiting     int           `json:"waiting"`     // requests of workers for messages
	Paused      bool          `json:"paused"`
	PausedFor   time.Duration `json:"paused_for"`
}

// Lag returns how many messages are not settled.
func (s ConsumerStatus) Lag() uint64 { return s.Pending + uint64(s.AckPending) }

// Status returns how far the consumer is.
func (d Durable) Status(ctx context.Context) (ConsumerStatus, error) {
	var c jetstream.Consumer
	err := retry(ctx, func(ctx context.Context) (err error) {
		c, err = d.c.js.Consumer(ctx, d.stream, d.name)
		return err
	})
	if err != nil {
		return ConsumerStatus{}, fmt.Errorf("asking for consumer %s of %s: %w", d.name, d.stream, classify(err))
	}
	return consumerStatus(c.CachedInfo()), nil
}

func consumerStatus(i *jetstream.ConsumerInfo) ConsumerStatus {
	return ConsumerStatus{
		Stream: i.Stream, Name: i.Name, Pending: i.NumPending, AckPending: i.NumAckPending, Redelivered: i.NumRedelivered,
		AckFloor: i.AckFloor.Stream, Delivered: i.Delivered.Stream, Waiting: i.NumWaiting, Paused: i.Paused, PausedFor: i.PauseRemaining,
	}
}
