// Package consumers is the contract of a place that events go to, and nothing else.
//
// A consumer is given batches of messages of a stream and makes them durable. It promises that the same batch may come
// again, whole or in other company, in any order, from another process at the same time, and that this changes nothing.
// Fetching, settling, retrying, setting aside and back-pressure are internal/deliver's.
package consumers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Delivery is one message of a stream.
type Delivery struct {
	Sequence uint64 // in the stream, from 1
	Subject  string
	EventID  string // the header that carries the event's id; empty where the stream has none
	Data     []byte
	Stored   time.Time // when the stream took it
	Attempts uint64    // how often it has been delivered, this time included
}

// Handler makes deliveries durable.
type Handler interface {
	// Handle returns nil when all of the batch is stored. A *PartialError says that all is stored but what it names; poison
	// that it names was judged by the handler alone, no store had a say in it, and needs no proof that the store is well. Any
	// other error says that nothing is known to be stored. It is called by several goroutines at once, blocks as long as it
	// needs, obeys ctx, and keeps nothing of the batch after it returns.
	Handle(ctx context.Context, batch []Delivery) error
}

// Burier is a handler that keeps a record of what it will never store.
type Burier interface {
	// Bury notes that d went to the dead letters because of cause; called after their copy is acknowledged and before d is.
	Bury(ctx context.Context, d Delivery, cause error) error
}

// PartialError names the deliveries of a batch that were not stored; all others were.
type PartialError struct {
	Failed map[int]error // by index in the batch
}

// Error names the first failure.
func (e *PartialError) Error() string {
	first := slices.Min(slices.Collect(maps.Keys(e.Failed)))
	return fmt.Sprintf("%d of the batch failed, the first (index %d): %v", len(e.Failed), first, e.Failed[first])
}
