package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/gate"
)

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
func (o *Orders) Lease(ctx context.Context, id string, etcdReachable bool) (held bool, err error) {
	data, revision, err := o.last(ctx, controllerKey)
	if err != nil {
		return false, err
	}
	lapsed := o.unchanged(revision) >= o.lapse
	if len(data) > 0 && !lapsed {
		var has claim
		if err := readKey(controllerKey, data, &has); err != nil {
			return false, err // it lapses like any other
		}
		if has.ID != id && (has.Sighted || !etcdReachable) {
			return false, nil
		}
	}
	_, err = o.write(ctx, controllerKey, claim{ID: id, Sighted: etcdReachable, At: o.now().UTC()}, revision)
	if errors.Is(err, gate.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// unchanged returns for how long the claim has had a revision, as far as this process has seen.
func (o *Orders) unchanged(revision uint64) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if revision != o.seen {
		o.seen, o.since = revision, o.now()
	}
	return o.now().Sub(o.since)
}

// Release gives the claim back, if this id has it: whoever asks next gets it at once.
func (o *Orders) Release(ctx context.Context, id string) error {
	data, revision, err := o.last(ctx, controllerKey)
	if err != nil || len(data) == 0 {
		return err
	}
	var has claim
	if readKey(controllerKey, data, &has) != nil || has.ID != id {
		return nil // not ours to give back
	}
	err = o.kv.Delete(ctx, controllerKey, jetstream.LastRevision(revision))
	if err = moved(err); err != nil && !errors.Is(err, gate.ErrConflict) {
		return fmt.Errorf("giving the controller's claim back: %w", err)
	}
	return nil
}
