package supervise

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/obs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken")

// diary notes what happens, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// untilStopped runs until its context ends, and needs a while to stop.
func (d *diary) untilStopped(name string, toStop time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		d.note(name + " runs")
		<-ctx.Done()
		time.Sleep(toStop)
		d.note(name + " ends")
		return ctx.Err()
	}
}

// run supervises in the background; what it returns waits for the end.
func run(ctx context.Context, t *testing.T, o Options, list ...Component) (*Supervisor, func() error) {
	t.Helper()
	s, err := New(o, list...)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- s.Run(ctx) }()
	return s, func() error { return <-result }
}

func states(s *Supervisor) map[string]State {
	m := map[string]State{}
	for _, st := range s.Statuses() {
		m[st.Name] = st.State
	}
	return m
}

func TestStartsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		up := make(chan struct{})
		s, wait := run(ctx, t, Options{},
			Component{Name: "consumer", Run: d.untilStopped("consumer", time.Second), After: []string{"bus"}},
			Component{Name: "bus", Run: d.untilStopped("bus", time.Second), Ready: func(ctx context.Context) error {
				select {
				case <-up:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}},
		)
		synctest.Wait()
		want := map[string]State{"consumer": Waiting, "bus": Starting}
		if diff := cmp.Diff(want, states(s)); diff != "" {
			t.Errorf("before the bus is ready: -want +got:\n%s", diff)
		}
		close(up)
		synctest.Wait()
		cancel()
		synctest.Wait()
		want = map[string]State{"consumer": Stopping, "bus": Running}
		if diff := cmp.Diff(want, states(s)); diff != "" {
			t.Errorf("while the consumer stops: -want +got:\n%s", diff)
		}
		if err := wait(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"bus runs", "consumer runs", "consumer ends", "bus ends"}, d.read()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestTransientIsRestartedWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var starts []time.Time
		_, wait := run(ctx, t, Options{}, Component{Name: "a", Run: func(ctx context.Context) error {
			if starts = append(starts, time.Now()); len(starts) <= 12 {
				return errBroken
			}
			cancel()
			return ctx.Err()
		}})
		if err := wait(); err != nil {
			t.Error(err)
		}
		var last time.Duration
		for i := 1; i < len(starts); i++ {
			last = starts[i].Sub(starts[i-1])
			if last > longestPause*3/2 || last < firstPause/2 {
				t.Errorf("pause %d is %v", i, last)
			}
		}
		if last < longestPause/2 {
			t.Errorf("the last pause is %v: pauses do not grow", last)
		}
	})
}

func TestAskedPauseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, runs := time.Now(), 0
		_, wait := run(t.Context(), t, Options{}, Component{Name: "a", Run: func(context.Context) error {
			if runs++; runs == 1 {
				return fault.AsTransient(errBroken, time.Hour)
			}
			return nil
		}})
		if err := wait(); err != nil || time.Since(began) != time.Hour {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestLongRunForgetsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		s, wait := run(t.Context(), t, Options{}, Component{Name: "a", MaxFailures: 2, Run: func(context.Context) error {
			if runs++; runs > 10 {
				return nil
			}
			time.Sleep(steady)
			return errBroken
		}})
		if err := wait(); err != nil {
			t.Error(err)
		}
		if got := s.Statuses()[0]; got.Restarts != 10 || got.State != Finished || got.LastError != "broken" {
			t.Errorf("%+v", got)
		}
	})
}

func TestFatalOfEssentialStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		s, wait := run(t.Context(), t, Options{},
			Component{Name: "store", Essential: true, Run: func(context.Context) error {
				time.Sleep(time.Second)
				return fault.AsFatal(errBroken)
			}},
			Component{Name: "other", Run: d.untilStopped("other", 0)},
		)
		err := wait()
		if !errors.Is(err, errBroken) || fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "store") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(map[string]State{"store": Failed, "other": Stopped}, states(s)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestFatalOfAnotherConcernsItAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		var logged bytes.Buffer
		s, wait := run(ctx, t, Options{Log: slog.New(slog.NewTextHandler(&logged, nil))},
			Component{Name: "source", Run: func(context.Context) error { return fault.AsFatal(errBroken) }, Ready: never},
			Component{Name: "dependant", Run: d.untilStopped("dependant", 0), After: []string{"source"}},
			Component{Name: "other", Run: d.untilStopped("other", 0)},
		)
		synctest.Wait()
		if diff := cmp.Diff(map[string]State{"source": Failed, "dependant": Failed, "other": Running}, states(s)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		cancel()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(logged.String(), "failed for good") || slices.Contains(d.read(), "dependant runs") {
			t.Errorf("log %s, diary %v", &logged, d.read())
		}
	})
}

func never(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestNothingLeftIsNoSuccess(t *testing.T) {
	fatal := func(context.Context) error { return fault.AsFatal(errBroken) }
	s, err := New(Options{}, Component{Name: "a", Run: fatal}, Component{Name: "b", Run: fatal})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("got %v", err)
	}
}

func TestFinishedCountsAsReady(t *testing.T) {
	var d diary
	done := func(name string) func(context.Context) error {
		return func(context.Context) error { d.note(name); return nil }
	}
	s, err := New(Options{},
		Component{Name: "work", Run: done("work"), After: []string{"migration"}},
		Component{Name: "migration", Run: done("migration"), Ready: never},
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"migration", "work"}, d.read()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPanicsAreErrorsAndHaveALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		s, wait := run(t.Context(), t, Options{Log: slog.New(slog.NewTextHandler(&logged, nil))},
			Component{Name: "a", Essential: true, Run: func(context.Context) error { panic(errBroken) }})
		err := wait()
		var p *PanicError
		if !errors.As(err, &p) || !errors.Is(err, errBroken) || !bytes.Contains(p.Stack, []byte("supervise_test.go")) {
			t.Errorf("got %v", err)
		}
		if got := s.Statuses()[0]; got.Restarts != maxPanics-1 || got.State != Failed {
			t.Errorf("%+v", got)
		}
		if !strings.Contains(logged.String(), "supervise_test.go") {
			t.Error("the stack was not logged")
		}
	})
}

func TestTooManyFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, wait := run(t.Context(), t, Options{}, Component{Name: "a", Essential: true, MaxFailures: 3,
			Run: func(context.Context) error { return errBroken }})
		if err := wait(); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "3 failures") {
			t.Errorf("got %v", err)
		}
	})
}

// An operation of its own that was cancelled is no word from us: the component is restarted.
func TestOwnCancellationIsNoStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		_, wait := run(t.Context(), t, Options{}, Component{Name: "a", Run: func(context.Context) error {
			if runs++; runs == 1 {
				return context.Canceled
			}
			return nil
		}})
		if err := wait(); err != nil || runs != 2 {
			t.Errorf("%d runs, %v", runs, err)
		}
	})
}

func TestDeadlineCutsTheOrderShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		_, wait := run(ctx, t, Options{StopWithin: 10 * time.Second},
			Component{Name: "bus", Run: d.untilStopped("bus", 0)},
			Component{Name: "slow", Run: d.untilStopped("slow", 12*time.Second), After: []string{"bus"}},
		)
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := wait(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 12*time.Second {
			t.Errorf("took %v", took)
		}
		if diff := cmp.Diff([]string{"bus runs", "slow runs", "bus ends", "slow ends"}, d.read()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestWhoDoesNotStopIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		free := make(chan struct{})
		_, wait := run(ctx, t, Options{},
			Component{Name: "deaf", Run: func(context.Context) error { <-free; return nil }},
			Component{Name: "good", Run: never},
		)
		synctest.Wait()
		cancel()
		if err := wait(); err == nil || !strings.HasSuffix(err.Error(), "do not stop: deaf") {
			t.Errorf("got %v", err)
		}
		close(free)
	})
}

func TestStoppedDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, wait := run(ctx, t, Options{}, Component{Name: "a", Run: func(context.Context) error {
			return fault.AsTransient(errBroken, time.Hour)
		}})
		synctest.Wait()
		if got := states(s)["a"]; got != Restarting {
			t.Errorf("state %s", got)
		}
		cancel()
		if err := wait(); err != nil || states(s)["a"] != Stopped {
			t.Errorf("state %s, %v", states(s)["a"], err)
		}
	})
}

// A signal handler's context has a cause of its own, which is not a failure of ours.
func TestCausesOfTheCallerAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, wait := run(ctx, t, Options{}, Component{Name: "a", Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errBroken // while stopping
		}})
		synctest.Wait()
		cancel(errors.New("interrupted by a person"))
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestComponentsMustFit(t *testing.T) {
	for name, list := range map[string][]Component{
		"no name":      {{Run: never}},
		"no Run":       {{Name: "a"}},
		"two alike":    {{Name: "a", Run: never}, {Name: "a", Run: never}},
		"not there":    {{Name: "a", Run: never, After: []string{"b"}}},
		"circle of 1":  {{Name: "a", Run: never, After: []string{"a"}}},
		"circle of 2":  {{Name: "a", Run: never, After: []string{"b"}}, {Name: "b", Run: never, After: []string{"a"}}},
		"circle apart": {{Name: "c", Run: never}, {Name: "a", Run: never, After: []string{"a", "c"}}},
	} {
		if _, err := New(Options{}, list...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := obs.NewHealth()
		var told []string
		onHealth := ToHealth(h)
		s, wait := run(ctx, t, Options{OnChange: func(s Status) {
			told = append(told, s.Name+" "+string(s.State))
			onHealth(s)
		}}, Component{Name: "a", Run: func() func(context.Context) error {
			runs := 0
			return func(ctx context.Context) error {
				if runs++; runs == 1 {
					return errBroken
				}
				return never(ctx)
			}
		}(), Ready: func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		synctest.Wait()
		if st := h.Statuses(); len(st) != 1 || st[0].State != obs.Waiting || !strings.Contains(st[0].Reason, "broken") {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Minute)
		if !h.Ready() {
			t.Errorf("%+v", h.Statuses())
		}
		r := prometheus.NewPedanticRegistry()
		r.MustRegister(s.Collector())
		if families, err := r.Gather(); err != nil || len(families) != 2 {
			t.Errorf("%v, %v", families, err)
		}
		cancel()
		if err := wait(); err != nil {
			t.Error(err)
		}
		want := []string{"a starting", "a restarting", "a starting", "a running", "a stopping", "a stopped"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
