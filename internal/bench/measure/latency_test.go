package measure

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
)

// store is one that shows more each time it is looked at.
type store struct {
	shows [][]uint64
	asked []uint64
}

func (s *store) look(_ context.Context, above uint64) (out []uint64, err error) {
	s.asked = append(s.asked, above)
	shown := s.shows[min(len(s.asked), len(s.shows))-1]
	for _, seq := range shown {
		if seq > above {
			out = append(out, seq)
		}
	}
	return out, nil
}

// One that overtook another hides nothing, and what was seen before is not seen later.
func TestSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &store{shows: [][]uint64{{}, {11, 13}, {11, 13, 14}, {11, 12, 13, 14}}}
		soon, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		seen, err := Seen(soon, 10, 4, 5*time.Millisecond, s.look)
		if err != nil {
			t.Fatal(err)
		}
		after := map[uint64]time.Duration{}
		for seq, at := range seen {
			after[seq] = at.Sub(began)
		}
		want := map[uint64]time.Duration{11: 5 * time.Millisecond, 13: 5 * time.Millisecond, 14: 10 * time.Millisecond, 12: 15 * time.Millisecond}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Error(diff)
		}
		if !slices.Equal(s.asked, []uint64{10, 10, 11, 11}) {
			t.Errorf("asked for what is above %v", s.asked)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Seen(ctx, 10, 5, time.Second, s.look); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("what never comes was seen: %v", err)
		}
	})
}

// published is a stream that acknowledges after a while.
type published struct{ next uint64 }

func (p *published) Begin(_ context.Context, events []event.Event, _ bool) (int, ingest.Pending, error) {
	first := p.next + 1
	p.next += uint64(len(events))
	return len(events), later{seqset.Span{First: first, Last: p.next}}, nil
}

func (p *published) Fit(*event.Event) string { return "" }

type later struct{ span seqset.Span }

func (l later) Wait(context.Context) (seqset.Span, error) {
	time.Sleep(time.Millisecond) // in a bubble
	return l.span, nil
}

func TestWatch_Latencies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch(&published{})
		all := make(chan error, 1)
		go func() { all <- w.Acked(t.Context(), 3) }()
		began := time.Now()
		for _, n := range []int{2, 1} {
			_, p, err := w.Begin(t.Context(), make([]event.Event, n), true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-all; err != nil {
			t.Fatal(err)
		}
		ms := func(n int) time.Time { return began.Add(time.Duration(n) * time.Millisecond) }
		got, err := w.Latencies(map[uint64]time.Time{1: ms(4), 2: ms(8), 3: ms(1)}) // the third before its answer came
		if diff := cmp.Diff([]float64{0, 3, 7}, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
		if _, err := w.Latencies(map[uint64]time.Time{1: ms(4), 2: ms(8)}); err == nil {
			t.Error("one that was not seen has a latency")
		}
	})
}

// A source without an end is followed until it ends: each message from when it is acknowledged, the missing ones with an end.
func TestWatch_Follow(t *testing.T) {
	t.Parallel()
	follow := func(t *testing.T, shown func(at time.Duration, seq uint64) bool) (got []float64, missing, asked []uint64) {
		synctest.Test(t, func(t *testing.T) {
			w, began, done := NewWatch(&published{}), time.Now(), make(chan struct{})
			go func() {
				defer close(done)
				for range 3 { // acknowledged after 1, 11 and 21 ms
					_, p, err := w.Begin(t.Context(), make([]event.Event, 1), true)
					if err == nil {
						_, err = p.Wait(t.Context())
					}
					if err != nil {
						t.Error(err)
					}
					time.Sleep(9 * time.Millisecond)
				}
			}()
			look := func(_ context.Context, wanted []uint64) (out []uint64, err error) {
				asked = append(asked, uint64(len(wanted)))
				for _, seq := range append([]uint64{99}, wanted...) { // one that nobody asked for
					if shown(time.Since(began), seq) {
						out = append(out, seq)
					}
				}
				return out, nil
			}
			seen, missing2, err := w.Follow(t.Context(), done, 4*time.Millisecond, look)
			if err != nil {
				t.Fatal(err)
			}
			missing = missing2
			if len(missing) == 0 {
				if got, err = w.Latencies(seen); err != nil {
					t.Error(err)
				}
			}
		})
		return got, missing, asked
	}
	t.Run("sees each once", func(t *testing.T) {
		got, missing, asked := follow(t, func(at time.Duration, _ uint64) bool { return at > 10*time.Millisecond })
		if diff := cmp.Diff([]float64{1, 3, 11}, got); diff != "" || len(missing) > 0 {
			t.Errorf("%s, missing %v", diff, missing)
		}
		if !slices.Equal(asked, []uint64{1, 1, 2, 1}) {
			t.Errorf("asked for %v messages", asked)
		}
	})
	t.Run("names those that never come", func(t *testing.T) {
		if _, missing, _ := follow(t, func(_ time.Duration, seq uint64) bool { return seq != 2 }); !slices.Equal(missing, []uint64{2}) {
			t.Errorf("missing are %v", missing)
		}
	})
}
