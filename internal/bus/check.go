package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fault"
)

// ErrMissing is under an error that names streams, buckets or consumers that are not there.
var ErrMissing = errors.New("not there")

// Check looks for the streams, buckets and durable consumers, and creates nothing. Those that are not there are named in an
// error that is ErrMissing. How they are configured does not matter: who reads can do so all the same.
func (b *Bus) Check(ctx context.Context) error {
	var missing []string
	look := func(what string, absent error, ask func(context.Context) error) error {
		err := insist(ctx, ask)
		if errors.Is(err, absent) {
			missing = append(missing, what)
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for %s: %w", what, classify(err))
		}
		return nil
	}
	gone := map[string]bool{}
	for _, s := range b.streams() {
		before := len(missing)
		err := look("stream "+s.Name, jetstream.ErrStreamNotFound, func(ctx context.Context) error {
			_, err := b.js.Stream(ctx, s.Name)
			return err
		})
		if err != nil {
			return err
		}
		gone[s.Name] = len(missing) > before
	}
	for _, kv := range b.buckets() {
		err := look("bucket "+kv.Bucket, jetstream.ErrBucketNotFound, func(ctx context.Context) error {
			_, err := b.js.KeyValue(ctx, kv.Bucket)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, c := range durables() {
		if gone[c.stream] {
			continue // with its stream
		}
		err := look(fmt.Sprintf("consumer %s of %s", c.name, c.stream), jetstream.ErrConsumerNotFound, func(ctx context.Context) error {
			_, err := b.js.Consumer(ctx, c.stream, c.name)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.AsFatal(fmt.Errorf("%w at NATS: %s; nothing was created", ErrMissing, strings.Join(missing, ", ")))
}
