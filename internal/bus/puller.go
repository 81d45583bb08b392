package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/consumers"
)

// apiPrefix is where the server listens to requests about streams.
const apiPrefix = "$JS.API."

// puller takes messages of one pull consumer. It keeps one subscription for all its requests: a message that comes late, for a
// request already given up, is a delivered message all the same and goes to the next caller. The client library's own Fetch
// makes a subscription a request and drops such messages until their ack wait is over. One goroutine uses it.
type puller struct {
	c                *conn
	stream, consumer string
	inbox            string
	received         chan *nats.Msg
	closed           context.Context
	close            context.CancelFunc // of closed; called by anybody, any number of times: who waits for messages stops waiting
	requests         int
}

// pullBuffer is how many messages are buffered between the connection and the caller; what exceeded it would be lost until its ack
// wait is over. Requests are for fewer, and a consumer delivers no more than may be unacknowledged.
const pullBuffer = nats.DefaultMaxChanLen

func (c *conn) newPuller(stream, consumer string) (*puller, error) {
	p := &puller{c: c, stream: stream, consumer: consumer, inbox: c.nc.NewInbox(), received: make(chan *nats.Msg, pullBuffer)}
	// A channel is bounded by its buffer alone, and calling the library for each message takes two locks.
	sub, err := c.nc.ChanSubscribe(p.inbox+".*", p.received)
	if err != nil {
		return nil, fmt.Errorf("subscribing to consumer %s of %s: %w", consumer, stream, classify(err))
	}
	closed, end := context.WithCancel(context.Background())
	p.closed, p.close = closed, func() {
		end()
		_ = sub.Unsubscribe() // only fails on a closed connection, or the second time
	}
	return p, nil
}

// request is for up to Batch messages. With NoWait and Expires the server sends what there is at once, or waits for the
// first, and then ends the request.
type request struct {
	Batch   int           `json:"batch"`
	Bytes   int           `json:"max_bytes,omitempty"`
	Expires time.Duration `json:"expires,omitempty"`
	NoWait  bool          `json:"no_wait,omitempty"`
}

// send sends a request and returns the subject of its answers.
func (p *puller) send(r request) (string, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encoding a request for messages: %w", err)
	}
	p.requests++
	reply := fmt.Sprintf("%s.%d", p.inbox, p.requests)
	if err := p.c.nc.PublishRequest(apiPrefix+"CONSUMER.MSG.NEXT."+p.stream+"."+p.consumer, reply, body); err != nil {
		return "", fmt.Errorf("asking consumer %s of %s for messages: %w", p.consumer, p.stream, classify(err))
	}
	return reply, nil
}

// errTooLarge says that the next message alone is larger than the bytes of the request.
var errTooLarge = errors.New("the next message is larger than what was asked for")

// grace is how long after its end the last answer to a request may still be on its way.
const grace = 2 * time.Second

// collect takes the answers to a request, until it is ended or r.Batch messages have come. It does not end with a caller's
// context: what the server has sent must be taken, and a request ends after its Expires.
func (p *puller) collect(reply string, r request) ([]*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Expires+grace)
	defer cancel()
	defer context.AfterFunc(p.c.connected(), cancel)()
	var msgs []*nats.Msg
	size := 0
	for len(msgs) < r.Batch {
		m, err := p.next(ctx)
		if err != nil {
			return msgs, p.lost(err)
		}
		status := m.Header.Get("Status")
		if len(m.Data) > 0 || status == "" {
			msgs = append(msgs, m)
			if size += m.Size(); r.Bytes > 0 && size >= r.Bytes {
				return msgs, nil // a request that is filled to the byte ends without a status
			}
			continue
		}
		if m.Subject != reply {
			continue // the end of an earlier request
		}
		if done, err := p.ended(status, m.Header.Get("Description")); done {
			return msgs, err
		}
	}
	return msgs, nil
}

// next takes the next message, also after the end of ctx if it has come by then.
func (p *puller) next(ctx context.Context) (*nats.Msg, error) {
	select {
	case m := <-p.received:
		return m, nil
	default:
	}
	select {
	case m := <-p.received:
		return m, nil
	case <-p.closed.Done():
		return nil, nats.ErrBadSubscription
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *puller) lost(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: the server did not answer", nats.ErrTimeout)
	case errors.Is(err, context.Canceled): // by the connection: it must not count as a stop
		err = errLost
	}
	return fmt.Errorf("fetching from consumer %s of %s: %w", p.consumer, p.stream, classify(err))
}

// ended reads a message of the server about a request.
func (p *puller) ended(status, text string) (done bool, err error) {
	switch status {
	case "100": // still there
		return false, nil
	case "404", "408": // nothing, or no more
		return true, nil
	case "409":
		switch {
		case strings.Contains(text, "Batch Completed"):
			return true, nil
		case strings.Contains(text, "MaxBytes"):
			return true, errTooLarge
		}
	case "503":
		text = "there is no such consumer"
	}
	return true, fmt.Errorf("fetching from consumer %s of %s: the server says %s %s", p.consumer, p.stream, status, text)
}

// delivery reads a message that a consumer delivered, and what number it had there.
func delivery(m *nats.Msg) (d consumers.Delivery, number uint64, err error) {
	n, ok := parseAckSubject(m.Reply)
	if !ok {
		return consumers.Delivery{}, 0, fmt.Errorf("reading where a message comes from: %q is not from a consumer", m.Reply)
	}
	d = consumers.Delivery{
		Sequence: n[1], Subject: m.Subject, EventIDs: m.Header.Get(EventIDHeader), Data: m.Data,
		Stored: time.Unix(0, int64(n[3])), Attempts: n[0],
	}
	if m.Header.Get(EncodingHeader) == "gzip" {
		if plain, err := inflate(m.Data); err == nil { // else the handler says what is wrong with it
			d.Data = plain
		}
	}
	return d, n[2], nil
}

// numbers reads the address that a delivery is acknowledged to: how often it was delivered, its sequences in the stream and in
// the consumer, and when it was stored. The library does the same with memory of its own for each message.
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>. and so on, and perhaps more behind
func parseAckSubject(address string) (n [4]uint64, ok bool) {
	rest, ok := strings.CutPrefix(address, "$JS.ACK.")
	if !ok {
		return n, false
	}
	names := 2
	if dots := strings.Count(rest, "."); dots >= 8 {
		names = 4
	} else if dots != 6 {
		return n, false
	}
	for range names {
		_, rest, _ = strings.Cut(rest, ".")
	}
	for i := range n {
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		var err error
		if n[i], err = strconv.ParseUint(token, 10, 64); err != nil {
			return n, false
		}
	}
	return n, true
}
