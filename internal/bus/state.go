package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// The highest version that facts were published under is in the bucket of what all processes agree on: a database with less was
// restored. Several processes write it without waiting for each other, so it is spread over keys by the counter: the last
// writer of one key is only wrong where two transactions with that many counters between them are published at once.
const (
	markKeys   = 8
	markPrefix = "published."
)

// State is the bucket of what all processes agree on: the generations of stores, and the highest version that was published.
type State struct {
	c      *conn
	mu     sync.Mutex // covers all below
	loaded bool
	high   fact.Version
}

func (s *State) invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded, s.high = false, fact.Version{}
}

// beginMark marks the highest version of the batches, unless a higher one is marked. The function that it returns waits for the
// server's ack, so the mark costs no round trip of its own.
func (s *State) beginMark(ctx context.Context, batches []fact.Batch) (func(context.Context) error, error) {
	done := func(context.Context) error { return nil }
	var v fact.Version
	for i := range batches {
		if batches[i].Version.Compare(v) > 0 {
			v = batches[i].Version
		}
	}
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if !loaded {
		high, err := s.Published(ctx)
		if err != nil {
			return done, err
		}
		s.raise(high)
	}
	s.mu.Lock()
	known := v.Compare(s.high) <= 0
	s.mu.Unlock()
	if known {
		return done, nil
	}
	key := markPrefix + strconv.FormatUint(v.Counter%markKeys, 10)
	answer, err := s.c.js.PublishMsgAsync(&nats.Msg{Subject: "$KV." + stateBucket + "." + key, Data: []byte(v.Big().String())})
	if err != nil {
		return done, fmt.Errorf("marking version %s as published: %w", v, classify(err))
	}
	broken := s.c.connected()
	return func(ctx context.Context) error {
		select {
		case <-answer.Ok():
			s.raise(v)
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

func (s *State) raise(v fact.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = true
	if v.Compare(s.high) > 0 {
		s.high = v
	}
}

// Published returns the highest version that facts were published under, as far as that is marked.
func (s *State) Published(ctx context.Context) (fact.Version, error) {
	var high fact.Version
	kv, err := s.c.bucket(ctx, stateBucket)
	if err != nil {
		return high, err
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

// generationKey counts the stores that the stream has ever filled.
const generationKey = "generation"

// NextGeneration returns a number that no store has had before, and that is above the given one: of two stores the later has the
// higher one, also where the bucket was put back to an earlier state.
func (s *State) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	kv, err := s.c.bucket(ctx, stateBucket)
	if err != nil {
		return 0, err
	}
	for {
		n, err := raise(ctx, kv, above)
		if err == nil {
			return n, nil
		}
		if !hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
			return 0, fmt.Errorf("counting the generations of stores: %w", classify(err))
		}
		// A conflict with another process, which has taken a number, so retrying ends.
	}
}

func raise(ctx context.Context, kv jetstream.KeyValue, above uint16) (uint16, error) {
	if above == math.MaxUint16 {
		return 0, fault.AsFatal(errors.New("65535 stores have been made of this stream: no number is left"))
	}
	e, err := kv.Get(ctx, generationKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		_, err = kv.Create(ctx, generationKey, []byte(strconv.FormatUint(uint64(above)+1, 10)))
		return above + 1, err
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(e.Value()), 10, 16)
	if err != nil {
		return 0, fault.AsFatal(fmt.Errorf("key %s of bucket %s is no count: %w", generationKey, stateBucket, err))
	}
	if n == math.MaxUint16 {
		return 0, fault.AsFatal(errors.New("65535 stores have been made of this stream: no number is left"))
	}
	n = max(n, uint64(above))
	_, err = kv.Update(ctx, generationKey, []byte(strconv.FormatUint(n+1, 10)), e.Revision())
	return uint16(n + 1), err
}

// Cursors returns where sources resume.
func (b *Bus) Cursors(ctx context.Context) (ingest.Cursors, error) {
	kv, err := b.c.bucket(ctx, cursorBucket)
	if err != nil {
		return nil, err
	}
	return cursors{kv}, nil
}

type cursors struct{ kv jetstream.KeyValue }

func (c cursors) Load(ctx context.Context, name string) (producers.Cursor, error) {
	e, err := c.kv.Get(ctx, key(name))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cursor of %s: %w", name, classify(err))
	}
	return unpack(e.Value())
}

func (c cursors) Save(ctx context.Context, name string, cur producers.Cursor) error {
	value, err := pack(cur)
	if err == nil {
		_, err = c.kv.Put(ctx, key(name), value)
	}
	if err != nil {
		return fmt.Errorf("saving the cursor of %s: %w", name, classify(err))
	}
	return nil
}

func (c cursors) Forget(ctx context.Context, name string) error {
	if err := c.kv.Purge(ctx, key(name)); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("forgetting the cursor of %s: %w", name, classify(err))
	}
	return nil
}

// packed is the size from which a cursor is packed: that of a log without ids holds two days of hashes.
const packed = 64 << 10

func pack(c producers.Cursor) ([]byte, error) {
	if len(c) < packed {
		return append([]byte{'='}, c...), nil
	}
	z, err := deflate(c)
	return append([]byte{'z'}, z...), err
}

func unpack(value []byte) (producers.Cursor, error) {
	switch {
	case len(value) == 0:
		return nil, nil
	case value[0] == '=':
		return producers.Cursor(value[1:]), nil
	}
	c, err := inflate(value[1:])
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading a cursor: %w", err))
	}
	return c, nil
}
