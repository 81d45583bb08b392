package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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

// Orders is the gate's bucket, which controllers, workers and operators share. It reads what the leader of the bucket says, and
// writes by compare-and-set only: who was frozen or cut off finds that something else stands.
type Orders struct {
	b     *Bus
	kv    jetstream.KeyValue
	lapse time.Duration    // claimLapse
	now   func() time.Time // time.Now

	mu    sync.Mutex // covers all below
	seen  uint64     // the claim's revision
	since time.Time  // when it was first seen here
}

// Orders opens the gate's bucket, which Ensure made.
func (b *Bus) Orders(ctx context.Context) (*Orders, error) {
	kv, err := b.bucket(ctx, gateBucket)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", gateBucket, classify(err))
	}
	return &Orders{b: b, kv: kv, lapse: claimLapse, now: time.Now}, nil
}

// Read returns the order that stands and its revision; a zero revision says that there is none. With an order that cannot be
// read the revision comes beside the error, so that it can be replaced.
func (o *Orders) Read(ctx context.Context) (gate.DesiredState, uint64, error) {
	data, revision, err := o.last(ctx, orderKey)
	if err != nil || len(data) == 0 {
		return gate.DesiredState{}, 0, err
	}
	order, err := readOrder(data)
	return order, revision, err
}

// Swap replaces the order of a revision and returns the new one; zero is for the first order. If another one stands it returns
// gate.ErrConflict. After any other error the order may stand all the same.
func (o *Orders) Swap(ctx context.Context, order gate.DesiredState, revision uint64) (uint64, error) {
	if revision == 0 {
		data, deleted, err := o.last(ctx, orderKey)
		switch {
		case err != nil:
			return 0, err
		case len(data) > 0:
			return 0, fmt.Errorf("writing the first order: %w", gate.ErrConflict)
		}
		revision = deleted
	}
	return o.write(ctx, orderKey, order, revision)
}

// Report says what a sweep has done. A report of a round before the order's is refused with gate.ErrConflict: nobody waits for
// it, and it must not hide a later one.
func (o *Orders) Report(ctx context.Context, s gate.Report) error {
	for {
		// The report's revision comes first: should this process freeze between the two, a later report makes the write fail.
		_, revision, err := o.last(ctx, sweptKey)
		if err != nil {
			return err
		}
		order, _, err := o.Read(ctx)
		if err != nil {
			return err
		}
		if s.Round < order.Round {
			return fmt.Errorf("reporting a sweep of round %d, while %d goes on: %w", s.Round, order.Round, gate.ErrConflict)
		}
		if _, err = o.write(ctx, sweptKey, s, revision); !errors.Is(err, gate.ErrConflict) {
			return err
		}
		// Somebody else reported; this ends, since every sweep reports once.
	}
}

// last returns what the bucket's leader has under a key, and its revision. No data and a revision say that it was deleted.
func (o *Orders) last(ctx context.Context, key string) ([]byte, uint64, error) {
	d, _, err := o.b.ask(ctx, gateStream, storedRequest{Last: gateSubject(key)})
	if err != nil {
		return nil, 0, fmt.Errorf("reading key %s of bucket %s: %w", key, gateBucket, err)
	}
	return d.Data, d.Sequence, nil
}

// write puts a value where the given revision is the last one of the key, zero if there never was one.
func (o *Orders) write(ctx context.Context, key string, value any, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err == nil {
		revision, err = o.kv.Update(ctx, key, data, revision)
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
