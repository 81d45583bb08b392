package deliver

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// TestRun_Progress_elsewhere holds that who fails once is not reported while another worker stores what it gave back.
func TestRun_Progress_elsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		h := newStore(q)
		h.fail = func(_ context.Context, batch []consumers.Delivery) error {
			q.mu.Lock()
			defer q.mu.Unlock()
			for _, d := range batch {
				q.messages[d.Sequence].acked = true
				q.acks[d.Sequence]++
			}
			return errOdd
		}
		cfg := config(q, h)
		cfg.Progress = func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		if err := runFor(t, 3*time.Minute, cfg); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRun_Progress reports a consumer that settles nothing although messages are pending, and nothing else.
func TestRun_Progress(t *testing.T) {
	full := fault.AsTransient(errors.New("the disk is full"), 0)
	type report struct{ err error }
	for name, tt := range map[string]struct {
		messages int
		fail     func(batch []consumers.Delivery) error
		why      string        // is reported
		from, to time.Duration // reported after the first failure; to is 0: never
	}{
		"everything is stored":       {messages: 100, fail: func([]consumers.Delivery) error { return nil }},
		"nothing is there to store":  {messages: 0, fail: func([]consumers.Delivery) error { return full }},
		"all fails":                  {100, func([]consumers.Delivery) error { return full }, "the disk is full", 60 * time.Second, 70 * time.Second},
		"all fails for unknown ends": {100, func([]consumers.Delivery) error { return errOdd }, "odd", 60 * time.Second, 70 * time.Second},
		"the handler does not return": {100, func([]consumers.Delivery) error {
			time.Sleep(95 * time.Second) // of the bubble
			return nil
		}, "has not returned", 60 * time.Second, 70 * time.Second},
		"one fails, others do not": {messages: 4000, fail: func(b []consumers.Delivery) error {
			if holds(b, 7) {
				return full
			}
			time.Sleep(time.Second) // of the bubble
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(tt.messages)
				h := newStore(q)
				var mended atomic.Bool
				h.fail = func(_ context.Context, batch []consumers.Delivery) error {
					if mended.Load() {
						return nil
					}
					return tt.fail(batch)
				}
				cfg := config(q, h)
				reg := prometheus.NewRegistry()
				cfg.Metrics = NewMetrics(reg)
				began := time.Now()
				var firstly atomic.Int64
				var last atomic.Value
				cfg.Progress = func(err error) {
					if err != nil {
						firstly.CompareAndSwap(0, int64(time.Since(began)))
					}
					last.Store(report{err})
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- Run(ctx, cfg) }()

				time.Sleep(59 * time.Second)
				if first := time.Duration(firstly.Load()); first != 0 {
					t.Errorf("reported after %s", first)
				}
				time.Sleep(31 * time.Second)
				if first := time.Duration(firstly.Load()); first < tt.from || first > tt.to {
					t.Errorf("reported after %s, want %s to %s", first, tt.from, tt.to)
				}
				stalled, _ := last.Load().(report)
				seconds := testutil.ToFloat64(cfg.Metrics.stalled)
				if (stalled.err != nil) != (tt.to > 0) || (seconds > 85) != (tt.to > 0) {
					t.Errorf("after 90 s: %v, the metric says %v s", stalled.err, seconds)
				}
				if stalled.err != nil && !strings.Contains(stalled.err.Error(), tt.why) {
					t.Errorf("the error does not say why: %v", stalled.err)
				}
				mended.Store(true)
				time.Sleep(20 * time.Second)
				if r, _ := last.Load().(report); r.err != nil || testutil.ToFloat64(cfg.Metrics.stalled) != 0 {
					t.Errorf("once it works: %v, %v s", r.err, testutil.ToFloat64(cfg.Metrics.stalled))
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if n := testutil.CollectAndCount(cfg.Metrics.stalled); n != 0 {
					t.Errorf("%d series are left after the end", n)
				}
			})
		})
	}
}
