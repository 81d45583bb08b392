package deliver

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// silent is a stream that may refuse to answer for its lag, or never answer.
type silent struct {
	*queue
	frozen  atomic.Bool
	deleted atomic.Bool
}

var errDeleted = errors.New("consumer normalise not found")

func (s *silent) Lag(ctx context.Context) (Lag, error) {
	if s.deleted.Load() {
		return Lag{}, errDeleted
	}
	if s.frozen.Load() {
		<-ctx.Done()
		return Lag{}, ctx.Err()
	}
	return Lag{Pending: 7, Age: time.Second}, nil
}

// TestRun_Lag must not report the last answer once the server no longer answers.
func TestRun_Lag(t *testing.T) {
	for name, tt := range map[string]struct {
		set  func(s *silent, to bool)
		want error
	}{
		"frozen":  {func(s *silent, to bool) { s.frozen.Store(to) }, context.DeadlineExceeded},
		"deleted": {func(s *silent, to bool) { s.deleted.Store(to) }, errDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &silent{queue: newQueue(0)}
				cfg := config(s.queue, newStore(s.queue))
				var last atomic.Value
				type answer struct{ err error }
				reg := prometheus.NewRegistry()
				cfg.Stream, cfg.Metrics, cfg.Answered = s, NewMetrics(reg), func(err error) { last.Store(answer{err}) }
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- Run(ctx, cfg) }()

				check := func(lag float64, want error) {
					t.Helper()
					time.Sleep(10*time.Second - time.Millisecond) // of the bubble
					got := testutil.ToFloat64(cfg.Metrics.lagMessages.WithLabelValues("test"))
					if got != lag && !(math.IsNaN(got) && math.IsNaN(lag)) {
						t.Errorf("the lag is %v, want %v", got, lag)
					}
					if a, _ := last.Load().(answer); !errors.Is(a.err, want) {
						t.Errorf("reported %v, want %v", a.err, want)
					}
				}
				check(7, nil)
				tt.set(s, true)
				check(math.NaN(), tt.want)
				if age := testutil.ToFloat64(cfg.Metrics.answers); age < 8 {
					t.Errorf("the last answer is %v seconds old", age)
				}
				tt.set(s, false)
				check(7, nil)
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				families, err := reg.Gather()
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range families {
					if strings.Contains(f.GetName(), "_lag_") {
						t.Errorf("%s is still there after the end", f.GetName())
					}
				}
			})
		})
	}
}
