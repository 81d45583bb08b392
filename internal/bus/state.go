package bus

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// The highest version that facts were published under stands in the bucket of what all processes agree on: a database that knows
// less was put back. Several processes write it without waiting for each other, so it is spread over keys by the counter: the last
// writer of one key is only wrong where two transactions that many counters apart are published at once.
const (
	markKeys   = 8
	markPrefix = "published."
)

// marks is what this process knows to be marked.
type marks struct {
	mu     sync.Mutex // covers all below
	loaded bool
	high   fact.Version
}

func (m *marks) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loaded, m.high = false, fact.Version{}
}

// announce marks the highest version of the batches on its way, unless a higher one is marked. The function that it returns waits
// for the server's word, so the mark costs no round trip of its own.
func (m *marks) announce(ctx context.Context, b *Bus, batches []fact.Batch) (func(context.Context) error, error) {
	done := func(context.Context) error { return nil }
	var v fact.Version
	for i := range batches {
		if batches[i].Version.Compare(v) > 0 {
			v = batches[i].Version
		}
	}
	m.mu.Lock()
	loaded := m.loaded
	m.mu.Unlock()
	if !loaded {
		high, err := b.Published(ctx)
		if err != nil {
			return done, err
		}
		m.raise(high)
	}
	m.mu.Lock()
	known := v.Compare(m.high) <= 0
	m.mu.Unlock()
	if known {
		return done, nil
	}
	key := markPrefix + strconv.FormatUint(v.Counter%markKeys, 10)
	answer, err := b.js.PublishMsgAsync(&nats.Msg{Subject: "$KV." + stateBucket + "." + key, Data: []byte(v.Big().String())})
	if err != nil {
		return done, fmt.Errorf("marking version %s as published: %w", v, classify(err))
	}
	broken := b.connection()
	return func(ctx context.Context) error {
		select {
		case <-answer.Ok():
			m.raise(v)
			return nil
		case err := <-answer.Err():
			return fmt.Errorf("marking version %s as published: %w", v, classify(err))
		case <-broken.Done():
			return fault.AsTransient(fmt.Errorf("marking version %s as published: the connection broke", v), 0)
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

func (m *marks) raise(v fact.Version) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loaded = true
	if v.Compare(m.high) > 0 {
		m.high = v
	}
}

// Published returns the highest version that facts were published under, as far as that is marked.
func (b *Bus) Published(ctx context.Context) (fact.Version, error) {
	var high fact.Version
	kv, err := b.bucket(ctx, stateBucket)
	if err != nil {
		return high, fmt.Errorf("opening bucket %s: %w", stateBucket, classify(err))
	}
	for i := range markKeys {
		key := markPrefix + strconv.Itoa(i)
		e, err := kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return high, fmt.Errorf("reading what was published: %w", classify(err))
		}
		n, ok := new(big.Int).SetString(string(e.Value()), 10)
		if !ok {
			return high, fault.AsFatal(fmt.Errorf("key %s of bucket %s is no version: delete the key", key, stateBucket))
		}
		if v := fact.FromBig(n); v.Compare(high) > 0 {
			high = v
		}
	}
	return high, nil
}
