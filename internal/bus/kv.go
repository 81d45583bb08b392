package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// The buckets.
const (
	cursorBucket = "AGRICHAT_CURSORS"
	stateBucket  = "AGRICHAT_STATE"
	gateBucket   = "AGRICHAT_GATE"
)

// gateHistory is how many orders an operator can look back on: a failover takes three or four.
const gateHistory = 16

func (b *Bus) buckets() []jetstream.KeyValueConfig {
	kv := func(name, about string) jetstream.KeyValueConfig {
		return jetstream.KeyValueConfig{
			Bucket: name, Description: about, History: 1, Storage: jetstream.FileStorage, Replicas: b.cfg.Replicas,
		}
	}
	gate := kv(gateBucket, "Whether the record may be written: orders, reports, and who gives orders")
	gate.History = gateHistory
	return []jetstream.KeyValueConfig{
		kv(cursorBucket, "Where each source resumes"),
		kv(stateBucket, "What all processes agree on"),
		gate,
	}
}

// generationKey counts the stores that the stream has ever filled.
const generationKey = "generation"

// NextGeneration returns a number that no store has had before, and that is above the given one: of two stores the later has the
// higher one, also where the bucket was put back to an earlier state.
func (b *Bus) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	kv, err := b.bucket(ctx, stateBucket)
	if err != nil {
		return 0, fmt.Errorf("opening bucket %s: %w", stateBucket, classify(err))
	}
	for {
		n, err := raise(ctx, kv, above)
		if err == nil {
			return n, nil
		}
		if !hasCode(err, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
			return 0, fmt.Errorf("counting the generations of stores: %w", classify(err))
		}
		// Another process was quicker; it has taken a number, so this ends.
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

// bucket opens a bucket. One that is just being made may not be answered for.
func (b *Bus) bucket(ctx context.Context, name string) (kv jetstream.KeyValue, err error) {
	err = insist(ctx, func(ctx context.Context) error {
		kv, err = b.js.KeyValue(ctx, name)
		return err
	})
	return kv, err
}

// Cursors returns where sources resume.
func (b *Bus) Cursors(ctx context.Context) (ingest.Cursors, error) {
	kv, err := b.bucket(ctx, cursorBucket)
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", cursorBucket, classify(err))
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
