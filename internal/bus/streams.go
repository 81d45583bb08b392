package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/fault"
)

// The names of the streams.
const (
	Chat       = "CHAT"
	Facts      = "FACTS"
	Dead       = "DEAD"
	Advisories = "ADVISORIES"
)

// The durable consumers.
const (
	Normalise  = "normalise"  // on CHAT
	Aggregate  = "aggregate"  // on FACTS
	quarantine = "quarantine" // on ADVISORIES
)

// duplicateWindow only has to be longer than the retry of a live publisher; the server keeps every id in memory for as long.
const duplicateWindow = 2 * time.Minute

// Ensure makes the streams, buckets and durable consumers, or brings them to what the configuration says. It may be called by
// several processes at once and any number of times; it never removes a message.
func (b *Bus) Ensure(ctx context.Context) error {
	for _, s := range b.c.cfg.streams() {
		if err := retry(ctx, func(ctx context.Context) error { return b.c.ensureStream(ctx, s) }); err != nil {
			return fmt.Errorf("creating stream %s: %w", s.Name, classify(err))
		}
	}
	for _, kv := range b.c.cfg.buckets() {
		if err := retry(ctx, func(ctx context.Context) error { return b.c.ensureBucket(ctx, kv) }); err != nil {
			return fmt.Errorf("creating bucket %s: %w", kv.Bucket, classify(err))
		}
	}
	// Consumers exist before anything is published: interest retention keeps facts only for consumers that are there.
	for _, d := range b.c.durables() {
		if err := retry(ctx, func(ctx context.Context) error { return d.Ensure(ctx, 0) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) durables() []Durable {
	return []Durable{{c, Chat, Normalise}, {c, Facts, Aggregate}, {c, Advisories, quarantine}}
}

// ensureBucket makes a bucket, or brings the number of its replicas to what the configuration says.
func (c *conn) ensureBucket(ctx context.Context, want jetstream.KeyValueConfig) error {
	have, err := c.js.KeyValue(ctx, want.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = c.js.CreateOrUpdateKeyValue(ctx, want)
		return err
	}
	if err != nil {
		return err
	}
	st, err := have.Status(ctx)
	if err != nil {
		return err
	}
	if is := st.Config(); is.Replicas == want.Replicas && is.History == want.History {
		return nil
	}
	_, err = c.js.UpdateKeyValue(ctx, want)
	return err
}

// ensureStream makes a stream, or changes of one that is there what is ours to say. All else stays: an operator may have set an
// age limit, compression, or a placement.
func (c *conn) ensureStream(ctx context.Context, want jetstream.StreamConfig) error {
	// Looked up first: to create a stream that is there, the server still requires its whole size to be free once more.
	s, err := c.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = c.createStream(ctx, want)
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
	_, err = c.js.UpdateStream(ctx, next)
	return err
}

// Another process may be creating the same stream: its size is then reserved before it can be looked up. Creating one takes
// milliseconds, so that a few retries suffice.
const (
	createTries = 20
	createPause = 50 * time.Millisecond
)

// createStream makes a stream that is not there, or returns the one that another process made meanwhile.
func (c *conn) createStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	for try := 1; ; try++ {
		s, err := c.js.CreateStream(ctx, want)
		if err == nil {
			return s, nil
		}
		if s, there := c.js.Stream(ctx, want.Name); there == nil {
			return s, nil
		}
		var api *jetstream.APIError
		if try == createTries || !errors.As(err, &api) || api.ErrorCode != codeStorageExceeded {
			return nil, err
		}
		if clock.Sleep(ctx, createPause) != nil {
			return nil, err
		}
	}
}

func (c Config) streams() []jetstream.StreamConfig {
	base := func(name, about string, bytes int64, subjects ...string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Description: about, Subjects: subjects, MaxBytes: bytes, Replicas: c.Replicas,
			Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew, Duplicates: duplicateWindow,
			AllowDirect: true, AllowAtomicPublish: true,
		}
	}
	facts := base(Facts, "Current states of things; made again from the record at any time", c.FactsBytes, "fact.>")
	facts.Retention = jetstream.InterestPolicy
	adv := base(Advisories, "Messages that a consumer was told to give up", 64<<20,
		"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>")
	adv.Retention, adv.Discard, adv.AllowAtomicPublish = jetstream.WorkQueuePolicy, jetstream.DiscardOld, false
	return []jetstream.StreamConfig{
		base(Chat, "Every event of every chat; the truth that all stores are made from", c.ChatBytes, "chat.>"),
		facts,
		base(Dead, "What a consumer could not store, with the cause", c.DeadBytes, "dead.>"),
		adv,
	}
}

// The buckets.
const (
	cursorBucket = "AGRICHAT_CURSORS"
	stateBucket  = "AGRICHAT_STATE"
	gateBucket   = "AGRICHAT_GATE"
)

// gateHistory is how many orders an operator can look back on: a failover takes three or four.
const gateHistory = 16

func (c Config) buckets() []jetstream.KeyValueConfig {
	kv := func(name, about string) jetstream.KeyValueConfig {
		return jetstream.KeyValueConfig{
			Bucket: name, Description: about, History: 1, Storage: jetstream.FileStorage, Replicas: c.Replicas,
		}
	}
	gate := kv(gateBucket, "Whether the record may be written: orders, reports, and who gives orders")
	gate.History = gateHistory
	return []jetstream.KeyValueConfig{
		kv(cursorBucket, "Where each source resumes"),
		kv(stateBucket, "What all processes agree on"),
		gate,
	}
}

// ErrMissing is under an error that names streams, buckets or consumers that are not there.
var ErrMissing = errors.New("not there")

// Check looks for the streams, buckets and durable consumers, and creates nothing. Those that are not there are named in an
// error that is ErrMissing. How they are configured does not matter: who reads can do so all the same.
func (b *Bus) Check(ctx context.Context) error {
	var missing []string
	look := func(what string, notifyNone error, ask func(context.Context) error) error {
		err := retry(ctx, ask)
		if errors.Is(err, notifyNone) {
			missing = append(missing, what)
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for %s: %w", what, classify(err))
		}
		return nil
	}
	gone := map[string]bool{}
	for _, s := range b.c.cfg.streams() {
		before := len(missing)
		err := look("stream "+s.Name, jetstream.ErrStreamNotFound, func(ctx context.Context) error {
			_, err := b.c.js.Stream(ctx, s.Name)
			return err
		})
		if err != nil {
			return err
		}
		gone[s.Name] = len(missing) > before
	}
	for _, kv := range b.c.cfg.buckets() {
		err := look("bucket "+kv.Bucket, jetstream.ErrBucketNotFound, func(ctx context.Context) error {
			_, err := b.c.js.KeyValue(ctx, kv.Bucket)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, d := range b.c.durables() {
		if gone[d.stream] {
			continue // with its stream
		}
		err := look(fmt.Sprintf("consumer %s of %s", d.name, d.stream), jetstream.ErrConsumerNotFound, func(ctx context.Context) error {
			_, err := b.c.js.Consumer(ctx, d.stream, d.name)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.AsFatal(fmt.Errorf("%w at NATS: %s; nothing was created", ErrMissing, strings.Join(missing, ", ")))
}

// StreamStatus is what a stream holds.
type StreamStatus struct {
	Name     string    `json:"name"`
	Messages uint64    `json:"messages"`
	Bytes    uint64    `json:"bytes"`
	MaxBytes int64     `json:"max_bytes"` // -1: no limit
	First    uint64    `json:"first"`
	Last     uint64    `json:"last"`
	Deleted  int       `json:"deleted"`
	Created  time.Time `json:"created"`
	Replicas int       `json:"replicas"`
}

// Free returns how many bytes the stream still takes; a large number where it has no limit.
func (s StreamStatus) Free() int64 {
	if s.MaxBytes < 0 {
		return 1 << 62
	}
	return s.MaxBytes - int64(s.Bytes)
}

// Stream returns what a stream holds.
func (b *Bus) Stream(ctx context.Context, name string) (StreamStatus, error) {
	return b.c.stream(ctx, name)
}

func (c *conn) stream(ctx context.Context, name string) (StreamStatus, error) {
	var s jetstream.Stream
	err := retry(ctx, func(ctx context.Context) (err error) {
		s, err = c.js.Stream(ctx, name)
		return err
	})
	if err != nil {
		return StreamStatus{}, fmt.Errorf("asking for stream %s: %w", name, classify(err))
	}
	i := s.CachedInfo()
	return StreamStatus{
		Name: name, Messages: i.State.Msgs, Bytes: i.State.Bytes, MaxBytes: i.Config.MaxBytes, First: i.State.FirstSeq,
		Last: i.State.LastSeq, Deleted: i.State.NumDeleted, Created: i.Created.UTC(), Replicas: i.Config.Replicas,
	}, nil
}

// Status returns all streams and durable consumers of ours that exist.
func (b *Bus) Status(ctx context.Context) (streams []StreamStatus, consumers []ConsumerStatus, err error) {
	streams, consumers = []StreamStatus{}, []ConsumerStatus{}
	for _, name := range []string{Chat, Facts, Dead, Advisories} {
		s, err := b.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		streams = append(streams, s)
	}
	for _, d := range []Durable{b.Durable(Chat, Normalise), b.Durable(Facts, Aggregate)} {
		s, err := d.Status(ctx)
		if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		consumers = append(consumers, s)
	}
	return streams, consumers, nil
}
