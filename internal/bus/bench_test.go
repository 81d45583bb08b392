package bus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/ingest"
)

// effort measures what a benchmark takes of the processor in all, the server's share and the kernel's included: the wall clock
// of a busy machine says little.
type effort struct{ before syscall.Rusage }

func measure(b *testing.B) effort {
	b.Helper()
	b.ReportAllocs()
	var e effort
	b.ResetTimer()
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &e.before))
	return e
}

// report reports it for each of n messages.
func (e effort) report(b *testing.B, n int) {
	b.Helper()
	b.StopTimer()
	var after syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
	user, system := after.Utime.Nano()-e.before.Utime.Nano(), after.Stime.Nano()-e.before.Stime.Nano()
	b.ReportMetric(float64(user+system)/float64(n), "cpu-ns/msg")
	b.ReportMetric(float64(system)/float64(n), "sys-ns/msg")
	b.ReportMetric(float64(after.Nvcsw-e.before.Nvcsw)/float64(n), "switches/msg")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
}

// text makes an event of about 425 bytes, half of it Russian.
var text = strings.Repeat("слово word ", 8)

func BenchmarkPublishBatch(b *testing.B) {
	for _, size := range []int{500, 1000, 2000, 4000, 8000} {
		for _, flight := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("size=%d/flight=%d", size, flight), func(b *testing.B) {
				bus := newServer(b, synced, bearing(size)).connect(larger(size))
				must(b, bus.Ensure(b.Context()))
				events := sealed(size, text)
				e := measure(b)
				var waits []ingest.Pending
				for sent := 0; sent < b.N; sent += size {
					_, p, err := bus.Publisher().Begin(b.Context(), events, false)
					must(b, err)
					if waits = append(waits, p); len(waits) == flight {
						must(b, second(waits[0].Wait(b.Context())))
						waits = waits[1:]
					}
				}
				for _, p := range waits {
					must(b, second(p.Wait(b.Context())))
				}
				e.report(b, b.N)
			})
		}
	}
}

func BenchmarkPublishFacts(b *testing.B) {
	for _, messages := range []int{1, 2, 4, 8, 16, 32, 64} {
		batches := make([]fact.Batch, messages)
		for i := range batches {
			batches[i] = fact.Batch{Source: "s", Namespace: "n", Channel: fmt.Sprint(i),
				Messages: []fact.Message{{Thing: "x", Text: strings.Repeat(text, 20)}}}
		}
		for _, minBatch := range []int{1, 1000} {
			b.Run(fmt.Sprintf("messages=%d/atomic=%v", messages, minBatch == 1), func(b *testing.B) {
				bus := newServer(b, synced).connect()
				must(b, bus.Ensure(b.Context()))
				b.ResetTimer()
				for range b.N {
					must(b, bus.Publisher().publishFacts(b.Context(), batches, minBatch))
				}
			})
		}
	}
}

func fill(b testing.TB, bus *Bus, n int) {
	b.Helper()
	for ; n > 0; n -= 1000 {
		_, err := bus.Publisher().PublishBatch(b.Context(), sealed(min(n, 1000), text))
		must(b, err)
	}
}

func BenchmarkRange(b *testing.B) {
	for _, headers := range []bool{true, false} {
		b.Run(fmt.Sprintf("headersOnly=%v", headers), func(b *testing.B) {
			bus := newServer(b).connect()
			must(b, bus.Ensure(b.Context()))
			fill(b, bus, 100_000)
			n := 0
			b.ResetTimer()
			for n < b.N {
				must(b, bus.Reader().Range(b.Context(), 1, 100_000, headers, func(consumers.Delivery) error { n++; return nil }))
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

type counter struct {
	mu   sync.Mutex
	left int
	done context.CancelFunc
}

func (c *counter) Handle(_ context.Context, batch []consumers.Delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left -= len(batch); c.left <= 0 {
		c.done()
	}
	return nil
}

func BenchmarkDeliver(b *testing.B) {
	bus := newServer(b, synced).connect()
	must(b, bus.Ensure(b.Context()))
	const most = 200_000
	n := min(b.N, most)
	fill(b, bus, n)
	c, err := bus.Consumer(b.Context(), Chat, Normalise)
	must(b, err)
	defer c.Close()
	ctx, cancel := context.WithCancel(b.Context())
	e := measure(b)
	must(b, deliver.Run(ctx, deliver.Config{
		Name: "bench", Stream: c, Handler: &counter{left: n, done: cancel}, Metrics: deliver.NewMetrics(prometheus.NewRegistry()),
	}))
	e.report(b, n)
}
