package cli

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// garbage is the percentage of garbage of a process that consumes. At Go's own 100 an import of 150,000 messages took 70 us of
// its processor time each and 153 MB, at 200 it took 65 and 200 MB. With NATS in the process it may have as much as fits below
// a limit.
const (
	garbage     = 200
	garbageNATS = 100
)

// memoryNATS is what a process with NATS in it takes before it collects its garbage more often than it otherwise would, in bytes
// of Go's own; the program itself comes on top. Messages in NATS are large pieces, and come and go by the hundred megabytes.
const memoryNATS = 220 << 20

// governEvery is how often the limit is held against what is alive.
const governEvery = time.Second

// collecting says while a consumer runs how much garbage there may be before it is collected, where the environment does not.
func (s *stack) collecting(run func(context.Context) error) func(context.Context) error {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return run
	}
	return func(ctx context.Context) error {
		if s.nats == nil {
			debug.SetGCPercent(garbage)
			return run(ctx)
		}
		debug.SetGCPercent(garbageNATS)
		ctx, done := context.WithCancel(ctx)
		defer done()
		go governMemory(ctx)
		return run(ctx)
	}
}

// governMemory keeps Go's memory limit until ctx ends. Several do no harm.
func governMemory(ctx context.Context) {
	defer debug.SetMemoryLimit(math.MaxInt64)
	tick := time.NewTicker(governEvery)
	defer tick.Stop()
	for {
		debug.SetMemoryLimit(limitFor(liveHeap()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// liveHeap is how many bytes were alive when garbage was last collected.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}

// limitFor lets garbage be half of what is alive, however much that is: a process whose limit is near it does nothing but collect.
func limitFor(live int64) int64 { return max(memoryNATS, live+live/2) }
