package deliver

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
)

// sizes runs a consumer on a queue into which a message comes every so often, n in all, and returns the sizes of the batches
// and how long after the first message came the first batch was handled.
func sizes(t *testing.T, n int, every time.Duration, cfg Config) (batches []int, wait time.Duration) {
	q := newQueue(0)
	var came time.Time
	q.fetchErr = func() error {
		if n > 0 {
			time.Sleep(every)
			q.put(1)
			if n--; came.IsZero() {
				came = time.Now()
			}
		}
		return nil
	}
	h := newStore(q)
	var mu sync.Mutex
	h.fail = func(_ context.Context, batch []consumers.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		if batches = append(batches, len(batch)); len(batches) == 1 {
			wait = time.Since(came)
		}
		return nil
	}
	cfg.Name, cfg.Stream, cfg.Handler, cfg.Workers = "test", q, h, 1
	all := n
	if err := runFor(t, time.Minute, cfg); err != nil {
		t.Fatal(err)
	}
	q.settledOnce(t, all)
	return batches, wait
}

func TestRun_MaxWait(t *testing.T) {
	for name, c := range map[string]struct {
		messages int
		every    time.Duration
		linger   time.Duration
		limits   Limits
		much     int
		want     []int
		within   time.Duration
	}{
		"without lingering":       {3, 0, 0, Limits{}, 0, []int{1, 1, 1}, 0},
		"until nothing comes":     {3, 10 * time.Millisecond, time.Second, Limits{}, 0, []int{3}, 20*time.Millisecond + idleWait},
		"until there are enough":  {7, 0, time.Second, Limits{Messages: 3}, 0, []int{3, 3, 1}, 0},
		"until it has lingered":   {8, 50 * time.Millisecond, 180 * time.Millisecond, Limits{}, 0, []int{5, 3}, 200 * time.Millisecond},
		"one alone hardly waits":  {1, 0, time.Second, Limits{}, 0, []int{1}, idleWait},
		"never longer than asked": {1, 0, time.Millisecond, Limits{}, 0, []int{1}, time.Millisecond},
		"longer where much comes": {8, 50 * time.Millisecond, 180 * time.Millisecond, Limits{}, 50, []int{7, 1}, 300 * time.Millisecond},
		"and not where less does": {8, 50 * time.Millisecond, 180 * time.Millisecond, Limits{}, 60, []int{5, 3}, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, wait := sizes(t, c.messages, c.every, Config{MaxWait: c.linger, MaxWaitHighVolume: 280 * time.Millisecond, HighVolume: c.much, Limits: c.limits})
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("batches (-want +got): %s", diff)
				}
				if wait > c.within {
					t.Errorf("the first batch waited for %s, want at most %s", wait, c.within)
				}
			})
		})
	}
}

func TestRun_FailedFetchKeepsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(3)
		fetches := 0
		q.fetchErr = func() error {
			if fetches++; fetches == 2 {
				return errors.New("the connection broke")
			}
			return nil
		}
		h := newStore(q)
		cfg := config(q, h)
		cfg.MaxWait = time.Second
		if err := runFor(t, 10*time.Second, cfg); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 3)
		if len(h.stored) != 3 || h.calls != 1 {
			t.Errorf("%d handled in %d calls", len(h.stored), h.calls)
		}
	})
}
