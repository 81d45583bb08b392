package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Bounds of an atomic batch: servers refuse more messages by default, and buffer all of their bytes in memory
// while they commit.
const (
	batchMessages = 1000
	batchBytes    = 8 << 20
)

// Ack holds the sequences of a batch on the stream.
type Ack struct{ First, Last uint64 }

// Publisher publishes to CHAT and FACTS.
type Publisher struct {
	c         *conn
	state     *State
	maxBatch  atomic.Int64  // messages in an atomic batch
	bundlers  chan *bundler // the pool
	truncated atomic.Int64  // facts published truncated
}

func newPublisher(c *conn, s *State) *Publisher {
	p := &Publisher{c: c, state: s, bundlers: make(chan *bundler, bundlerPoolSize)}
	p.maxBatch.Store(int64(c.cfg.BatchMessages))
	return p
}

// PublishBatch publishes events and waits until they are on the disk of CHAT: as one atomic batch, whose sequences are
// contiguous, or as several if they are more than the server takes in one. After an error some of them may be there.
func (p *Publisher) PublishBatch(ctx context.Context, events []event.Event) ([]Ack, error) {
	var acks []Ack
	for len(events) > 0 {
		n, pending, err := p.Begin(ctx, events, false)
		if err != nil {
			return acks, err
		}
		s, err := pending.Wait(ctx)
		if hasCode(err, jetstreamext.JSErrCodeBatchPublishExceedsLimit) {
			continue // nothing of it is stored, and the next one is smaller
		}
		if err != nil {
			return acks, err
		}
		acks, events = append(acks, Ack{s.First, s.Last}), events[n:]
	}
	return acks, nil
}

// PublishLive publishes one event with Nats-Msg-Id: an equal copy of the same account within the server's duplicate window is
// not stored.
func (p *Publisher) PublishLive(ctx context.Context, e *event.Event) (Ack, error) {
	_, pending, err := p.Begin(ctx, []event.Event{*e}, true)
	if err != nil {
		return Ack{}, err
	}
	s, err := pending.Wait(ctx)
	return Ack{s.First, s.Last}, err
}

// Begin implements ingest.Publisher. Events of one subject travel in bundles. Batches begun one after the
// other over one connection reach the stream in that order, because the server takes them off the connection one message at a
// time; nothing waits in between. Should one be refused and retried, it comes behind those begun after it: revisions order
// the states of things, arrival does not.
func (p *Publisher) Begin(ctx context.Context, events []event.Event, live bool) (int, ingest.Pending, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	k := p.getBundler()
	defer p.putBundler(k)
	most := int(p.maxBatch.Load())
	n, err := k.pack(events, most)
	if err != nil {
		return 0, nil, err
	}
	messages := k.messages(most)
	if n == 1 && live {
		messages[0].set(jetstream.MsgIDHeader, messageID(&events[0], messages[0].ids))
	}
	pending, err := p.send(messages)
	return n, pending, err
}

// messageID is the Nats-Msg-Id of a live event that is published under an event id. Account and content are part of it: another
// account's copy adds who saw the event, and a fuller copy adds to its content, so neither is a duplicate.
func messageID(e *event.Event, id string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(e.Account)) // a hash never fails
	var c event.Content
	if err := c.Read(e); err == nil { // what cannot be encoded is published as an unparsed event, with an id of its own
		digest := c.Digest()
		_, _ = h.Write(append([]byte{0}, digest[:]...))
	}
	return id + "." + hex.EncodeToString(h.Sum(nil)[:16])
}

// send writes a batch to the connection; the last message carries the address of the answer. One message alone is no batch:
// a plain one costs the server a fifth.
func (p *Publisher) send(messages []outMsg) (*pending, error) {
	if len(messages) == 0 {
		return nil, errors.New("publishing a batch: it is empty")
	}
	w := &pending{p: p, count: len(messages), up: p.c.connected(), answer: make(chan *nats.Msg, 1)}
	inbox := p.c.nc.NewInbox()
	sub, err := p.c.nc.ChanSubscribe(inbox, w.answer)
	if err != nil {
		return nil, fmt.Errorf("awaiting the answer to a batch: %w", classify(err))
	}
	w.sub = sub
	l := newHeaders(len(messages))
	for i := range messages {
		m := l.message(i, &messages[i])
		if i == len(messages)-1 {
			m.Reply = inbox
		}
		if err := p.c.nc.PublishMsg(m); err != nil {
			_ = sub.Unsubscribe() // only fails on a closed connection
			return nil, fmt.Errorf("publishing to %s: %w", m.Subject, classify(err))
		}
	}
	return w, nil
}

// headers makes messages with headers: those of an atomic batch, if they are several. One message and one map of headers are
// reused for all, because the connection copies what it is given: maps of their own were a fifth of what this side of publishing took.
type headers struct {
	count   int
	msg     nats.Msg
	header  nats.Header
	id, seq []string
}

func newHeaders(count int) *headers {
	l := &headers{count: count, header: nats.Header{}, id: []string{""}, seq: []string{""}}
	if count > 1 {
		l.header.Set(jetstreamext.BatchIDHeader, nuid.Next())
		l.header[jetstreamext.BatchSeqHeader] = l.seq
	}
	return l
}

// message returns the i-th message, which is good until the next call.
func (l *headers) message(i int, p *outMsg) *nats.Msg {
	l.msg = nats.Msg{Subject: p.subject, Data: p.data, Header: l.header}
	l.id[0] = p.ids
	if p.ids != "" {
		l.header[EventIDHeader] = l.id
	} else {
		delete(l.header, EventIDHeader)
	}
	if l.count > 1 {
		l.seq[0] = strconv.Itoa(i + 1)
		if i == l.count-1 {
			l.header.Set(jetstreamext.BatchCommitHeader, "1")
		}
	}
	if len(p.header) > 0 {
		l.msg.Header = maps.Clone(l.header)
		maps.Copy(l.msg.Header, p.header)
	}
	return &l.msg
}

// pending is a batch on its way.
type pending struct {
	p      *Publisher
	sub    *nats.Subscription
	count  int
	up     context.Context // ends with the connection that it went out on: no answer will come then
	answer chan *nats.Msg
}

// errLost is the error of a batch of which the outcome is unknown.
var errLost = errors.New("the connection broke before the answer came")

// Wait implements ingest.Pending.
func (w *pending) Wait(ctx context.Context) (seqset.Span, error) {
	timer := time.NewTimer(w.p.c.cfg.Timeout)
	defer timer.Stop()
	defer func() { _ = w.sub.Unsubscribe() }() // only fails on a closed connection, which has none
	select {
	case m := <-w.answer:
		s, err := w.read(m)
		if err != nil {
			w.p.adaptLimit(err, w.count)
			return s, fmt.Errorf("publishing %d messages: %w", w.count, classify(err))
		}
		w.p.c.dog.acked.Store(time.Now().UnixNano())
		return s, nil
	case <-w.up.Done():
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w", w.count, errLost)
	case <-timer.C:
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w after %s", w.count, nats.ErrTimeout, w.p.c.cfg.Timeout)
	case <-ctx.Done():
		return seqset.Span{}, fmt.Errorf("publishing %d messages: %w", w.count, ctx.Err())
	}
}

// adaptLimit takes note of how large a batch may be if err says that one of count messages was too large: of that one the server
// has stored nothing, and from now on they are smaller.
func (p *Publisher) adaptLimit(err error, count int) {
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != jetstreamext.JSErrCodeBatchPublishExceedsLimit {
		return
	}
	_, number, _ := strings.Cut(api.Description, ": ")
	most, err := strconv.Atoi(number)
	if err != nil || most < 1 || most >= count { // an answer of an unknown form
		most = max(count/2, 1)
	}
	for {
		had := p.maxBatch.Load()
		if int64(most) >= had || p.maxBatch.CompareAndSwap(had, int64(most)) {
			return
		}
	}
}

// answered is the form of the server's answer to a message or to a batch.
type answered struct {
	Error    *jetstream.APIError `json:"error"`
	Stream   string              `json:"stream"`
	Sequence uint64              `json:"seq"`
	Count    int                 `json:"count"` // of a batch
}

func (w *pending) read(m *nats.Msg) (seqset.Span, error) {
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
	case a.Stream == "" || a.Sequence == 0 || count != w.count:
		return seqset.Span{}, fmt.Errorf("the server's answer to %d messages is %q", w.count, m.Data)
	}
	return seqset.Span{First: a.Sequence - uint64(count) + 1, Last: a.Sequence}, nil
}
