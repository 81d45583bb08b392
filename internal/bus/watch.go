package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// Times of a watch.
const (
	watchAsk   = 2 * time.Second        // without news for so long, the leader's word is asked
	watchPause = 250 * time.Millisecond // before watching again
)

// Watch calls changed with every order and swept with every report, the standing ones first, until ctx ends or a person has to
// do something. That no order stands is told as the zero order of revision zero, also at the beginning. An order that cannot
// be read is told as shut. Both are called by one goroutine, and may miss what was replaced at once.
func (o *Orders) Watch(ctx context.Context, changed func(gate.DesiredState, uint64), swept func(gate.Report)) error {
	w := &orderWatch{o: o, changed: changed, swept: swept}
	failing := false
	for {
		headway, err := w.leg(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case fault.Of(err) == fault.Fatal:
			return err
		case headway:
			failing = false
		}
		if !failing {
			o.b.cfg.Log.Warn("watching the gate's orders again", "error", err)
			failing = true
		}
		if err := wait(ctx, watchPause); err != nil {
			return err
		}
	}
}

// orderWatch is one watch. It reads with a consumer of its own, which tells news at once, and asks the leader at the beginning
// and from time to time: the consumer lives in the memory of one replica, which may lag, or vanish without a word.
type orderWatch struct {
	o       *Orders
	changed func(gate.DesiredState, uint64)
	swept   func(gate.Report)

	created time.Time         // of the stream: a new one counts revisions from the beginning
	told    map[string]uint64 // by key, the revision that was told last
	none    bool              // it was told that no order stands
}

// leg watches until something goes wrong, which it always does; headway says that the leader has answered.
func (w *orderWatch) leg(ctx context.Context) (headway bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.o.b.connection(), cancel)()
	if err := w.incarnation(ctx); err != nil {
		return false, err
	}
	// The consumer comes first: what is written after the leader was asked, it delivers.
	name, err := w.consumer(ctx)
	if err != nil {
		return false, err
	}
	defer w.remove(ctx, name)
	p, err := w.o.b.newPuller(gateStream, name)
	if err != nil {
		return false, err
	}
	defer p.close()
	defer context.AfterFunc(ctx, p.close)() // who waits for messages stops waiting
	if err := w.standing(ctx); err != nil {
		return false, err
	}
	return true, w.follow(ctx, p)
}

func (w *orderWatch) incarnation(ctx context.Context) error {
	s, err := w.o.b.Stream(ctx, gateStream)
	if err == nil && !s.Created.Equal(w.created) {
		w.created, w.told = s.Created, map[string]uint64{}
	}
	return err
}

func (w *orderWatch) consumer(ctx context.Context) (name string, err error) {
	c, err := w.o.b.js.CreateConsumer(ctx, gateStream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		FilterSubjects: []string{gateSubject(orderKey), gateSubject(sweptKey)},
		MemoryStorage:  true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return "", fmt.Errorf("creating a consumer to watch bucket %s: %w", gateBucket, classify(err))
	}
	return c.CachedInfo().Name, nil
}

// remove is best effort: what is left behind goes by itself.
func (w *orderWatch) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = w.o.b.js.DeleteConsumer(ctx, gateStream, name)
}

// errGap says that messages were lost between the server and here.
var errGap = errors.New("a message of the watch was lost on its way")

// follow tells what the consumer delivers.
func (w *orderWatch) follow(ctx context.Context, p *puller) error {
	for due := uint64(1); ; {
		r := request{Batch: 1, Expires: watchAsk} // one at a time: each is told as it comes
		reply, err := p.ask(r)
		if err != nil {
			return err
		}
		msgs, err := p.collect(reply, r)
		if err != nil {
			return err
		}
		if len(msgs) == 0 {
			if err := w.standing(ctx); err != nil {
				return err
			}
			continue
		}
		for _, m := range msgs {
			if err := w.message(m, due); err != nil {
				return err
			}
			due++
		}
	}
}

func (w *orderWatch) message(m *nats.Msg, due uint64) error {
	d, number, err := delivery(m)
	if err != nil {
		return err
	}
	if number != due {
		return errGap
	}
	w.tell(strings.TrimPrefix(d.Subject, gateSubject("")), d.Data, d.Sequence)
	return nil
}

// standing tells what the leader has, if that is news.
func (w *orderWatch) standing(ctx context.Context) error {
	for _, key := range []string{orderKey, sweptKey} {
		data, revision, err := w.o.last(ctx, key)
		if err != nil {
			return err
		}
		if revision == 0 && key == orderKey {
			w.absent()
			continue
		}
		w.tell(key, data, revision)
	}
	return nil
}

// tell passes on what is newer than what was told.
func (w *orderWatch) tell(key string, data []byte, revision uint64) {
	if revision <= w.told[key] {
		return
	}
	w.told[key] = revision
	switch {
	case key == sweptKey:
		w.tellSwept(data)
	case len(data) == 0:
		w.absent()
	default:
		w.tellOrder(data, revision)
	}
}

func (w *orderWatch) tellOrder(data []byte, revision uint64) {
	w.none = false
	order, err := readOrder(data)
	if err != nil {
		w.o.b.cfg.Log.Error("the gate is shut", "error", err)
		order = gate.DesiredState{State: gate.Shut, Reason: gate.Unreadable, Detail: err.Error()}
	}
	w.changed(order, revision)
}

func (w *orderWatch) absent() {
	if !w.none {
		w.none = true
		w.changed(gate.DesiredState{}, 0)
	}
}

func (w *orderWatch) tellSwept(data []byte) {
	if len(data) == 0 {
		return
	}
	var s gate.Report
	if err := readKey(sweptKey, data, &s); err != nil {
		w.o.b.cfg.Log.Error("a report of a sweep is left out", "error", err)
		return
	}
	w.swept(s)
}
