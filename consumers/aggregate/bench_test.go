package aggregate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// nowhere is a ClickHouse that takes everything at once: what is measured is our side.
type nowhere struct{}

func (nowhere) Insert(context.Context, string, string, []ch.Column) error { return nil }

// typical makes deliveries of a hundred messages of about 425 bytes, half of them Russian, and an edition of each.
func typical(b *testing.B, n int) ([]consumers.Delivery, int) {
	b.Helper()
	texts := []string{strings.Repeat("Some words of a chat, as they come. ", 11), strings.Repeat("Немного слов из беседы. ", 10)}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var out []consumers.Delivery
	facts := 0
	for d := range n {
		f := &fact.Batch{
			Version: fact.Version{Generation: 1, Counter: uint64(d + 1)}, Source: "telegram", Namespace: "telegram", Channel: "chat:1",
			ChannelKey: event.ChannelKey("telegram", "telegram", "chat:1").String(),
		}
		for i := range 100 {
			native := event.NativeID(fmt.Sprint(d, "-", i))
			id := event.Thing("telegram", "telegram", "chat:1", native, event.ThingMessage).String()
			f.Messages = append(f.Messages, fact.Message{
				Thing: id, ExternalID: string(native), Kind: "message", AuthorKey: id, Author: "user12345", AuthorName: "Some Body",
				SentAt: &at, Precision: 3, Text: texts[i%2], Revision: "0", Accounts: []string{"me"}, Position: uint64(i),
			})
			f.Versions = append(f.Versions, fact.Edition{Event: id, Thing: id, Kind: "message", Revision: "0", SentAt: &at})
		}
		data, err := fact.Encode(f)
		if err != nil {
			b.Fatal(err)
		}
		facts += f.Len()
		out = append(out, consumers.Delivery{Sequence: uint64(d + 1), Data: data})
	}
	return out, facts
}

func benchmark(b *testing.B, store aggregate.Inserter) {
	batch, facts := typical(b, 50)
	h := handler(b, store)
	b.ReportAllocs()
	start := time.Now()
	n := 0
	for b.Loop() {
		n++
		// A republication, or the server would drop the block as a duplicate.
		again, err := fact.Encode(&fact.Batch{RepublishID: fmt.Sprint(n)})
		if err != nil {
			b.Fatal(err)
		}
		if err := h.Handle(b.Context(), append(batch, consumers.Delivery{Data: again})); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*facts)/time.Since(start).Seconds(), "facts/s")
}

// BenchmarkHandler_Handle_withoutServer decodes and gathers.
func BenchmarkHandler_Handle_withoutServer(b *testing.B) { benchmark(b, nowhere{}) }

// BenchmarkHandler_Handle also encodes, sends and waits for the disk.
func BenchmarkHandler_Handle(b *testing.B) { benchmark(b, store(b)) }
