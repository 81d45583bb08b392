package deliver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

func config(q *queue, h consumers.Handler) Config {
	return Config{Name: "test", Stream: q, Handler: h, Limits: Limits{Messages: 10}}
}

// runFor runs a consumer for a while of the bubble's time.
func runFor(t *testing.T, d time.Duration, cfg Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return Run(ctx, cfg)
}

// settledOnce fails unless every message was settled exactly once for each delivery, and n were acknowledged.
func (q *queue) settledOnce(t *testing.T, n int) {
	t.Helper()
	if len(q.twice) > 0 {
		t.Fatalf("settled twice: %v", q.twice)
	}
	for seq, e := range q.messages {
		if e.out {
			t.Fatalf("message %d is still in flight", seq)
		}
	}
	if len(q.acks) != n {
		t.Fatalf("%d of %d acknowledged", len(q.acks), n)
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1005)
		h := newStore(q)
		cfg := config(q, h)
		reg := prometheus.NewRegistry()
		cfg.Metrics = NewMetrics(reg)
		var mu sync.Mutex
		points := map[string]bool{}
		cfg.Hook = func(p string) {
			mu.Lock()
			defer mu.Unlock()
			points[p] = true
		}
		if err := runFor(t, time.Minute, cfg); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 1005)
		if len(h.stored) != 1005 || len(points) < 3 {
			t.Fatal(len(h.stored), points)
		}
		if got := testutil.ToFloat64(cfg.Metrics.messages.WithLabelValues("test", "acked")); got != 1005 {
			t.Fatal(got)
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
	})
}

func TestRun_PartialFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		h := newStore(q)
		times := 0
		h.fail = func(_ context.Context, batch []consumers.Delivery) error {
			for i, d := range batch {
				if d.Sequence == 4 && times < 3 {
					times++
					return &consumers.PartialError{Failed: map[int]error{i: errOdd}}
				}
			}
			return nil
		}
		if err := runFor(t, time.Minute, config(q, h)); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 10)
		d := q.delays[4]
		if len(d) != 3 || d[1] <= d[0] || d[2] <= d[1] || h.stored[5] != 1 || len(q.letters) != 0 {
			t.Fatal(d, h.stored, q.letters)
		}
	})
}

// An outage, however long and whatever it looks like, makes no dead letters.
func TestRun_OutageWithoutDeadLetters(t *testing.T) {
	for name, outage := range map[string]error{
		"unmarked": errOdd, "transient": fault.AsTransient(errOdd, 0), "looks like poison": fault.AsPoison(errOdd),
		"lost permission": context.Canceled,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(40)
				h := newStore(q)
				began := time.Now()
				h.fail = func(context.Context, []consumers.Delivery) error {
					if d := time.Since(began); d > 5*time.Second && d < time.Hour {
						return outage
					}
					return nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				ended := make(chan error)
				go func() { ended <- Run(ctx, config(q, h)) }()
				time.Sleep(6 * time.Second)
				q.put(200)
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				q.settledOnce(t, 240)
				if len(q.letters) != 0 {
					t.Fatal(q.letters)
				}
				if most := 2 * 3600; name == "unmarked" && h.calls > most { // fetching slows down to one batch a second
					t.Fatalf("the handler was called %d times", h.calls)
				}
				for seq, delays := range q.delays {
					if slices.Max(delays) > 10*time.Second || len(delays) > 3000 {
						t.Fatal(seq, len(delays), slices.Max(delays))
					}
				}
			})
		})
	}
}

func TestRun_PoisonIsDeadLettered(t *testing.T) {
	for name, whole := range map[string]bool{"the whole batch fails": true, "the batch fails in part": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(100)
				h := newStore(q)
				h.fail = func(_ context.Context, batch []consumers.Delivery) error {
					bad := map[int]error{}
					for i, d := range batch {
						if d.Sequence == 37 || d.Sequence == 38 || d.Sequence == 100 {
							bad[i] = fault.AsPoison(errors.New("a character that cannot be stored"))
						}
					}
					switch {
					case len(bad) == 0:
						return nil
					case whole:
						return fault.AsPoison(errors.New("a character that cannot be stored"))
					}
					return &consumers.PartialError{Failed: bad}
				}
				if err := runFor(t, time.Hour, config(q, h)); err != nil {
					t.Fatal(err)
				}
				q.settledOnce(t, 100)
				if len(h.stored) != 97 || len(q.letters) != 3 || !strings.Contains(q.letters[38], "cannot be stored") {
					t.Fatal(len(h.stored), q.letters)
				}
				// The order of effects, and four failures before the last one.
				i := slices.Index(q.log, "copy 37")
				if j := slices.Index(q.log, "note 37"); j < i || slices.Index(q.log, "ack 37") < j || len(q.delays[37]) != 4 {
					t.Fatal(q.log, q.delays[37])
				}
			})
		})
	}
}

// A poisoned message that is the last one is dead-lettered too: the message stored last is the probe of the store.
func TestRun_PoisonIsLastMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		h := newStore(q)
		h.fail = func(_ context.Context, batch []consumers.Delivery) error {
			if holds(batch, 2) {
				return fault.AsPoison(errOdd)
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- Run(ctx, config(q, h)) }()
		time.Sleep(10 * time.Second)
		q.put(1)
		if err := <-ended; err != nil || len(q.letters) != 1 {
			t.Fatal(err, q.letters)
		}
		q.settledOnce(t, 2)
	})
}

// Where nothing has ever been stored there is no probe. The handler's own judgement of an input needs none, and a refusal
// comes from a store that answers; only refusals without end are as likely the store's fault, and wait for something that it
// stores.
func TestRun_PoisonWithoutProbe(t *testing.T) {
	refuse := func([]consumers.Delivery) error { return fault.AsPoison(errOdd) }
	judge := func(batch []consumers.Delivery) error {
		failed := map[int]error{}
		for i := range batch {
			failed[i] = fault.AsPoison(errOdd)
		}
		return &consumers.PartialError{Failed: failed}
	}
	for name, tt := range map[string]struct {
		fail         func([]consumers.Delivery) error
		messages     int
		deadLettered int
		thenStored   bool
	}{
		"one that the handler judged":      {judge, 1, 1, false},
		"many that the handler judged":     {judge, 30, 30, false},
		"one that the store refuses":       {refuse, 1, 1, false},
		"as many as may be believed":       {refuse, trustMost, trustMost, false},
		"a store that refuses everything":  {refuse, 30, trustMost, false},
		"and that takes something again":   {refuse, 30, 30, true},
		"a failure that nobody has marked": {func([]consumers.Delivery) error { return errOdd }, 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(tt.messages)
				h := newStore(q)
				h.fail = func(_ context.Context, batch []consumers.Delivery) error {
					if holds(batch, uint64(tt.messages)+1) && len(batch) == 1 {
						return nil
					}
					return tt.fail(batch)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				ended := make(chan error)
				go func() { ended <- Run(ctx, config(q, h)) }()
				time.Sleep(time.Hour)
				if tt.thenStored {
					q.put(1)
				}
				if err := <-ended; err != nil || len(q.letters) != tt.deadLettered {
					t.Fatal(err, q.letters)
				}
				for seq := range q.letters {
					if len(q.delays[seq]) < 4 {
						t.Errorf("message %d was dead-lettered after %d failures", seq, len(q.delays[seq])+1)
					}
				}
			})
		})
	}
}

func TestRun_DeadLetteringIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(20)
		h := newStore(q)
		h.fail = func(_ context.Context, batch []consumers.Delivery) error {
			if holds(batch, 7) {
				return fault.AsPoison(errOdd)
			}
			return nil
		}
		began := time.Now()
		q.buryErr = func() error {
			if time.Since(began) < 10*time.Minute {
				return fault.AsPoison(errors.New("the stream of dead letters is full"))
			}
			return nil
		}
		if err := runFor(t, time.Hour, config(q, h)); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 20)
		if len(q.letters) != 1 || len(h.buried) != 1 {
			t.Fatal(q.letters, h.buried)
		}
	})
}

func TestRun_FatalLeavesAllUnacknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(200)
		h := newStore(q)
		h.fail = func(_ context.Context, batch []consumers.Delivery) error {
			if holds(batch, 55) {
				return fault.AsFatal(errors.New("the schema is newer: update this program"))
			}
			return nil
		}
		cfg := config(q, h)
		cfg.Workers = 1
		err := runFor(t, time.Hour, cfg)
		if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "update this program") {
			t.Fatal(err)
		}
		if len(q.acks) != 50 || len(q.delays) != 0 || len(q.letters) != 0 {
			t.Fatal(len(q.acks), q.delays)
		}
	})
}

func TestRun_BackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1000)
		h := newStore(q)
		h.fail = func(context.Context, []consumers.Delivery) error {
			time.Sleep(time.Second) // in the bubble's time
			return nil
		}
		cfg := config(q, h)
		cfg.Workers, cfg.HighWater = 3, 30
		if err := runFor(t, time.Hour, cfg); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 1000)
		if q.most < 30 || q.most > 30+10 {
			t.Fatalf("%d were in flight", q.most)
		}
	})
}

func TestRun_ExtendsAckWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		h := newStore(q)
		h.fail = func(context.Context, []consumers.Delivery) error {
			time.Sleep(5 * time.Minute)
			return nil
		}
		if err := runFor(t, 10*time.Minute, config(q, h)); err != nil {
			t.Fatal(err)
		}
		if q.working < 44*10 || q.working > 45*10 { // every third of 20 s, and nothing once they are settled
			t.Fatal(q.working)
		}
	})
}

func TestRun_StopSettlesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(100)
		h := newStore(q)
		h.fail = func(ctx context.Context, _ []consumers.Delivery) error {
			time.Sleep(5 * time.Second)
			return ctx.Err()
		}
		if err := runFor(t, time.Second, config(q, h)); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 20) // what two workers had begun
		for seq, d := range q.delays {
			if !slices.Equal(d, []time.Duration{0}) {
				t.Fatalf("message %d was given back with %v", seq, d)
			}
		}
	})
}

func TestRun_StopTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		h := newStore(q)
		h.fail = func(ctx context.Context, _ []consumers.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		if err := runFor(t, time.Second, config(q, h)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d != 21*time.Second {
			t.Fatal(d)
		}
		q.settledOnce(t, 0)
	})
}

func TestRun_FetchIsRetriedUntilGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(10)
		h := newStore(q)
		began := time.Now()
		q.fetchErr = func() error {
			if time.Since(began) < 30*time.Second {
				return errOdd
			}
			return nil
		}
		if err := runFor(t, time.Hour, config(q, h)); err != nil {
			t.Fatal(err)
		}
		q.settledOnce(t, 10)
		q.fetchErr = func() error { return errOdd }
		if err := runFor(t, time.Hour, config(q, h)); !errors.Is(err, errOdd) {
			t.Fatal(err)
		}
		q.fetchErr = func() error { return fault.AsFatal(errOdd) }
		if err := runFor(t, time.Second, config(q, h)); fault.Of(err) != fault.Fatal {
			t.Fatal(err)
		}
	})
}

func TestDelay_after(t *testing.T) {
	d := Delay{First: 100 * time.Millisecond, Most: 10 * time.Second}
	for n, want := range map[int]time.Duration{0: 100, 1: 100, 2: 200, 5: 1600, 8: 10000, 64: 10000} {
		if got := d.after(n); got > want*time.Millisecond || got < want*time.Millisecond*3/4-1 {
			t.Errorf("after %d: %s", n, got)
		}
	}
}
