package app

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/agrichat/agrichat/consumers/normalise"
)

func TestStoreMetrics_watchUnpublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newStoreMetrics(prometheus.NewRegistry())
		series := func() int { return testutil.CollectAndCount(m.unpublished) + testutil.CollectAndCount(m.oldest) }
		if n := series(); n != 0 {
			t.Errorf("%d series before a normaliser runs", n)
		}
		type answer struct {
			normalise.Pending
			err    error
			frozen bool
		}
		var now atomic.Pointer[answer]
		now.Store(&answer{Pending: normalise.Pending{Transactions: 3, Oldest: 90 * time.Second}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.watchUnpublished(ctx, func(ctx context.Context) (normalise.Pending, error) {
				a := now.Load()
				if a.frozen {
					<-ctx.Done()
					return normalise.Pending{}, ctx.Err()
				}
				return a.Pending, a.err
			})
		}()
		check := func(what string, transactions, age float64) {
			t.Helper()
			synctest.Wait()
			got, old := testutil.ToFloat64(m.unpublished), testutil.ToFloat64(m.oldest)
			if got != transactions && !(math.IsNaN(got) && math.IsNaN(transactions)) || old != age && !(math.IsNaN(old) && math.IsNaN(age)) {
				t.Errorf("%s: %v transactions, the oldest of %v s", what, got, old)
			}
		}
		check("at the start", 3, 90)
		now.Store(&answer{err: errors.New("no PostgreSQL")})
		time.Sleep(unpublishedInterval)
		check("without an answer", math.NaN(), math.NaN())
		now.Store(&answer{})
		time.Sleep(unpublishedInterval)
		check("when all is published", 0, 0)
		now.Store(&answer{frozen: true})
		time.Sleep(2 * unpublishedInterval)
		check("while PostgreSQL is frozen", math.NaN(), math.NaN())
		cancel()
		<-done
		if n := series(); n != 0 {
			t.Errorf("%d series after the end", n)
		}
	})
}
