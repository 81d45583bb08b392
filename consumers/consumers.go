// Package consumers is the contract of a place that events go to, and nothing else.
//
// A consumer is given batches of messages of a stream and makes them durable. It promises to be idempotent: the same batch may come
// again, whole or mixed with others, in any order, concurrently with another process, and this changes nothing.
// Fetching, settling, retries, dead letters and back-pressure are internal/deliver's.
package consumers

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// Delivery is one message of a stream.
type Delivery struct {
	Sequence uint64 // in the stream, from 1
	Line     int    // of an event that was split off a bundle: its line there, from 0
	Subject  string
	EventIDs string // the header that carries the event's id, or those of a bundle; empty where the stream has none
	Data     []byte
	Stored   time.Time // when the stream took it
	Attempts uint64    // how often it has been delivered, this time included
}

// IsBundle reports whether the message carries several events: see event.Position and the comment above it.
func (d *Delivery) IsBundle() bool { return strings.Contains(d.EventIDs, event.IDSeparator) }

// Events returns how many events the message says it carries.
func (d *Delivery) Events() int { return 1 + strings.Count(d.EventIDs, event.IDSeparator) }

// IDs yields the ids that the header names, in the order of their lines; an empty one where it names none.
func (d *Delivery) IDs() iter.Seq[string] { return strings.SplitSeq(d.EventIDs, event.IDSeparator) }

// Carries reports whether the header names the id.
func (d *Delivery) Carries(id string) bool {
	for one := range d.IDs() {
		if one == id {
			return true
		}
	}
	return false
}

// Named is the id for a log: of a bundle the first one, and how many follow.
func (d *Delivery) Named() string {
	first, _, bundle := strings.Cut(d.EventIDs, event.IDSeparator)
	if !bundle {
		return first
	}
	return fmt.Sprintf("%s and %d more", first, d.Events()-1)
}

// Split returns the events of a bundle as deliveries of their own, and any other message as it is. Where the header and the lines
// do not agree, what is missing of an event is empty.
func (d *Delivery) Split() []Delivery {
	if !d.IsBundle() {
		return []Delivery{*d}
	}
	ids, lines := slices.Collect(d.IDs()), slices.Collect(d.Envelopes())
	out := make([]Delivery, max(len(ids), len(lines)))
	for i := range out {
		out[i] = *d
		out[i].Line, out[i].EventIDs, out[i].Data = i, "", nil
		if i < len(ids) {
			out[i].EventIDs = ids[i]
		}
		if i < len(lines) {
			out[i].Data = lines[i]
		}
	}
	return out
}

// Position is the position of the event that the message carries, or of the first one of a bundle.
func (d *Delivery) Position() event.Position { return event.At(d.Sequence, d.Line) }

// Envelopes yields the envelopes in the message, in the order of the stream.
func (d *Delivery) Envelopes() iter.Seq[[]byte] {
	if !d.IsBundle() {
		return func(yield func([]byte) bool) { yield(d.Data) }
	}
	return bytes.SplitSeq(d.Data, []byte(event.LineEnd))
}

// Handler makes deliveries durable.
type Handler interface {
	// Handle returns nil when all of the batch is stored. A *PartialError means that all is stored but what it names; poison
	// that it names was found by the handler alone, without the store, and needs no proof that the store is healthy. After any
	// other error nothing may be stored. It is called by several goroutines at once, blocks as long as it
	// needs, obeys ctx, and keeps nothing of the batch after it returns.
	Handle(ctx context.Context, batch []Delivery) error
}

// DeadLetterer is a handler that keeps a record of what it will never store.
type DeadLetterer interface {
	// DeadLetter records that d went to the dead letters because of cause; called after their copy is acknowledged and before d is. Of a
	// bundle no copy is made before: it stores what it can of it, and makes copies of the rest itself.
	DeadLetter(ctx context.Context, d Delivery, cause error) error
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
