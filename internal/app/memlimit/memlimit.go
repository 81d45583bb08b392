// Package memlimit sets the garbage collector of a process while it consumes.
//
// It promises a bound on the memory of a process with NATS in it, with room for garbage of half the live heap, and leaves
// everything alone where the environment sets GOGC or GOMEMLIMIT.
package memlimit

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage percentages of a process that consumes. At Go's own 100 an import of 150,000 messages took 70 us of its processor
// time each and 153 MB, at 200 it took 65 and 200 MB. With NATS in the process it may have as much as fits below a limit.
const (
	gcPercent     = 200
	gcPercentNATS = 100
)

// memoryNATS is the size in bytes above which a process with NATS in it collects garbage more often; the program itself comes on
// top. Messages in NATS are large buffers, allocated and freed by the hundred megabytes.
const memoryNATS = 220 << 20

// memoryInterval is how often the limit is compared with the live heap.
const memoryInterval = time.Second

// While returns run with the garbage collector set while it runs. nats says that NATS runs in this process.
func While(nats bool, run func(context.Context) error) func(context.Context) error {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return run
	}
	return func(ctx context.Context) error {
		if !nats {
			debug.SetGCPercent(gcPercent)
			return run(ctx)
		}
		debug.SetGCPercent(gcPercentNATS)
		ctx, done := context.WithCancel(ctx)
		defer done()
		go adjustMemoryLimit(ctx)
		return run(ctx)
	}
}

// adjustMemoryLimit keeps Go's memory limit above the live heap until ctx ends. Several do no harm.
func adjustMemoryLimit(ctx context.Context) {
	defer debug.SetMemoryLimit(math.MaxInt64)
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		debug.SetMemoryLimit(memoryLimit(liveHeap()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// liveHeap is how many bytes were live when garbage was last collected.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}

// memoryLimit leaves room for garbage of half the live heap, however large that is: a process whose limit is near it does nothing
// but collect.
func memoryLimit(live int64) int64 { return max(memoryNATS, live+live/2) }
