package bus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
)

// Incarnation returns when CHAT was created: with another creation time, the same sequence is another message.
func (b *Bus) Incarnation(ctx context.Context) (created time.Time, err error) {
	s, err := b.Stream(ctx, Chat)
	return s.Created, err
}

// LastSequence returns the sequence of the last message that CHAT ever took; zero before the first.
func (b *Bus) LastSequence(ctx context.Context) (uint64, error) {
	s, err := b.Stream(ctx, Chat)
	return s.Last, err
}

// Get returns the message of CHAT at a sequence. That it is not found means that it was deleted or never was: the leader of
// the stream has said so.
func (b *Bus) Get(ctx context.Context, seq uint64) (d consumers.Delivery, found bool, err error) {
	return b.get(ctx, Chat, seq)
}

// Next returns the first message of CHAT at a sequence or above it, by the word of the stream's leader: what lies between was
// deleted. Not found: there is none from the sequence on.
func (b *Bus) Next(ctx context.Context, seq uint64) (d consumers.Delivery, found bool, err error) {
	return b.next(ctx, Chat, seq)
}

func (b *Bus) get(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	d, found, err := b.direct(ctx, stream, seq)
	if err != nil || found {
		return d, found, err
	}
	// Any replica answers direct gets, and one that lags knows less than there is. A message taken for deleted would be
	// entered as gone for ever, so only the leader's word counts.
	d, found, err = b.ask(ctx, stream, storedRequest{Sequence: seq})
	return d, found, err
}

func (b *Bus) direct(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	body := []byte(`{"seq":` + strconv.FormatUint(seq, 10) + `}`)
	m, err := b.question(ctx, "DIRECT.GET."+stream, body)
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

// question asks the servers something that changes nothing.
func (b *Bus) question(ctx context.Context, what string, body []byte) (m *nats.Msg, err error) {
	err = insist(ctx, func(ctx context.Context) error {
		m, err = b.nc.RequestWithContext(ctx, apiPrefix+what, body)
		return err
	})
	return m, err
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

// storedRequest asks the stream's leader for a message: the one at Sequence, or with Next the first one from there on, or the
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
func (b *Bus) next(ctx context.Context, stream string, seq uint64) (consumers.Delivery, bool, error) {
	return b.ask(ctx, stream, storedRequest{Sequence: seq, Next: ">"})
}

func (b *Bus) ask(ctx context.Context, stream string, r storedRequest) (consumers.Delivery, bool, error) {
	fail := func(err error) (consumers.Delivery, bool, error) {
		return consumers.Delivery{}, false, fmt.Errorf("asking %s for message %d: %w", stream, r.Sequence, classify(err))
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fail(err)
	}
	m, err := b.question(ctx, "STREAM.MSG.GET."+stream, body)
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
