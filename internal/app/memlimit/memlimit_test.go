package memlimit

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAdjustMemoryLimit holds that the limit leaves room above what is alive, however much that is, and is gone afterwards.
func TestAdjustMemoryLimit(t *testing.T) {
	for live, want := range map[int64]int64{0: memoryNATS, 100 << 20: memoryNATS, 1 << 30: 1<<30 + 1<<29} {
		if got := memoryLimit(live); got != want {
			t.Errorf("with %d bytes alive the limit is %d, not %d", live, got, want)
		}
	}
	runtime.GC()
	if live := liveHeap(); live <= 0 || live > 1<<40 {
		t.Errorf("%d bytes are alive", live)
	}
	before := debug.SetMemoryLimit(-1)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); adjustMemoryLimit(ctx) }()
	deadline := time.After(10 * time.Second)
	for debug.SetMemoryLimit(-1) == before {
		select {
		case <-deadline:
			t.Fatal("no limit was set")
		default:
		}
	}
	stop()
	<-over
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("a limit of %d stands", got)
	}
}
