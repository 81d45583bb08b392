package bus

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"sort"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
)

// Reader reads the stream CHAT, and for this package any other, without a durable consumer.
type Reader struct{ c *conn }

// Incarnation returns when CHAT was created: with another creation time, the same sequence is another message.
func (r *Reader) Incarnation(ctx context.Context) (created time.Time, err error) {
	s, err := r.c.stream(ctx, Chat)
	return s.Created, err
}

// LastSequence returns the sequence of the last message that CHAT ever took; zero before the first.
func (r *Reader) LastSequence(ctx context.Context) (uint64, error) {
	s, err := r.c.stream(ctx, Chat)
	return s.Last, err
}

// Get returns the message of CHAT at a sequence. Not found means that it was deleted or never was, according to the leader of the
// stream.
func (r *Reader) Get(ctx context.Context, seq uint64) (d consumers.Delivery, found bool, err error) {
	return r.get(ctx, Chat, seq)
}

// Next returns the first message of CHAT at a sequence or above it, according to the stream's leader: what lies between was
// deleted. Not found: there is none from the sequence on.
func (r *Reader) Next(ctx context.Context, seq uint64) (d consumers.Delivery, found bool, err error) {
	return r.next(ctx, Chat, seq)
}

func (r *Reader) get(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	d, found, err := r.direct(ctx, stream, seq)
	if err != nil || found {
		return d, found, err
	}
	// Any replica answers direct gets, and one that lags lacks the newest messages. A false not-found would mark the sequence
	// deleted for good, so only the answer of the stream's leader is trusted.
	d, found, err = r.getStored(ctx, stream, storedRequest{Sequence: seq})
	return d, found, err
}

func (r *Reader) direct(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	body := []byte(`{"seq":` + strconv.FormatUint(seq, 10) + `}`)
	m, err := r.c.request(ctx, "DIRECT.GET."+stream, body)
	if err != nil {
		return consumers.Delivery{}, false, fmt.Errorf("reading message %d of %s: %w", seq, stream, classify(err))
	}
	switch status := m.Header.Get("Status"); status {
	case "":
	case "404":
		return consumers.Delivery{}, false, nil
	default:
		return consumers.Delivery{}, false, fmt.Errorf("reading message %d of %s: the server says %s %s",
			seq, stream, status, m.Header.Get("Description"))
	}
	stored, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return consumers.Delivery{}, false, fmt.Errorf("reading when message %d of %s was stored: %w", seq, stream, err)
	}
	return plain(consumers.Delivery{Sequence: seq, Subject: m.Header.Get(jetstream.SubjectHeader), Data: m.Data, Stored: stored},
		m.Header), true, nil
}

// plain fills in what the headers say.
func plain(d consumers.Delivery, h nats.Header) consumers.Delivery {
	d.EventIDs = h.Get(EventIDHeader)
	if h.Get(EncodingHeader) == "gzip" {
		if data, err := inflate(d.Data); err == nil {
			d.Data = data
		}
	}
	return d
}

// storedRequest is for a message of the stream's leader: the one at Sequence, or with Next the first one from there on, or the
// last one of a subject.
type storedRequest struct {
	Sequence uint64 `json:"seq"`
	Next     string `json:"next_by_subj,omitempty"`
	Last     string `json:"last_by_subj,omitempty"`
}

type storedAnswer struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Subject  string    `json:"subject"`
		Sequence uint64    `json:"seq"`
		Header   []byte    `json:"hdrs"`
		Data     []byte    `json:"data"`
		Time     time.Time `json:"time"`
	} `json:"message"`
}

// next returns the first message of a stream at seq or above, as its leader knows it.
func (r *Reader) next(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	return r.getStored(ctx, stream, storedRequest{Sequence: seq, Next: ">"})
}

func (r *Reader) getStored(ctx context.Context, stream string, q storedRequest) (consumers.Delivery, bool, error) {
	fail := func(err error) (consumers.Delivery, bool, error) {
		return consumers.Delivery{}, false, fmt.Errorf("asking %s for message %d: %w", stream, q.Sequence, classify(err))
	}
	body, err := json.Marshal(q)
	if err != nil {
		return fail(err)
	}
	m, err := r.c.request(ctx, "STREAM.MSG.GET."+stream, body)
	if err != nil {
		return fail(err)
	}
	var a storedAnswer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fail(err)
	}
	switch {
	case a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return consumers.Delivery{}, false, nil
	case a.Error != nil:
		return fail(a.Error)
	}
	header, err := parseHeader(a.Message.Header)
	if err != nil {
		return fail(err)
	}
	s := a.Message
	return plain(consumers.Delivery{Sequence: s.Sequence, Subject: s.Subject, Data: s.Data, Stored: s.Time}, header), true, nil
}

// parseHeader reads the headers of a stored message. textproto would change the case of their names, so they are looked up by
// names that it leaves alone: ours and the server's are written that way.
func parseHeader(raw []byte) (nats.Header, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	_, rest, found := bytes.Cut(raw, []byte("\r\n")) // NATS/1.0
	if !found {
		return nil, errors.New("the headers have no first line")
	}
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(rest))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("reading headers: %w", err)
	}
	return nats.Header(http.Header(h)), nil
}

// SequenceAt returns the first sequence of CHAT that was taken at t or later; one past the last if there is none.
func (r *Reader) SequenceAt(ctx context.Context, t time.Time) (uint64, error) {
	s, err := r.c.stream(ctx, Chat)
	if err != nil {
		return 0, err
	}
	var failed error
	n := sort.Search(int(s.Last+1-s.First), func(i int) bool {
		if failed != nil {
			return true
		}
		d, found, err := r.next(ctx, Chat, s.First+uint64(i))
		if err != nil {
			failed = fmt.Errorf("looking for %s in the stream: %w", t.Format(time.RFC3339), err)
		}
		return !found || !d.Stored.Before(t)
	})
	return s.First + uint64(n), failed
}

// Bounds of one request of a range: enough to keep the server busy while the answers are handled, few enough to hold.
const (
	rangeMessages = 4096
	rangeBytes    = 16 << 20
)

// Range calls yield with every message of CHAT from one sequence to another, both included, in order, each once. A sequence
// that is left out is not there: deleted, or not yet taken. headersOnly leaves out the data. The delivery is yield's to keep;
// an error of it ends the range and is returned as it is.
func (r *Reader) Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error {
	return r.rangeOf(ctx, Chat, from, to, headersOnly, func(d consumers.Delivery, _ nats.Header) error { return yield(d) })
}

func (r *Reader) rangeOf(
	ctx context.Context, stream string, from, to uint64, headersOnly bool, yield func(consumers.Delivery, nats.Header) error,
) error {
	w := &rangeReader{r: r, stream: stream, next: max(from, 1), to: to, headersOnly: headersOnly, yield: yield}
	for w.next <= to {
		before := w.next
		err := w.session(ctx)
		switch {
		case w.yielded != nil || ctx.Err() != nil:
			return cmp.Or(w.yielded, ctx.Err())
		case w.next > before:
			w.failures = 0
			continue
		}
		// No progress: a broken connection or a replica that lags is retried, a broken server is not.
		if w.failures++; w.failures > rangeTries {
			return fmt.Errorf("reading %s from %d: %w", stream, w.next, cmp.Or(err, errStuck))
		}
		if err := clock.Sleep(ctx, time.Duration(w.failures)*rangePause); err != nil {
			return err
		}
	}
	return nil
}

// errStuck says that the leader has a message that no consumer delivers.
var errStuck = errors.New("the stream has more messages but delivers none")

// A range outlives a restart of the server: ten retries with a growing backoff, the last of five seconds.
const (
	rangeTries = 10
	rangePause = 500 * time.Millisecond
)

// rangeReader reads a stream with ordered consumers, one after the other when one fails.
type rangeReader struct {
	r           *Reader
	stream      string
	next, to    uint64
	headersOnly bool
	yield       func(consumers.Delivery, nats.Header) error
	yielded     error // of yield: not to be retried
	failures    int
}

// session reads on with a new consumer. After it either next has advanced, or err says why it has not, or there is nothing up to
// to, which also advances next.
func (w *rangeReader) session(ctx context.Context) error {
	first, found, err := w.r.next(ctx, w.stream, w.next)
	if err != nil {
		return err
	}
	if !found || first.Sequence > w.to {
		w.next = w.to + 1
		return nil
	}
	w.next = first.Sequence
	c, err := w.r.c.js.CreateConsumer(ctx, w.stream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: w.next,
		HeadersOnly: w.headersOnly, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("creating a consumer to read %s: %w", w.stream, classify(err))
	}
	name := c.CachedInfo().Name
	defer func() { // best effort: the server removes what is left behind after InactiveThreshold
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = w.r.c.js.DeleteConsumer(ctx, w.stream, name)
	}()
	p, err := w.r.c.newPuller(w.stream, name)
	if err != nil {
		return err
	}
	defer p.close()
	return w.pull(ctx, p)
}

// pull takes messages until there are no more for now; the next request is on its way while one's answers are handled.
func (w *rangeReader) pull(ctx context.Context, p *puller) error {
	r := request{Batch: rangeMessages, NoWait: true}
	if !w.headersOnly {
		r.Bytes = rangeBytes
	}
	reply, err := p.send(r)
	if err != nil {
		return err
	}
	for nextSeq := uint64(1); ; {
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
		if reply, err = p.send(r); err != nil {
			return err
		}
		if done, err := w.deliver(msgs, &nextSeq); done || err != nil {
			return err
		}
	}
}

// deliver yields messages; nextSeq is the consumer sequence that the next must have: a gap means that some were lost on the way,
// and reading continues before it with another consumer.
func (w *rangeReader) deliver(msgs []*nats.Msg, nextSeq *uint64) (done bool, err error) {
	for _, m := range msgs {
		d, number, err := delivery(m)
		if err != nil {
			return false, err
		}
		if number != *nextSeq {
			return true, nil
		}
		*nextSeq++
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
