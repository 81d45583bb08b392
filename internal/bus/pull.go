package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	b                *Bus
	stream, consumer string
	inbox            string
	sub              *nats.Subscription
	asked            int
}

func (b *Bus) newPuller(stream, consumer string) (*puller, error) {
	p := &puller{b: b, stream: stream, consumer: consumer, inbox: b.nc.NewInbox()}
	sub, err := b.nc.SubscribeSync(p.inbox + ".*")
	if err != nil {
		return nil, fmt.Errorf("subscribing to consumer %s of %s: %w", consumer, stream, classify(err))
	}
	// Requests bound what comes; a limit of the library's would drop messages.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("subscribing to consumer %s of %s: %w", consumer, stream, classify(err))
	}
	p.sub = sub
	return p, nil
}

func (p *puller) close() { _ = p.sub.Unsubscribe() } // only fails on a closed connection

// request asks for up to Batch messages. With NoWait and Expires the server sends what there is at once, or waits for the
// first, and then ends the request.
type request struct {
	Batch   int           `json:"batch"`
	Bytes   int           `json:"max_bytes,omitempty"`
	Expires time.Duration `json:"expires,omitempty"`
	NoWait  bool          `json:"no_wait,omitempty"`
}

// ask sends a request and returns the subject of its answers.
func (p *puller) ask(r request) (string, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encoding a request for messages: %w", err)
	}
	p.asked++
	reply := fmt.Sprintf("%s.%d", p.inbox, p.asked)
	if err := p.b.nc.PublishRequest(apiPrefix+"CONSUMER.MSG.NEXT."+p.stream+"."+p.consumer, reply, body); err != nil {
		return "", fmt.Errorf("asking consumer %s of %s for messages: %w", p.consumer, p.stream, classify(err))
	}
	return reply, nil
}

// errTooLarge says that the next message alone is larger than the bytes asked for.
var errTooLarge = errors.New("the next message is larger than what was asked for")

// grace is how long after its end a request's last word may still be on its way.
const grace = 2 * time.Second

// collect takes the answers to a request, until it is ended or r.Batch messages have come. It does not end with a caller's
// context: what the server has sent must be taken, and a request lasts no longer than it asked for.
func (p *puller) collect(reply string, r request) ([]*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.Expires+grace)
	defer cancel()
	defer context.AfterFunc(p.b.connection(), cancel)()
	var msgs []*nats.Msg
	size := 0
	for len(msgs) < r.Batch {
		m, err := p.sub.NextMsgWithContext(ctx)
		if err != nil {
			return msgs, p.lost(err)
		}
		status := m.Header.Get("Status")
		if len(m.Data) > 0 || status == "" {
			msgs = append(msgs, m)
			if size += m.Size(); r.Bytes > 0 && size >= r.Bytes {
				return msgs, nil // filled to the byte, a request ends without a word
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

func (p *puller) lost(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w: the server did not answer", nats.ErrTimeout)
	case errors.Is(err, context.Canceled): // by the connection: it must not count as somebody's wish to stop
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

// delivery reads a message that a consumer delivered.
func delivery(m *nats.Msg) (consumers.Delivery, uint64, error) {
	meta, err := m.Metadata()
	if err != nil {
		return consumers.Delivery{}, 0, fmt.Errorf("reading where a message comes from: %w", err)
	}
	d := consumers.Delivery{
		Sequence: meta.Sequence.Stream, Subject: m.Subject, EventID: m.Header.Get(EventIDHeader), Data: m.Data,
		Stored: meta.Timestamp, Attempts: meta.NumDelivered,
	}
	if m.Header.Get(EncodingHeader) == "gzip" {
		if plain, err := inflate(m.Data); err == nil { // else the handler says what is wrong with it
			d.Data = plain
		}
	}
	return d, meta.Sequence.Consumer, nil
}
