package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

func config(c *chat, s *stream) Config {
	return Config{Name: "fake", Source: c, Live: c.live, Publisher: s, Cursors: s, Batch: 10, SaveEvery: -1}
}

func TestArchiveIsReadToItsEnd(t *testing.T) {
	s, c := newStream(), &chat{total: 105, size: 25}
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	cfg := config(c, s)
	cfg.Now = func() time.Time { return at }
	var points []string
	var states []State
	var mu sync.Mutex
	cfg.Hook = func(p string) {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	cfg.Observe = func(p Progress) { states = append(states, p.State) }
	reg := prometheus.NewRegistry()
	cfg.Metrics = NewMetrics(reg)
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := Counts{Read: 105, Events: 105, Published: 105, Unparsed: 10, Bytes: 1050}
	if d := cmp.Diff(want, r.Counts); d != "" {
		t.Fatal(d)
	}
	if s.holds(t, 105) != 0 || r.Sequences.String() != "{[1,106)}" || s.seen[0] != at || c.closes != 1 {
		t.Fatal(r.Sequences.String(), s.seen[0], c.closes)
	}
	if s.saved != 0 || s.saves == 0 {
		t.Fatal("the cursor of an archive that is done stays")
	}
	if got := r.Chats[Chat{"fake", "net", "room0"}]; got != (ChatCounts{Read: 35, Published: 35, Unparsed: 3}) {
		t.Fatal(got)
	}
	if len(r.Places) != 10 || r.Places[1] != (Place{File: "f", Line: 17, Reason: "broken"}) {
		t.Fatal(r.Places)
	}
	if len(points) != 3 || states[len(states)-1] != Done || !slices.Contains(states, Reading) {
		t.Fatal(points, states)
	}
	if n, err := testutil.GatherAndCount(reg); err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

// A cursor is never ahead of the acknowledgements, whatever the stream and the source do and wherever the process dies; and in
// the end everything is there.
func TestCursorIsNeverAheadOfAcks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(1, 200).Draw(rt, "total")
		c := &chat{total: total, size: rapid.IntRange(1, 30).Draw(rt, "size")}
		s := newStream()
		s.room = rapid.IntRange(0, 7).Draw(rt, "room")
		fates := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 40).Draw(rt, "fates")
		s.refuse = func(n int) refusal {
			fate := 0
			if n <= len(fates) {
				fate = fates[n-1]
			}
			return []refusal{{}, {}, {begin: errOdd}, {wait: errOdd}, {wait: errOdd, stored: true}, {delay: time.Second}}[fate]
		}
		breaks := rapid.SliceOfN(rapid.IntRange(0, total), 0, 3).Draw(rt, "breaks")
		c.fail = func(at int) error {
			if i := slices.Index(breaks, at); i >= 0 {
				breaks = slices.Delete(breaks, i, i+1)
				return errOdd
			}
			return nil
		}
		deaths := rapid.IntRange(0, 3).Draw(rt, "deaths")
		inFlight := rapid.IntRange(1, 5).Draw(rt, "in flight")
		synctest.Test(t, func(t *testing.T) {
			for range deaths {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(len(fates))*200*time.Millisecond)
				cfg := config(c, s)
				cfg.InFlight, cfg.StopTimeout = inFlight, time.Millisecond // dies with what is in flight
				_, _ = Run(ctx, cfg)
				cancel()
				if s.ahead {
					rt.Fatalf("cursor %d was saved of which something is not acknowledged", s.saved)
				}
			}
			cfg := config(c, s)
			cfg.InFlight = inFlight
			if _, err := Run(t.Context(), cfg); err != nil {
				rt.Fatal(err)
			}
		})
		if s.ahead || s.flying != 0 {
			rt.Fatal(s.ahead, s.flying)
		}
		s.holds(rt, total)
	})
}

func TestSeveralBatchesAreInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		s.refuse = func(int) refusal { return refusal{delay: time.Second} }
		began := time.Now()
		if _, err := Run(t.Context(), config(&chat{total: 400, size: 10}, s)); err != nil {
			t.Fatal(err)
		}
		if s.most < 4 || s.most > 6 {
			t.Fatalf("%d were in flight", s.most)
		}
		if d := time.Since(began); d > 45*time.Second {
			t.Fatal(d)
		}
	})
}

func TestLiveSourceConnectsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStream(), &chat{total: 30, size: 10, live: true}
		var at []time.Duration
		began := time.Now()
		c.fail = func(n int) error {
			if n == 10 && c.connects < 4 {
				at = append(at, time.Since(began))
				return fmt.Errorf("reading: %w", io.EOF) // a live source has no end
			}
			if n == 20 && c.connects == 4 {
				return fault.AsTransient(errOdd, 10*time.Minute)
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r, err := Run(ctx, config(c, s))
		if err != nil || r.Published != 30 || s.holds(t, 30) != 0 {
			t.Fatal(r.Published, err)
		}
		if c.connects != 5 || c.closes != 5 || at[2]-at[1] <= at[0] || s.saved != 30 {
			t.Fatal(c.connects, c.closes, at, s.saved)
		}
	})
}

func TestBackOffForgetsAfterAHealthyWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chat{total: 0, size: 1, live: true}
		var waits []time.Duration
		var broke time.Time
		c.fail = func(int) error {
			if !broke.IsZero() {
				waits = append(waits, time.Since(broke))
			}
			if c.connects == 8 {
				time.Sleep(2 * time.Minute) // healthy, in the bubble's time
			}
			broke = time.Now()
			return errOdd
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		if _, err := Run(ctx, config(c, newStream())); err != nil {
			t.Fatal(err)
		}
		if waits[6] < 2*time.Second || waits[7] > time.Second || slices.Max(waits) > 100*time.Second {
			t.Fatal(waits)
		}
	})
}

func TestFatalStopsTheSource(t *testing.T) {
	c := &chat{total: 30, size: 10, live: true}
	c.fail = func(at int) error {
		if at == 20 {
			return fault.AsFatal(errors.New("the token was revoked: make a new one"))
		}
		return nil
	}
	s := newStream()
	r, err := Run(t.Context(), config(c, s))
	if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "make a new one") {
		t.Fatal(err)
	}
	if r.Published != 20 || s.saved != 20 || c.closes != 1 {
		t.Fatal(r.Published, s.saved, "what was read before was not carried to its end")
	}
}

func TestFatalOfTheStreamStopsTheSource(t *testing.T) {
	s, c := newStream(), &chat{total: 300, size: 10}
	s.refuse = func(n int) refusal {
		if n > 5 {
			return refusal{wait: fault.AsFatal(errOdd)}
		}
		return refusal{}
	}
	if _, err := Run(t.Context(), config(c, s)); fault.Of(err) != fault.Fatal || s.saved != 50 || s.flying != 0 || c.closes != 1 {
		t.Fatal(err, s.saved, s.flying, c.closes)
	}
}

func TestArchiveThatCannotBeReadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chat{total: 30, size: 10}
		c.fail = func(at int) error {
			if at == 20 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		s := newStream()
		if _, err := Run(t.Context(), config(c, s)); !errors.Is(err, io.ErrUnexpectedEOF) || s.saved != 20 || c.connects != 5 {
			t.Fatal(err, s.saved, c.connects)
		}
	})
}

func TestStoppingFinishesWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStream(), &chat{total: 1000, size: 10}
		s.refuse = func(int) refusal { return refusal{delay: time.Second} }
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		r, err := Run(ctx, config(c, s))
		if !errors.Is(err, context.DeadlineExceeded) || r.Published == 0 || r.Published != s.saved || len(s.stored) != s.saved {
			t.Fatal(err, r.Published, s.saved, len(s.stored))
		}
	})
}

func TestStoppingEndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		s.refuse = func(int) refusal { return refusal{wait: errOdd, delay: time.Second} }
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := Run(ctx, config(&chat{total: 100, size: 10}, s))
		if d := time.Since(began); err == nil || d < 14*time.Second || d > 16*time.Second || s.saved != 0 {
			t.Fatal(err, d, s.saved)
		}
	})
}

type record struct {
	held map[event.ID]bool
	err  error
}

func (r record) AlreadyStored(_ context.Context, events []event.Event) ([]bool, error) {
	out := make([]bool, len(events))
	for i := range events {
		out[i] = r.held[events[i].ID]
	}
	return out, r.err
}

func TestKnownEventsAreNotPublished(t *testing.T) {
	held := map[event.ID]bool{}
	for i := range 60 {
		held[message(i).ID] = true
	}
	for _, known := range []record{{held: held}, {held: held, err: errOdd}} {
		s := newStream()
		cfg := config(&chat{total: 75, size: 25}, s)
		cfg.Known = known
		r, err := Run(t.Context(), cfg)
		want := 15
		if known.err != nil {
			want = 75
		}
		if err != nil || r.Published != want || r.Known != 75-want || r.Read != 75 || len(s.stored) != want || s.saves == 0 {
			t.Fatalf("%+v %v %d", r.Counts, err, s.saves)
		}
		if got := r.Chats[Chat{"fake", "net", "room1"}]; got.Read != 25 || got.Known+got.Published != 25 {
			t.Fatal(got)
		}
	}
}

type brake struct {
	asked int
	until time.Time
}

func (b *brake) Ask(context.Context) (time.Duration, string, error) {
	if b.asked++; time.Now().Before(b.until) {
		return 100 * time.Millisecond, "too far behind", nil
	}
	return 0, "", nil
}

func TestImportersWaitAndLiveSourcesDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, live := range []bool{false, true} {
			b := &brake{until: time.Now().Add(time.Minute)}
			c := &chat{total: 30, size: 10, live: live}
			cfg := config(c, newStream())
			cfg.Throttle = b
			waited := false
			cfg.Observe = func(p Progress) { waited = waited || p.State == Waiting && p.Why == "too far behind" }
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			began := time.Now()
			var done time.Duration
			cfg.Hook = func(p string) {
				if p == "read" && done == 0 {
					done = time.Since(began)
				}
			}
			_, err := Run(ctx, cfg)
			cancel()
			if err != nil || waited == live || (done < time.Minute) != live || (b.asked == 0) != live {
				t.Fatal(live, err, waited, done, b.asked)
			}
		}
		b := &brake{until: time.Now().Add(time.Hour)}
		cfg := config(&chat{total: 30, size: 10}, newStream())
		cfg.Throttle = b
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Run(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

func TestACursorThatCannotBeSavedStopsNothing(t *testing.T) {
	s := newStream()
	s.save = func() error { return fault.AsPoison(errors.New("too large")) }
	if r, err := Run(t.Context(), config(&chat{total: 30, size: 10}, s)); err != nil || r.Published != 30 {
		t.Fatal(r, err)
	}
}

func TestCursorsOfArchivesAreSavedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream()
		s.refuse = func(int) refusal { return refusal{delay: 100 * time.Millisecond} }
		cfg := config(&chat{total: 1000, size: 10}, s)
		cfg.SaveEvery = 0
		if _, err := Run(t.Context(), cfg); err != nil || s.saves < 5 || s.saves > 25 {
			t.Fatal(err, s.saves)
		}
	})
}

func TestResultsAdd(t *testing.T) {
	var sum Result
	for range 2 {
		r, err := Run(t.Context(), config(&chat{total: 30, size: 10}, newStream()))
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(r)
	}
	if sum.Read != 60 || sum.Published != 60 || len(sum.Places) != 6 || sum.Chats[Chat{"fake", "net", "room0"}].Read != 20 {
		t.Fatalf("%+v", sum)
	}
}
