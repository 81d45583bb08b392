package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

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

// Stream returns what a stream holds.
func (b *Bus) Stream(ctx context.Context, name string) (StreamStatus, error) {
	var s jetstream.Stream
	err := insist(ctx, func(ctx context.Context) (err error) {
		s, err = b.js.Stream(ctx, name)
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

// ConsumerStatus returns how far a consumer is.
func (b *Bus) ConsumerStatus(ctx context.Context, stream, name string) (ConsumerStatus, error) {
	var c jetstream.Consumer
	err := insist(ctx, func(ctx context.Context) (err error) {
		c, err = b.js.Consumer(ctx, stream, name)
		return err
	})
	if err != nil {
		return ConsumerStatus{}, fmt.Errorf("asking for consumer %s of %s: %w", name, stream, classify(err))
	}
	return consumerStatus(c.CachedInfo()), nil
}

func consumerStatus(i *jetstream.ConsumerInfo) ConsumerStatus {
	return ConsumerStatus{
		Stream: i.Stream, Name: i.Name, Pending: i.NumPending, AckPending: i.NumAckPending, Redelivered: i.NumRedelivered,
		AckFloor: i.AckFloor.Stream, Delivered: i.Delivered.Stream, Waiting: i.NumWaiting, Paused: i.Paused, PausedFor: i.PauseRemaining,
	}
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
	for _, c := range []struct{ stream, name string }{{Chat, Normalise}, {Facts, Aggregate}} {
		s, err := b.ConsumerStatus(ctx, c.stream, c.name)
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

// Watch is a consumer that importers wait for: from High messages not settled on, until Low are left.
type Watch struct {
	Stream, Consumer string
	High, Low        uint64
}

// ThrottleConfig says what importers wait for.
type ThrottleConfig struct {
	Watches []Watch
	Lead    LeadLimit
	// Reserve is how many bytes of CHAT are left to live sources; default a tenth of its limit.
	Reserve int64
}

// Throttle implements ingest.Throttle for all importers of a process.
type Throttle struct {
	b       *Bus
	cfg     ThrottleConfig
	mu      sync.Mutex // covers all below
	asked   time.Time
	holding []bool // by watch: it was high, and is not low yet
	lead    lead
	wait    time.Duration
	why     string
}

// Throttle makes importers wait for consumers and for space.
func (b *Bus) Throttle(cfg ThrottleConfig) *Throttle {
	return &Throttle{b: b, cfg: cfg, holding: make([]bool, len(cfg.Watches))}
}

// An answer counts for throttleFresh, in which importers publish two megabytes at most. Who waits asks again after throttlePause.
const (
	throttleFresh = 25 * time.Millisecond
	throttlePause = 50 * time.Millisecond
)

// Ask implements ingest.Throttle.
func (t *Throttle) Ask(ctx context.Context) (time.Duration, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.asked) < throttleFresh {
		return t.wait, t.why, nil
	}
	why, err := t.look(ctx)
	if err != nil {
		return 0, "", err
	}
	t.asked, t.why, t.wait = time.Now(), why, 0
	if why != "" {
		t.wait = throttlePause
	}
	return t.wait, t.why, nil
}

func (t *Throttle) look(ctx context.Context) (why string, err error) {
	s, err := t.b.Stream(ctx, Chat)
	if err != nil {
		return "", err
	}
	reserve := t.cfg.Reserve
	if reserve == 0 && s.MaxBytes > 0 {
		reserve = s.MaxBytes / 10
	}
	if s.Free() < reserve {
		why = fmt.Sprintf("stream %s has %d bytes left, which live sources need: raise its size limit", Chat, s.Free())
	}
	asked := map[[2]string]ConsumerStatus{} // the lead and a watch may be of one consumer
	status := func(stream, consumer string) (c ConsumerStatus, err error) {
		key := [2]string{stream, consumer}
		c, known := asked[key]
		if !known {
			if c, err = t.b.ConsumerStatus(ctx, stream, consumer); err == nil {
				asked[key] = c
			}
		}
		return c, err
	}
	if t.cfg.Lead.Consumer != "" {
		c, err := status(Chat, t.cfg.Lead.Consumer)
		if err != nil {
			return "", err
		}
		if behind := t.lead.look(time.Now(), t.cfg.Lead, s, c.settled()); behind != "" {
			why = behind
		}
	}
	for i, w := range t.cfg.Watches {
		c, err := status(w.Stream, w.Consumer)
		if err != nil {
			return "", err
		}
		if t.holding[i] = c.Lag() >= w.High || t.holding[i] && c.Lag() > w.Low; t.holding[i] {
			why = fmt.Sprintf("consumer %s is %d messages behind", w.Consumer, c.Lag())
		}
	}
	return why, nil
}
