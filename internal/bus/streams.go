package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The durable consumers.
const (
	Normalise  = "normalise"  // on CHAT
	Aggregate  = "aggregate"  // on FACTS
	quarantine = "quarantine" // on ADVISORIES
)

// duplicateWindow only has to outlast a live publisher's second attempt; the server keeps every id in memory for as long.
const duplicateWindow = 2 * time.Minute

// Ensure makes the streams, buckets and durable consumers, or brings them to what the configuration says. It may be called by
// several processes at once and any number of times; it never removes a message.
func (b *Bus) Ensure(ctx context.Context) error {
	for _, s := range b.streams() {
		if err := insist(ctx, func(ctx context.Context) error { return b.ensureStream(ctx, s) }); err != nil {
			return fmt.Errorf("creating stream %s: %w", s.Name, classify(err))
		}
	}
	for _, kv := range b.buckets() {
		if err := insist(ctx, func(ctx context.Context) error { return b.ensureBucket(ctx, kv) }); err != nil {
			return fmt.Errorf("creating bucket %s: %w", kv.Bucket, classify(err))
		}
	}
	// Consumers exist before anything is published: interest retention keeps facts only for consumers that are there.
	for _, c := range durables() {
		err := insist(ctx, func(ctx context.Context) error { return b.EnsureConsumer(ctx, c.stream, c.name, 0) })
		if err != nil {
			return err
		}
	}
	return nil
}

// durable names a consumer and its stream.
type durable struct{ stream, name string }

func durables() []durable {
	return []durable{{Chat, Normalise}, {Facts, Aggregate}, {Advisories, quarantine}}
}

// On a cluster of servers a question may never be answered: of several that make the same thing at once, or while a stream
// gets another leader. Asked again it is. One that is answered takes milliseconds.
const (
	insistTries = 5
	insistAfter = 2 * time.Second
)

// insist asks again where there was no answer.
func insist(ctx context.Context, do func(context.Context) error) error {
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, insistAfter)
		err := do(limited)
		silent := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		cancel()
		if !silent || try == insistTries {
			return err
		}
	}
}

// ensureBucket makes a bucket, or brings the number of its replicas to what the configuration says.
func (b *Bus) ensureBucket(ctx context.Context, want jetstream.KeyValueConfig) error {
	have, err := b.js.KeyValue(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = b.js.CreateOrUpdateKeyValue(ctx, want)
		return err
	}
	if err != nil {
		return err
	}
	st, err := have.Status(ctx)
	if err != nil {
		return err
	}
	if c := st.Config(); c.Replicas == want.Replicas && c.History == want.History {
		return nil
	}
	_, err = b.js.UpdateKeyValue(ctx, want)
	return err
}

// ensureStream makes a stream, or changes of one that is there what is ours to say. All else stays: an operator may have set an
// age limit, compression, or a placement.
func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) error {
	// Looked for first: asked to create a stream that is there, the server still wants its whole size to be free once more.
	s, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = b.createStream(ctx, want)
	}
	if err != nil {
		return err
	}
	have := s.CachedInfo().Config
	next := have
	next.Description, next.Subjects, next.MaxBytes, next.Replicas = want.Description, want.Subjects, want.MaxBytes, want.Replicas
	next.Discard, next.Duplicates = want.Discard, want.Duplicates
	next.AllowDirect, next.AllowAtomicPublish = want.AllowDirect, want.AllowAtomicPublish
	if reflect.DeepEqual(have, next) {
		return nil
	}
	_, err = b.js.UpdateStream(ctx, next)
	return err
}

// Somebody else may be making the same stream: its size is then promised to them before it can be looked up. Making one takes
// milliseconds.
const (
	createTries = 20
	createPause = 50 * time.Millisecond
)

// createStream makes a stream that is not there, or returns the one that somebody else made meanwhile.
func (b *Bus) createStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	for try := 1; ; try++ {
		s, err := b.js.CreateStream(ctx, want)
		if err == nil {
			return s, nil
		}
		if s, there := b.js.Stream(ctx, want.Name); there == nil {
			return s, nil
		}
		var api *jetstream.APIError
		if try == createTries || !errors.As(err, &api) || api.ErrorCode != codeStorageExceeded {
			return nil, err
		}
		if wait(ctx, createPause) != nil {
			return nil, err
		}
	}
}

func (b *Bus) streams() []jetstream.StreamConfig {
	base := func(name, about string, bytes int64, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Description: about, Subjects: subjects, MaxBytes: bytes, Replicas: b.cfg.Replicas,
			Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, Duplicates: duplicateWindow,
			AllowDirect: true, AllowAtomicPublish: true,
		}
	}
	facts := base(Facts, "Current states of things; made again from the record at any time", b.cfg.FactsBytes, "fact.>")
	facts.Retention = jetstream.InterestPolicy
	adv := base(Advisories, "Messages that a consumer was told to give up", 64<<20,
		"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
	adv.Retention, adv.Discard, adv.AllowAtomicPublish = jetstream.WorkQueuePolicy, jetstream.DiscardOld, false
	return []jetstream.StreamConfig{
		base(Chat, "Every event of every chat; the truth that all stores are made from", b.cfg.ChatBytes, "chat.>"),
		facts,
		base(Dead, "What a consumer could not store, with the cause", b.cfg.DeadBytes, "dead.>"),
		adv,
	}
}

// EnsureConsumer makes a durable consumer of a stream, or brings it to what the configuration says; a pause stays. from is the
// first sequence that a new one delivers; zero: all.
func (b *Bus) EnsureConsumer(ctx context.Context, stream, name string, from uint64) error {
	want := jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.AckWait, MaxDeliver: -1,
		MaxAckPending: b.cfg.MaxAckPending, MaxWaiting: 512, DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if from > 0 {
		want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, from
	}
	have, err := b.consumerConfig(ctx, stream, name)
	if err != nil {
		return fmt.Errorf("looking for consumer %s of %s: %w", name, stream, classify(err))
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
	if _, err := b.js.CreateOrUpdateConsumer(ctx, stream, want); err != nil {
		return fmt.Errorf("creating consumer %s of %s: %w", name, stream, classify(err))
	}
	return nil
}

func (b *Bus) consumerConfig(ctx context.Context, stream, name string) (*jetstream.ConsumerConfig, error) {
	c, err := b.js.Consumer(ctx, stream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c.CachedInfo().Config, nil
}

// DeleteConsumer removes a durable consumer; that there is none is no error.
func (b *Bus) DeleteConsumer(ctx context.Context, stream, name string) error {
	err := b.js.DeleteConsumer(ctx, stream, name)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("removing consumer %s of %s: %w", name, stream, classify(err))
	}
	return nil
}

// Redeliver has everything delivered at once that was delivered and not acknowledged, instead of after the ack wait. Only who
// knows that nobody works on it calls this; should somebody do so all the same, work is done twice, which handlers bear.
// Servers can do it since 2.14.
func (b *Bus) Redeliver(ctx context.Context, stream, name string) error {
	if _, err := b.js.ResetConsumer(ctx, stream, name); err != nil {
		return fmt.Errorf("taking consumer %s of %s back to what is acknowledged: %w", name, stream, classify(err))
	}
	return nil
}

// Pause stops deliveries of a consumer until the given time, for all its processes at once. It is a deadline and no lock:
// whoever holds it renews it. Acknowledgements go on being taken.
func (b *Bus) Pause(ctx context.Context, stream, name string, until time.Time) error {
	if _, err := b.js.PauseConsumer(ctx, stream, name, until); err != nil {
		return fmt.Errorf("pausing consumer %s of %s: %w", name, stream, classify(err))
	}
	return nil
}

// Resume ends a pause.
func (b *Bus) Resume(ctx context.Context, stream, name string) error {
	if _, err := b.js.ResumeConsumer(ctx, stream, name); err != nil {
		return fmt.Errorf("resuming consumer %s of %s: %w", name, stream, classify(err))
	}
	return nil
}
