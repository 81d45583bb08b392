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
	stateKey      = "order"
	reportKey     = "swept"
	controllerKey = "controller"
)

// gateStream is the stream under the gate's bucket.
const gateStream = "KV_" + gateBucket

func gateSubject(key string) string { return "$KV." + gateBucket + "." + key }

// GateStore is the gate's bucket, which controllers, workers and operators share. It reads what the leader of the bucket says, and
// writes by compare-and-set only: a process that was frozen or cut off gets a conflict.
type GateStore struct {
	c      *conn
	reader *Reader
	kv     jetstream.KeyValue
	ttl    time.Duration    // leaseTTL
	now    func() time.Time // time.Now

	mu    sync.Mutex // covers all below
	seen  uint64     // the lease's revision
	since time.Time  // when it was first seen here
}

// GateStore opens the gate's bucket, which Ensure made.
func (b *Bus) GateStore(ctx context.Context) (*GateStore, error) {
	kv, err := b.c.bucket(ctx, gateBucket)
	if err != nil {
		return nil, err
	}
	return &GateStore{c: b.c, reader: b.reader, kv: kv, ttl: leaseTTL, now: time.Now}, nil
}

// Read returns the current desired state and its revision; zero if there is none. If it cannot be decoded the revision comes with
// the error, so that it can be replaced.
func (g *GateStore) Read(ctx context.Context) (gate.DesiredState, uint64, error) {
	data, revision, err := g.last(ctx, stateKey)
	if err != nil || len(data) == 0 {
		return gate.DesiredState{}, 0, err
	}
	order, err := decodeState(data)
	return order, revision, err
}

// Swap replaces the desired state of a revision and returns the new revision; zero is for the first one. If the current revision is
// another it returns gate.ErrConflict. After any other error the new state may be stored all the same.
func (g *GateStore) Swap(ctx context.Context, order gate.DesiredState, revision uint64) (uint64, error) {
	if revision == 0 {
		data, deleted, err := g.last(ctx, stateKey)
		switch {
		case err != nil:
			return 0, err
		case len(data) > 0:
			return 0, fmt.Errorf("writing the first order: %w", gate.ErrConflict)
		}
		revision = deleted
	}
	return g.write(ctx, stateKey, order, revision)
}

// Report stores what a reconciliation has done. A report of an epoch before that of the desired state is refused with
// gate.ErrConflict: no controller waits for it, and it must not hide a later one.
func (g *GateStore) Report(ctx context.Context, s gate.Report) error {
	for {
		// The report's revision comes first: should this process freeze between the two, a later report makes the write fail.
		_, revision, err := g.last(ctx, reportKey)
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
		if _, err = g.write(ctx, reportKey, s, revision); !errors.Is(err, gate.ErrConflict) {
			return err
		}
		// Another process reported; this ends, since every reconciliation reports once.
	}
}

// last returns what the bucket's leader has under a key, and its revision. No data and a revision mean that it was deleted.
func (g *GateStore) last(ctx context.Context, key string) ([]byte, uint64, error) {
	d, _, err := g.reader.getStored(ctx, gateStream, storedRequest{Last: gateSubject(key)})
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
		return 0, fmt.Errorf("writing key %s of bucket %s: %w", key, gateBucket, classifyConflict(err))
	}
	return revision, nil
}

// classifyConflict is classify, for what was to be written over a revision.
func classifyConflict(err error) error {
	if hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return gate.ErrConflict
	}
	return classify(err)
}

func decodeState(data []byte) (gate.DesiredState, error) {
	var order gate.DesiredState
	if err := decodeValue(stateKey, data, &order); err != nil {
		return gate.DesiredState{}, err
	}
	switch order.State {
	case gate.Shut, gate.Recovering, gate.Opened:
		return order, nil
	}
	return gate.DesiredState{}, unreadable(stateKey, fmt.Errorf("its state is %q", order.State))
}

func decodeValue(key string, data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return unreadable(key, err)
	}
	return nil
}

// unreadable is about a value that was written by hand or by a later version. It is transient: it will be written again.
func unreadable(key string, err error) error {
	return fmt.Errorf("key %s of bucket %s cannot be read; delete it with \"nats kv del %s %s\" and it will be written anew: %w",
		key, gateBucket, gateBucket, key, err)
}

// leaseTTL is how long a lease that is not renewed keeps others out: three renewals may get lost.
const leaseTTL = 10 * time.Second

// lease is who acts as the controller.
type lease struct {
	ID      string    `json:"id"`
	Sighted bool      `json:"sighted"` // etcd answers it
	At      time.Time `json:"at"`      // for people: no two clocks are compared
}

// Lease tries to act as the controller, or to go on doing so: held is true while this id does. It is called every two to three
// seconds. Another's lease is taken over when it was not renewed for ten seconds that passed here, or at once when its holder
// does not reach etcd and this one does.
func (g *GateStore) Lease(ctx context.Context, id string, etcdReachable bool) (held bool, err error) {
	data, revision, err := g.last(ctx, controllerKey)
	if err != nil {
		return false, err
	}
	lapsed := g.unchanged(revision) >= g.ttl
	if len(data) > 0 && !lapsed {
		var has lease
		if err := decodeValue(controllerKey, data, &has); err != nil {
			return false, err // it expires like any other
		}
		if has.ID != id && (has.Sighted || !etcdReachable) {
			return false, nil
		}
	}
	_, err = g.write(ctx, controllerKey, lease{ID: id, Sighted: etcdReachable, At: g.now().UTC()}, revision)
	if errors.Is(err, gate.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// unchanged returns for how long the lease has had a revision, as far as this process has seen.
func (g *GateStore) unchanged(revision uint64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if revision != g.seen {
		g.seen, g.since = revision, g.now()
	}
	return g.now().Sub(g.since)
}

// Release gives the lease back, if this id has it: the next process that tries gets it at once.
func (g *GateStore) Release(ctx context.Context, id string) error {
	data, revision, err := g.last(ctx, controllerKey)
	if err != nil || len(data) == 0 {
		return err
	}
	var has lease
	if decodeValue(controllerKey, data, &has) != nil || has.ID != id {
		return nil // not ours to give back
	}
	err = g.kv.Delete(ctx, controllerKey, jetstream.LastRevision(revision))
	if err = classifyConflict(err); err != nil && !errors.Is(err, gate.ErrConflict) {
		return fmt.Errorf("releasing the controller's lease: %w", err)
	}
	return nil
}

// Times of a watch.
const (
	watchAsk   = 2 * time.Second        // without an update for so long, the leader is queried
	watchPause = 250 * time.Millisecond // before watching again
)

// Watch calls changed with every desired state and reported with every report, the current ones first, until ctx ends or an error is
// fatal. Without a desired state changed gets the zero one of revision zero, also at the beginning. One that cannot be decoded is
// passed as closed. Both are called by one goroutine, and may miss what was replaced at once.
func (g *GateStore) Watch(ctx context.Context, changed func(gate.DesiredState, uint64), reported func(gate.Report)) error {
	w := &gateWatch{g: g, changed: changed, reported: reported}
	failing := false
	for {
		headway, err := w.session(ctx)
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

// gateWatch is one watch. It reads with a consumer of its own, which delivers updates at once, and queries the leader at the
// beginning and from time to time: the consumer is in the memory of one replica, which may lag, or vanish without notice.
type gateWatch struct {
	g        *GateStore
	changed  func(gate.DesiredState, uint64)
	reported func(gate.Report)

	created  time.Time         // of the stream: a new one counts revisions from the beginning
	notified map[string]uint64 // by key, the revision of the last notification
	none     bool              // the last notification was that there is no desired state
}

// session watches until something fails, which it always does; headway says that the leader has answered.
func (w *gateWatch) session(ctx context.Context) (headway bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.g.c.connected(), cancel)()
	if err := w.incarnation(ctx); err != nil {
		return false, err
	}
	// The consumer is created first: it delivers what is written after the leader was queried.
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
	defer context.AfterFunc(ctx, p.close)() // ends a wait for messages
	if err := w.current(ctx); err != nil {
		return false, err
	}
	return true, w.follow(ctx, p)
}

func (w *gateWatch) incarnation(ctx context.Context) error {
	s, err := w.g.c.stream(ctx, gateStream)
	if err == nil && !s.Created.Equal(w.created) {
		w.created, w.notified = s.Created, map[string]uint64{}
	}
	return err
}

func (w *gateWatch) consumer(ctx context.Context) (name string, err error) {
	c, err := w.g.c.js.CreateConsumer(ctx, gateStream, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		FilterSubjects: []string{gateSubject(stateKey), gateSubject(reportKey)},
		MemoryStorage:  true, Replicas: 1, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return "", fmt.Errorf("creating a consumer to watch bucket %s: %w", gateBucket, classify(err))
	}
	return c.CachedInfo().Name, nil
}

// remove is best effort: the server removes what is left behind.
func (w *gateWatch) remove(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = w.g.c.js.DeleteConsumer(ctx, gateStream, name)
}

// errGap says that messages were lost between the server and here.
var errGap = errors.New("a message of the watch was lost on its way")

// follow passes on what the consumer delivers.
func (w *gateWatch) follow(ctx context.Context, p *puller) error {
	for nextSeq := uint64(1); ; {
		r := request{Batch: 1, Expires: watchAsk} // one at a time: each is passed on as it comes
		reply, err := p.send(r)
		if err != nil {
			return err
		}
		msgs, err := p.collect(reply, r)
		if err != nil {
			return err
		}
		if len(msgs) == 0 {
			if err := w.current(ctx); err != nil {
				return err
			}
			continue
		}
		for _, m := range msgs {
			if err := w.message(m, nextSeq); err != nil {
				return err
			}
			nextSeq++
		}
	}
}

func (w *gateWatch) message(m *nats.Msg, nextSeq uint64) error {
	d, number, err := delivery(m)
	if err != nil {
		return err
	}
	if number != nextSeq {
		return errGap
	}
	w.notify(strings.TrimPrefix(d.Subject, gateSubject("")), d.Data, d.Sequence)
	return nil
}

// current passes on what the leader has, if that is new.
func (w *gateWatch) current(ctx context.Context) error {
	for _, key := range []string{stateKey, reportKey} {
		data, revision, err := w.g.last(ctx, key)
		if err != nil {
			return err
		}
		if revision == 0 && key == stateKey {
			w.notifyNone()
			continue
		}
		w.notify(key, data, revision)
	}
	return nil
}

// notify passes on what is newer than the last notification.
func (w *gateWatch) notify(key string, data []byte, revision uint64) {
	if revision <= w.notified[key] {
		return
	}
	w.notified[key] = revision
	switch {
	case key == reportKey:
		w.notifyReport(data)
	case len(data) == 0:
		w.notifyNone()
	default:
		w.notifyState(data, revision)
	}
}

func (w *gateWatch) notifyState(data []byte, revision uint64) {
	w.none = false
	order, err := decodeState(data)
	if err != nil {
		w.g.c.cfg.Log.Error("the gate is shut", "error", err)
		order = gate.DesiredState{State: gate.Shut, Reason: gate.Unreadable, Detail: err.Error()}
	}
	w.changed(order, revision)
}

func (w *gateWatch) notifyNone() {
	if !w.none {
		w.none = true
		w.changed(gate.DesiredState{}, 0)
	}
}

func (w *gateWatch) notifyReport(data []byte) {
	if len(data) == 0 {
		return
	}
	var s gate.Report
	if err := decodeValue(reportKey, data, &s); err != nil {
		w.g.c.cfg.Log.Error("a report of a sweep is left out", "error", err)
		return
	}
	w.reported(s)
}
