package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
)

// Letter is a dead letter: what a consumer will not store, and why.
type Letter struct {
	ID       uint64    `json:"id"` // its own sequence in DEAD
	Stream   string    `json:"stream"`
	Created  time.Time `json:"created"` // the stream's incarnation
	Sequence uint64    `json:"sequence"`
	Line     int       `json:"line,omitempty"` // of an event that came in a bundle: where it stands there, from 0
	Subject  string    `json:"subject"`
	EventID  string    `json:"event_id,omitempty"`
	Consumer string    `json:"consumer"`
	Cause    string    `json:"cause"`
	Attempts uint64    `json:"attempts"`
	First    time.Time `json:"first"` // failed first
	Last     time.Time `json:"last"`
	Data     []byte    `json:"data,omitempty"` // nil where it was gone before a copy could be made, or is too large for one
}

// The headers of a dead letter, beside EventIDHeader.
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

// subject of the letter: dead.<stream>.<incarnation>.<sequence>, and .<line> of an event that came in a bundle. Without the
// incarnation, the letter about a sequence of a stream made anew would be taken for the old one's, and lost.
func (l *Letter) subject() string {
	s := fmt.Sprintf("dead.%s.%s.%d", token(l.Stream), strconv.FormatInt(l.Created.UnixNano(), 36), l.Sequence)
	if l.Line > 0 {
		s += "." + strconv.Itoa(l.Line)
	}
	return s
}

// causeMost bounds what is kept of a cause: it travels in a header.
const causeMost = 2 << 10

// bury makes the letter and waits until it is on the disk of DEAD; one that is there already is enough.
func (b *Bus) bury(ctx context.Context, l Letter) error {
	subject := l.subject()
	m := &nats.Msg{Subject: subject, Data: l.Data, Header: nats.Header{}}
	for name, value := range map[string]string{
		EventIDHeader: l.EventID, deadStream: l.Stream, deadCreated: l.Created.UTC().Format(time.RFC3339Nano),
		deadSequence: strconv.FormatUint(l.Sequence, 10), deadLine: strconv.Itoa(l.Line), deadSubject: l.Subject, deadConsumer: l.Consumer,
		deadCause: oneLine(l.Cause), deadAttempts: strconv.FormatUint(l.Attempts, 10),
		deadFirst: l.First.UTC().Format(time.RFC3339Nano), deadLast: l.Last.UTC().Format(time.RFC3339Nano),
		// The window answers a second copy that is quick, the expectation one that is late.
		jetstream.MsgIDHeader: subject, jetstream.ExpectedLastSubjSeqHeader: "0",
	} {
		m.Header.Set(name, value)
	}
	err := b.squeeze(m)
	if err == nil {
		err = b.publishOne(ctx, m)
	}
	if hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copying message %d of %s to the dead letters: %w", l.Sequence, l.Stream, err)
	}
	return nil
}

// DeadLetter makes a dead letter of a message of CHAT that is no delivery: a sweep has read it, or it was taken out of a bundle. One that
// is there already is enough.
func (b *Bus) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	created, err := b.Incarnation(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return b.bury(ctx, Letter{Stream: Chat, Created: created, Sequence: d.Sequence, Line: d.Line, Subject: d.Subject, EventID: d.EventIDs,
		Consumer: Normalise, Cause: cause.Error(), Attempts: d.Attempts, First: now, Last: now, Data: d.Data})
}

// squeeze makes a letter fit whose message came packed or was as large as the server bears, without the letter's own headers.
// Where nothing helps the letter goes without it: it still stands in its stream.
func (b *Bus) squeeze(m *nats.Msg) error {
	if len(m.Data) <= b.payloadMost() {
		return nil
	}
	z, err := deflate(m.Data)
	if err != nil {
		return err
	}
	m.Data = z
	m.Header.Set(EncodingHeader, "gzip")
	if len(z) > b.payloadMost() {
		m.Data = nil
		m.Header.Del(EncodingHeader)
	}
	return nil
}

func (b *Bus) publishOne(ctx context.Context, m *nats.Msg) error {
	p, err := b.send([]parcel{{subject: m.Subject, data: m.Data, header: m.Header}})
	if err != nil {
		return err
	}
	_, err = p.Wait(ctx)
	return err
}

// oneLine makes a header's value of a cause: the protocol bears no line ends.
func oneLine(s string) string {
	s = cut(s, min(len(s), causeMost))
	out := []byte(s)
	for i, c := range out {
		if c < ' ' {
			out[i] = ' '
		}
	}
	return string(out)
}

// Letters calls yield with every dead letter, oldest first; withData says whether with what they are about.
func (b *Bus) Letters(ctx context.Context, withData bool, yield func(Letter) error) error {
	s, err := b.Stream(ctx, Dead)
	if err != nil {
		return err
	}
	return b.rangeOf(ctx, Dead, 1, s.Last, !withData, func(d consumers.Delivery, h nats.Header) error {
		l, err := readLetter(d, h)
		if err != nil {
			return err
		}
		return yield(l)
	})
}

// ErrNoLetter says that there is no dead letter with this id.
var ErrNoLetter = errors.New("there is no such dead letter")

// Letter returns one dead letter.
func (b *Bus) Letter(ctx context.Context, id uint64) (Letter, error) {
	var l Letter
	found := false
	err := b.rangeOf(ctx, Dead, id, id, false, func(d consumers.Delivery, h nats.Header) (err error) {
		l, err = readLetter(d, h)
		found = true
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("looking for dead letter %d: %w", id, ErrNoLetter)
	}
	return l, err
}

func readLetter(d consumers.Delivery, h nats.Header) (Letter, error) {
	l := Letter{
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
		return Letter{}, fmt.Errorf("reading dead letter %d: %w", d.Sequence, err)
	}
	return l, nil
}

// RemoveLetter removes a dead letter; that there is none is no error. Whoever removes one has entered in the ledger what became
// of it.
func (b *Bus) RemoveLetter(ctx context.Context, id uint64) error {
	s, err := b.js.Stream(ctx, Dead)
	if err == nil {
		err = s.DeleteMsg(ctx, id)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return fmt.Errorf("removing dead letter %d: %w", id, classify(err))
	}
	return nil
}

// Requeue publishes what a dead letter is about once more, to the subject it came from, and waits until it is there. The
// letter stays until it is removed: in between, a crash only means that it is requeued twice.
func (b *Bus) Requeue(ctx context.Context, id uint64) (Ack, error) {
	l, err := b.Letter(ctx, id)
	if err != nil {
		return Ack{}, err
	}
	if len(l.Data) == 0 {
		if l, err = b.original(ctx, l); err != nil {
			return Ack{}, fmt.Errorf("requeueing dead letter %d: %w", id, err)
		}
	}
	p, err := b.send([]parcel{{subject: l.Subject, data: l.Data, ids: l.EventID}})
	if err != nil {
		return Ack{}, err
	}
	s, err := p.Wait(ctx)
	if err != nil {
		return Ack{}, fmt.Errorf("requeueing dead letter %d: %w", id, err)
	}
	return Ack{s.First, s.Last}, nil
}

// original fills in what a letter is about from the stream it stands in.
func (b *Bus) original(ctx context.Context, l Letter) (Letter, error) {
	s, err := b.Stream(ctx, l.Stream)
	if err != nil {
		return l, err
	}
	d, found, err := b.get(ctx, l.Stream, l.Sequence)
	if err != nil {
		return l, err
	}
	if !found || !s.Created.Equal(l.Created) {
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
