package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Bounds of an atomic batch: the server refuses more messages, and holds all of their bytes in memory while it commits.
const (
	batchMessages = 1000
	batchBytes    = 8 << 20
)

// Ack says where a batch stands on the stream.
type Ack struct{ First, Last uint64 }

// PublishBatch publishes events and waits until they are on the disk of CHAT: as one atomic batch, whose sequences are
// contiguous, or as several if they are more than batchMessages or batchBytes. After an error some of them may be there.
func (b *Bus) PublishBatch(ctx context.Context, events []event.Event) ([]Ack, error) {
	var acks []Ack
	for len(events) > 0 {
		n, p, err := b.Begin(ctx, events, false)
		if err != nil {
			return acks, err
		}
		s, err := p.Wait(ctx)
		if err != nil {
			return acks, err
		}
		acks, events = append(acks, Ack{s.First, s.Last}), events[n:]
	}
	return acks, nil
}

// PublishLive publishes one event with Nats-Msg-Id: a second copy within the server's short memory is not stored.
func (b *Bus) PublishLive(ctx context.Context, e *event.Event) (Ack, error) {
	_, p, err := b.Begin(ctx, []event.Event{*e}, true)
	if err != nil {
		return Ack{}, err
	}
	s, err := p.Wait(ctx)
	return Ack{s.First, s.Last}, err
}

// Begin implements ingest.Publisher. Batches begun one after the other over one connection reach the stream in that order,
// because the server takes them off the connection one message at a time; nothing waits in between. Should one be refused and
// published again, it comes behind those begun after it: revisions order the states of things, arrival does not.
func (b *Bus) Begin(ctx context.Context, events []event.Event, live bool) (int, ingest.Pending, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	msgs, err := b.messages(events)
	if err != nil {
		return 0, nil, err
	}
	if len(msgs) == 1 && live {
		msgs[0].Header.Set(jetstream.MsgIDHeader, msgs[0].Header.Get(EventIDHeader))
	}
	p, err := b.send(msgs)
	return len(msgs), p, err
}

// messages encodes as many events as one batch holds, and at least one.
func (b *Bus) messages(events []event.Event) ([]*nats.Msg, error) {
	msgs := make([]*nats.Msg, 0, min(len(events), batchMessages))
	size := 0
	for i := range events {
		m, err := b.message(&events[i])
		if err != nil {
			return nil, err
		}
		if size += len(m.Data); len(msgs) == batchMessages || len(msgs) > 0 && size > batchBytes {
			break
		}
		msgs = append(msgs, m)
	}
	return msgs, nil
}

// send writes a batch to the connection; the last message carries the address of the answer. One message alone is no batch:
// a plain one costs the server a fifth.
func (b *Bus) send(msgs []*nats.Msg) (*pending, error) {
	if len(msgs) == 0 {
		return nil, errors.New("publishing a batch: it is empty")
	}
	p := &pending{b: b, count: len(msgs), up: b.connection(), answer: make(chan *nats.Msg, 1)}
	inbox := b.nc.NewInbox()
	sub, err := b.nc.ChanSubscribe(inbox, p.answer)
	if err != nil {
		return nil, fmt.Errorf("awaiting the answer to a batch: %w", classify(err))
	}
	p.sub = sub
	if len(msgs) > 1 {
		mark(msgs)
	}
	msgs[len(msgs)-1].Reply = inbox
	for _, m := range msgs {
		if err := b.nc.PublishMsg(m); err != nil {
			_ = sub.Unsubscribe() // only fails on a closed connection
			return nil, fmt.Errorf("publishing to %s: %w", m.Subject, classify(err))
		}
	}
	return p, nil
}

// mark makes an atomic batch out of messages.
func mark(msgs []*nats.Msg) {
	id := nuid.Next()
	for i, m := range msgs {
		m.Header[jetstreamext.BatchIDHeader] = []string{id}
		m.Header[jetstreamext.BatchSeqHeader] = []string{strconv.Itoa(i + 1)}
	}
	msgs[len(msgs)-1].Header.Set(jetstreamext.BatchCommitHeader, "1")
}

// pending is a batch on its way.
type pending struct {
	b      *Bus
	sub    *nats.Subscription
	count  int
	up     context.Context // ends with the connection that it went out on: no answer will come then
	answer chan *nats.Msg
}

// errLost says that nobody knows what became of a batch.
var errLost = errors.New("the connection broke before the answer came")

// Wait implements ingest.Pending.
func (p *pending) Wait(ctx context.Context) (seqset.Span, error) {
	timer := time.NewTimer(p.b.cfg.Timeout)
	defer timer.Stop()
	defer func() { _ = p.sub.Unsubscribe() }() // only fails on a closed connection, which has none
	select {
	case m := <-p.answer:
		s, err := p.read(m)
		if err != nil {
			return s, fmt.Errorf("publishing %d messages: %w", p.count, classify(err))
		}
		return s, nil
	case <-p.up.Done():
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w", p.count, errLost)
	case <-timer.C:
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w after %s", p.count, nats.ErrTimeout, p.b.cfg.Timeout)
	case <-ctx.Done():
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w", p.count, ctx.Err())
	}
}

// answered is the form of the server's answer to a message or to a batch.
type answered struct {
	Error    *jetstream.APIError `json:"error"`
	Stream   string              `json:"stream"`
	Sequence uint64              `json:"seq"`
	Count    int                 `json:"count"` // of a batch
}

func (p *pending) read(m *nats.Msg) (seqset.Span, error) {
	if m.Header.Get("Status") == "503" {
		return seqset.Span{}, fmt.Errorf("%w: no stream takes this subject", nats.ErrNoResponders)
	}
	var a answered
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return seqset.Span{}, fmt.Errorf("reading the server's answer: %w", err)
	}
	count := max(a.Count, 1)
	switch {
	case a.Error != nil:
		return seqset.Span{}, a.Error
	case a.Stream == "" || a.Sequence == 0 || count != p.count:
		return seqset.Span{}, fmt.Errorf("the server's answer to %d messages is %q", p.count, m.Data)
	}
	return seqset.Span{First: a.Sequence - uint64(count) + 1, Last: a.Sequence}, nil
}
