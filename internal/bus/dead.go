package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/fault"
)

// DeadLetter is what a consumer will not store, and why.
type DeadLetter struct {
	ID       uint64    `json:"id"` // its own sequence in DEAD
	Stream   string    `json:"stream"`
	Created  time.Time `json:"created"` // the stream's incarnation
	Sequence uint64    `json:"sequence"`
	Line     int       `json:"line,omitempty"` // of an event that came in a bundle: its line there, from 0
	Subject  string    `json:"subject"`
	EventID  string    `json:"event_id,omitempty"`
	Consumer string    `json:"consumer"`
	Cause    string    `json:"cause"`
	Attempts uint64    `json:"attempts"`
	First    time.Time `json:"first"` // failed first
	Last     time.Time `json:"last"`
	Data     []byte    `json:"data,omitempty"` // nil where it was gone before a copy could be made, or is too large for one
}

// The headers of a dead letter, in addition to EventIDHeader.
const (
	deadStream   = "Agrichat-Origin-Stream"
	deadCreated  = "Agrichat-Origin-Created"
	deadSequence = "Agrichat-Origin-Sequence"
	deadLine     = "Agrichat-Origin-Line"
	deadSubject  = "Agrichat-Origin-Subject"
	deadConsumer = "Agrichat-Consumer"
	deadCause    = "Agrichat-Cause"
	deadAttempts = "Agrichat-Attempts"
	deadFirst    = "Agrichat-First"
	deadLast     = "Agrichat-Last"
)

// subject of the dead letter: dead.<stream>.<incarnation>.<sequence>, and .<line> of an event that came in a bundle. Without the
// incarnation, the dead letter of a sequence of a recreated stream would be dropped as a duplicate of the old one's.
func (l *DeadLetter) subject() string {
	s := fmt.Sprintf("dead.%s.%s.%d", token(l.Stream), strconv.FormatInt(l.Created.UnixNano(), 36), l.Sequence)
	if l.Line > 0 {
		s += "." + strconv.Itoa(l.Line)
	}
	return s
}

// DeadLetters is the stream DEAD.
type DeadLetters struct {
	c         *conn
	reader    *Reader
	publisher *Publisher
}

// maxCause bounds what is kept of a cause: it travels in a header.
const maxCause = 2 << 10

// add publishes the dead letter and waits until it is on the disk of DEAD. It is idempotent.
func (s *DeadLetters) add(ctx context.Context, l DeadLetter) error {
	subject := l.subject()
	m := &nats.Msg{Subject: subject, Data: l.Data, Header: nats.Header{}}
	for name, value := range map[string]string{
		EventIDHeader: l.EventID, deadStream: l.Stream, deadCreated: l.Created.UTC().Format(time.RFC3339Nano),
		deadSequence: strconv.FormatUint(l.Sequence, 10), deadLine: strconv.Itoa(l.Line), deadSubject: l.Subject, deadConsumer: l.Consumer,
		deadCause: oneLine(l.Cause), deadAttempts: strconv.FormatUint(l.Attempts, 10),
		deadFirst: l.First.UTC().Format(time.RFC3339Nano), deadLast: l.Last.UTC().Format(time.RFC3339Nano),
		// The duplicate window drops an early duplicate, the expected sequence a late one.
		jetstream.MsgIDHeader: subject, jetstream.ExpectedLastSubjSeqHeader: "0",
	} {
		m.Header.Set(name, value)
	}
	err := s.compress(m)
	if err == nil {
		err = s.publish(ctx, m)
	}
	if hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copying message %d of %s to the dead letters: %w", l.Sequence, l.Stream, err)
	}
	return nil
}

// DeadLetter makes a dead letter of a message of CHAT that is no delivery: a reconciliation has read it, or it was split off a
// bundle. It is idempotent.
func (s *DeadLetters) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	created, err := s.reader.Incarnation(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return s.add(ctx, DeadLetter{Stream: Chat, Created: created, Sequence: d.Sequence, Line: d.Line, Subject: d.Subject, EventID: d.EventIDs,
		Consumer: Normalise, Cause: cause.Error(), Attempts: d.Attempts, First: now, Last: now, Data: d.Data})
}

// compress makes a dead letter fit whose message was compressed, or as large as the server takes without the headers of a dead
// letter. Where that does not suffice the copy is left out: the message is still in its stream.
func (s *DeadLetters) compress(m *nats.Msg) error {
	if len(m.Data) <= s.c.maxPayload() {
		return nil
	}
	z, err := deflate(m.Data)
	if err != nil {
		return err
	}
	m.Data = z
	m.Header.Set(EncodingHeader, "gzip")
	if len(z) > s.c.maxPayload() {
		m.Data = nil
		m.Header.Del(EncodingHeader)
	}
	return nil
}

func (s *DeadLetters) publish(ctx context.Context, m *nats.Msg) error {
	p, err := s.publisher.send([]outMsg{{subject: m.Subject, data: m.Data, header: m.Header}})
	if err != nil {
		return err
	}
	_, err = p.Wait(ctx)
	return err
}

// oneLine makes a header's value of a cause: the protocol has no line ends in values.
func oneLine(s string) string {
	s = cut(s, min(len(s), maxCause))
	out := []byte(s)
	for i, c := range out {
		if c < ' ' {
			out[i] = ' '
		}
	}
	return string(out)
}

// List calls yield with every dead letter, oldest first; withData says whether with the messages they are about.
func (s *DeadLetters) List(ctx context.Context, withData bool, yield func(DeadLetter) error) error {
	st, err := s.c.stream(ctx, Dead)
	if err != nil {
		return err
	}
	return s.reader.rangeOf(ctx, Dead, 1, st.Last, !withData, func(d consumers.Delivery, h nats.Header) error {
		l, err := readDeadLetter(d, h)
		if err != nil {
			return err
		}
		return yield(l)
	})
}

// ErrNoDeadLetter says that there is no dead letter with this id.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// Find returns one dead letter.
func (s *DeadLetters) Find(ctx context.Context, id uint64) (DeadLetter, error) {
	var l DeadLetter
	found := false
	err := s.reader.rangeOf(ctx, Dead, id, id, false, func(d consumers.Delivery, h nats.Header) (err error) {
		l, err = readDeadLetter(d, h)
		found = true
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("looking for dead letter %d: %w", id, ErrNoDeadLetter)
	}
	return l, err
}

func readDeadLetter(d consumers.Delivery, h nats.Header) (DeadLetter, error) {
	l := DeadLetter{
		ID: d.Sequence, Stream: h.Get(deadStream), Subject: h.Get(deadSubject), EventID: d.EventIDs,
		Consumer: h.Get(deadConsumer), Cause: h.Get(deadCause), Data: d.Data,
	}
	var errs [6]error
	l.Sequence, errs[0] = strconv.ParseUint(h.Get(deadSequence), 10, 64)
	l.Attempts, errs[1] = strconv.ParseUint(h.Get(deadAttempts), 10, 64)
	l.Created, errs[2] = time.Parse(time.RFC3339Nano, h.Get(deadCreated))
	l.First, errs[3] = time.Parse(time.RFC3339Nano, h.Get(deadFirst))
	l.Last, errs[4] = time.Parse(time.RFC3339Nano, h.Get(deadLast))
	l.Line, errs[5] = strconv.Atoi(cmp.Or(h.Get(deadLine), "0"))
	if err := errors.Join(errs[:]...); err != nil {
		return DeadLetter{}, fmt.Errorf("reading dead letter %d: %w", d.Sequence, err)
	}
	return l, nil
}

// Remove removes a dead letter; that there is none is no error. The caller has entered in the ledger what became of it.
func (s *DeadLetters) Remove(ctx context.Context, id uint64) error {
	dead, err := s.c.js.Stream(ctx, Dead)
	if err == nil {
		err = dead.DeleteMsg(ctx, id)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return fmt.Errorf("removing dead letter %d: %w", id, classify(err))
	}
	return nil
}

// Requeue publishes the message of a dead letter once more, to the subject it came from, and waits until it is there. The dead
// letter stays until it is removed: a crash in between only means a duplicate.
func (s *DeadLetters) Requeue(ctx context.Context, id uint64) (Ack, error) {
	l, err := s.Find(ctx, id)
	if err != nil {
		return Ack{}, err
	}
	if len(l.Data) == 0 {
		if l, err = s.original(ctx, l); err != nil {
			return Ack{}, fmt.Errorf("requeueing dead letter %d: %w", id, err)
		}
	}
	p, err := s.publisher.send([]outMsg{{subject: l.Subject, data: l.Data, ids: l.EventID}})
	if err != nil {
		return Ack{}, err
	}
	at, err := p.Wait(ctx)
	if err != nil {
		return Ack{}, fmt.Errorf("requeueing dead letter %d: %w", id, err)
	}
	return Ack{at.First, at.Last}, nil
}

// original fills in the message from the stream that it is in.
func (s *DeadLetters) original(ctx context.Context, l DeadLetter) (DeadLetter, error) {
	st, err := s.c.stream(ctx, l.Stream)
	if err != nil {
		return l, err
	}
	d, found, err := s.reader.get(ctx, l.Stream, l.Sequence)
	if err != nil {
		return l, err
	}
	if !found || !st.Created.Equal(l.Created) {
		return l, fmt.Errorf("message %d of %s is gone, and there is no copy", l.Sequence, l.Stream)
	}
	if l.EventID != d.EventIDs { // it is about one of a bundle
		for _, one := range d.Split() {
			if one.Line == l.Line {
				d = one
			}
		}
	}
	l.Subject, l.EventID, l.Data = d.Subject, d.EventIDs, d.Data
	return l, nil
}

// Quarantine dead-letters what a consumer gave up, by the server's advisories. Ours give up nothing: deliveries are
// unlimited and nothing is terminated. But anyone with the right to it can terminate a message, or bound deliveries, and then
// it is in no lag and no list until a verification finds it.
type Quarantine struct{ b *Bus }

// quarantineWait is how long a stop waits: a request is not given up before its end.
const quarantineWait = 250 * time.Millisecond

// Quarantine returns the component; run it once or in every process.
func (b *Bus) Quarantine() *Quarantine { return &Quarantine{b} }

// Run copies until ctx ends or the connection fails; it returns nil when ctx ended.
func (q *Quarantine) Run(ctx context.Context) error {
	c, err := q.b.Consumer(ctx, Advisories, quarantine)
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		msgs, err := c.Fetch(ctx, deliver.Limits{Messages: 100, Bytes: 1 << 20, Wait: quarantineWait})
		for i := range msgs {
			if e := q.settle(ctx, c, msgs[i]); e != nil {
				return stopped(ctx, e)
			}
		}
		if err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

// stopped returns nil for an error that is the end of ctx.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.Of(err) == fault.Stopped {
		return nil
	}
	return err
}

// advisory is what the server says when a consumer gives up a message.
type advisory struct {
	Time       time.Time `json:"timestamp"`
	Stream     string    `json:"stream"`
	Consumer   string    `json:"consumer"`
	Sequence   uint64    `json:"stream_seq"`
	Deliveries uint64    `json:"deliveries"`
	Reason     string    `json:"reason"`
}

func (q *Quarantine) settle(ctx context.Context, c *Consumer, m deliver.Message) error {
	var a advisory
	if err := json.Unmarshal(m.Data, &a); err != nil {
		q.b.c.cfg.Log.Warn("cannot read an advisory of the server", "error", err, "subject", m.Subject)
	} else if ours(a) {
		if err := q.copy(ctx, a); err != nil {
			// The server redelivers it after the ack wait.
			return fmt.Errorf("dead-lettering message %d of %s: %w", a.Sequence, a.Stream, err)
		}
	}
	return c.Ack([]deliver.Message{m})
}

func ours(a advisory) bool {
	return a.Stream == Chat && a.Consumer == Normalise || a.Stream == Facts && a.Consumer == Aggregate
}

func (q *Quarantine) copy(ctx context.Context, a advisory) error {
	s, err := q.b.Stream(ctx, a.Stream)
	if err != nil {
		return err
	}
	if a.Time.Before(s.Created) {
		return nil // about a stream that is no more
	}
	l := DeadLetter{
		Stream: a.Stream, Created: s.Created, Sequence: a.Sequence, Consumer: a.Consumer, Attempts: a.Deliveries,
		First: a.Time, Last: a.Time, Cause: "the server gave it up after " + fmt.Sprint(a.Deliveries) + " deliveries",
	}
	if a.Reason != "" {
		l.Cause = "it was terminated: " + a.Reason
	}
	d, found, err := q.b.reader.get(ctx, a.Stream, a.Sequence)
	if err != nil {
		return err
	}
	if found {
		l.Subject, l.EventID, l.Data = d.Subject, d.EventIDs, d.Data
	}
	return q.b.dead.add(ctx, l)
}
