package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// The keys of the gate's bucket.
const (
	orderKey      = "order"
	sweptKey      = "swept"
	controllerKey = "controller"
)

// gateStream is the stream under the gate's bucket.
const gateStream = "KV_" + gateBucket

func gateSubject(key string) string { return "$KV." + gateBucket + "." + key }

// GateStore is the gate's bucket, which controllers, workers and operators share. It reads what the leader of the bucket says, and
// writes by compare-and-set only: who was frozen or cut off finds that something else stands.
type GateStore struct {
	c      *conn
	reader *Reader
	kv     jetstream.KeyValue
	lapse  time.Duration    // claimLapse
	now    func() time.Time // time.Now

	mu    sync.Mutex // covers all below
	seen  uint64     // the claim's revision
	since time.Time  // when it was first seen here
}

// GateStore opens the gate's bucket, which Ensure made.
func (b *Bus) GateStore(ctx context.Context) (*GateStore, error) {
	kv, err := b.c.bucket(ctx, gateBucket)
	if err != nil {
		return nil, err
	}
	return &GateStore{c: b.c, reader: b.reader, kv: kv, lapse: claimLapse, now: time.Now}, nil
}

// Read returns the order that stands and its revision; a zero revision says that there is none. With an order that cannot be
// read the revision comes beside the error, so that it can be replaced.
func (g *GateStore) Read(ctx context.Context) (gate.DesiredState, uint64, error) {
	data, revision, err := g.last(ctx, orderKey)
	if err != nil || len(data) == 0 {
		return gate.DesiredState{}, 0, err
	}
	order, err := readOrder(data)
	return order, revision, err
}

// Swap replaces the order of a revision and returns the new one; zero is for the first order. If another one stands it returns
// gate.ErrConflict. After any other error the order may stand all the same.
func (g *GateStore) Swap(ctx context.Context, order gate.DesiredState, revision uint64) (uint64, error) {
	if revision == 0 {
		data, deleted, err := g.last(ctx, orderKey)
		switch {
		case err != nil:
			return 0, err
		case len(data) > 0:
			return 0, fmt.Errorf("writing the first order: %w", gate.ErrConflict)
		}
		revision = deleted
	}
	return g.write(ctx, orderKey, order, revision)
}

// Report says what a sweep has done. A report of a round before the order's is refused with gate.ErrConflict: nobody waits for
// it, and it must not hide a later one.
func (g *GateStore) Report(ctx context.Context, s gate.Report) error {
	for {
		// The report's revision comes first: should this process freeze between the two, a later report makes the write fail.
		_, revision, err := g.last(ctx, sweptKey)
		if err != nil {
			return err
		}
		order, _, err := g.Read(ctx)
		if err != nil {
			return err
		}
		if s.Round < order.Round {
			return fmt.Errorf("reporting a sweep of round %d, while %d goes on: %w", s.Round, order.Round, gate.ErrConflict)
		}
		if _, err = g.write(ctx, sweptKey, s, revision); !errors.Is(err, gate.ErrConflict) {
			return err
		}
		// Somebody else reported; this ends, since every sweep reports once.
	}
}

// last returns what the bucket's leader has under a key, and its revision. No data and a revision say that it was deleted.
func (g *GateStore) last(ctx context.Context, key string) ([]byte, uint64, error) {
	d, _, err := g.reader.ask(ctx, gateStream, storedRequest{Last: gateSubject(key)})
	if err != nil {
		return nil, 0, fmt.Errorf("reading key %s of bucket %s: %w", key, gateBucket, err)
	}
	return d.Data, d.Sequence, nil
}

// write puts a value where the given revision is the last one of the key, zero if there never was one.
func (g *GateStore) write(ctx context.Context, key string, value any, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err == nil {
		revision, err = g.kv.Update(ctx, key, data, revision)
	}
	if err != nil {
		return 0, fmt.Errorf("writing key %s of bucket %s: %w", key, gateBucket, moved(err))
	}
	return revision, nil
}

// moved is classify, for what was to be written over a revision.
func moved(err error) error {
	if hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return gate.ErrConflict
	}
	return classify(err)
}

func readOrder(data []byte) (gate.DesiredState, error) {
	var order gate.DesiredState
	if err := readKey(orderKey, data, &order); err != nil {
		return gate.DesiredState{}, err
	}
	switch order.State {
	case gate.Shut, gate.Recovering, gate.Opened:
		return order, nil
	}
	return gate.DesiredState{}, unreadable(orderKey, fmt.Errorf("its state is %q", order.State))
}

func readKey(key string, data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return unreadable(key, err)
	}
	return nil
}

// unreadable is about a value that was written by hand or by a later version. It is transient: somebody will write it anew.
func unreadable(key string, err error) error {
	return fmt.Errorf("key %s of bucket %s cannot be read; delete it with \"nats kv del %s %s\" and it will be written anew: %w",
		key, gateBucket, gateBucket, key, err)
}

// claimLapse is how long a claim that nobody renews keeps others out: three renewals may get lost.
const claimLapse = 10 * time.Second

// claim says who acts as the controller.
type claim struct {
	ID      string    `json:"id"`
	Sighted bool      `json:"sighted"` // etcd answers it
	At      time.Time `json:"at"`      // for people: no two clocks are compared
}

// Lease tries to act as the controller, or to go on doing so: held is true while this id does. It is called every two to three
// seconds. Another's claim is taken over when it was not renewed for ten seconds that passed here, or at once when its holder
// has no word from etcd and this one has.
func (g *GateStore) Lease(ctx context.Context, id string, etcdReachable bool) (held bool, err error) {
	data, revision, err := g.last(ctx, controllerKey)
	if err != nil {
		return false, err
	}
	lapsed := g.unchanged(revision) >= g.lapse
	if len(data) > 0 && !lapsed {
		var has claim
		if err := readKey(controllerKey, data, &has); err != nil {
			return false, err // it lapses like any other
		}
		if has.ID != id && (has.Sighted || !etcdReachable) {
			return false, nil
		}
	}
	_, err = g.write(ctx, controllerKey, claim{ID: id, Sighted: etcdReachable, At: g.now().UTC()}, revision)
	if errors.Is(err, gate.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// unchanged returns for how long the claim has had a revision, as far as this process has seen.
func (g *GateStore) unchanged(revision uint64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if revision != g.seen {
		g.seen, g.since = revision, g.now()
	}
	return g.now().Sub(g.since)
}

// Release gives the claim back, if this id has it: whoever asks next gets it at once.
func (g *GateStore) Release(ctx context.Context, id string) error {
	data, revision, err := g.last(ctx, controllerKey)
	if err != nil || len(data) == 0 {
		return err
	}
	var has claim
	if readKey(controllerKey, data, &has) != nil || has.ID != id {
		return nil // not ours to give back
	}
	err = g.kv.Delete(ctx, controllerKey, jetstream.LastRevision(revision))
	if err = moved(err); err != nil && !errors.Is(err, gate.ErrConflict) {
		return fmt.Errorf("giving the controller's claim back: %w", err)
	}
	return nil
}

// Times of a watch.
const (
	watchAsk   = 2 * time.Second        // without news for so long, the leader's word is asked
	watchPause = 250 * time.Millisecond // before watching again
)

// Watch calls changed with every order and swept with every report, the standing ones first, until ctx ends or a person has to
// do something. That no order stands is told as the zero order of revision zero, also at the beginning. An order that cannot
// be read is told as shut. Both are called by one goroutine, and may miss what was replaced at once.
func (g *GateStore) Watch(ctx context.Context, changed func(gate.DesiredState, uint64), swept func(gate.Report)) error {
	w := &gateWatch{g: g, changed: changed, swept: swept}
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
			g.c.cfg.Log.Warn("watching the gate's orders again", "error", err)
			failing = true
		}
		if err := clock.Sleep(ctx, watchPause); err != nil {
			return err
		}
	}
}

// gateWatch is one watch. It reads with a consumer of its own, which tells news at once, and asks the leader at the beginning
// and from time to time: the consumer lives in the memory of one replica, which may lag, or vanish without a word.
type gateWatch struct {
	g       *GateStore
	changed func(gate.DesiredState, uint64)
	swept   func(gate.Report)

	created time.Time         // of the stream: a new one counts revisions from the beginning
	told    map[string]uint64 // by key, the revision that was told last
	none    bool              // it was told that no order stands
}

// leg watches until something goes wrong, which it always does; headway says that the leader has answered.
func (w *gateWatch) leg(ctx context.Context) (headway bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.g.c.connected(), cancel)()
	if err := w.incarnation(ctx); err != nil {
		return false, err
	}
	// The consumer comes first: what is written after the leader was asked, it delivers.
	name, err := w.consumer(ctx)
	if err != nil {
		return false, err
	}
	defer w.remove(ctx, name)
	p, err := w.g.c.newPuller(gateStream, name)
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

func (w *gateWatch) incarnation(ctx context.Context) error {
	s, err := w.g.c.stream(ctx, gateStream)
	if err == nil && !s.Created.Equal(w.created) {
		w.created, w.told = s.Created, map[string]uint64{}
	}
	return err
}

func (w *gateWatch) consumer(ctx context.Context) (name string, err error) {
	c, err := w.g.c.js.CreateConsumer(ctx, gateStream, jetstream.ConsumerConfig{
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
func (w *gateWatch) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = w.g.c.js.DeleteConsumer(ctx, gateStream, name)
}

// errGap says that messages were lost between the server and here.
var errGap = errors.New("a message of the watch was lost on its way")

// follow tells what the consumer delivers.
func (w *gateWatch) follow(ctx context.Context, p *puller) error {
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

func (w *gateWatch) message(m *nats.Msg, due uint64) error {
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
func (w *gateWatch) standing(ctx context.Context) error {
	for _, key := range []string{orderKey, sweptKey} {
		data, revision, err := w.g.last(ctx, key)
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
func (w *gateWatch) tell(key string, data []byte, revision uint64) {
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

func (w *gateWatch) tellOrder(data []byte, revision uint64) {
	w.none = false
	order, err := readOrder(data)
	if err != nil {
		w.g.c.cfg.Log.Error("the gate is shut", "error", err)
		order = gate.DesiredState{State: gate.Shut, Reason: gate.Unreadable, Detail: err.Error()}
	}
	w.changed(order, revision)
}

func (w *gateWatch) absent() {
	if !w.none {
		w.none = true
		w.changed(gate.DesiredState{}, 0)
	}
}

func (w *gateWatch) tellSwept(data []byte) {
	if len(data) == 0 {
		return
	}
	var s gate.Report
	if err := readKey(sweptKey, data, &s); err != nil {
		w.g.c.cfg.Log.Error("a report of a sweep is left out", "error", err)
		return
	}
	w.swept(s)
}
