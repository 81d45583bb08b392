package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/deliver"
)

// TestThrottle_Ask_bundles holds that importers are bounded by what bundles carry, not by how many there are: a few hundred messages
// are a hundred thousand events.
func TestThrottle_Ask_bundles(t *testing.T) {
	b := newBus(t, bundled)
	th := b.Throttle(ThrottleConfig{Watches: []Watch{{Chat, Normalise, 100_000, 50_000}},
		Lead: LeadLimit{Consumer: Normalise, Bytes: 1 << 20, Delay: time.Hour, Floor: 1 << 20}})
	ask := func() string {
		t.Helper()
		th.checked = time.Time{}
		d, why, err := th.Ask(t.Context())
		if err != nil || (d > 0) != (why != "") {
			t.Fatal(d, why, err)
		}
		return why
	}
	published := 0
	for ask() == "" {
		_, err := b.Publisher().PublishBatch(t.Context(), sealed(500))
		must(t, err)
		if published += 500; published > 10_000 {
			t.Fatal("nobody waits")
		}
	}
	s := must2(b.Stream(t.Context(), Chat))(t)
	if s.Bytes < 1<<20 || s.Bytes > 3<<20/2 || s.Last > 100 {
		t.Errorf("importers wait at %d events, %d bytes in %d messages", published, s.Bytes, s.Last)
	}
	c := must2(b.Consumer(t.Context(), Chat, Normalise))(t)
	defer c.Close()
	for n := range s.Last {
		before := ask()
		msgs := must2(c.Fetch(t.Context(), deliver.Limits{Messages: 1, Wait: time.Second}))(t)
		if len(msgs) != 1 {
			t.Fatalf("%d messages came", len(msgs))
		}
		if n == 0 {
			continue // one that is redelivered repeatedly does not hold up importers
		}
		must(t, c.Ack(msgs))
		for l := must2(c.Lag(t.Context()))(t); l.AckPending > 1; l = must2(c.Lag(t.Context()))(t) {
		}
		after := ask()
		if left := s.Bytes * (s.Last - n) / s.Last; before == "" && after != "" || left > 6<<17 && after == "" || left < 3<<17 && after != "" {
			t.Errorf("with %d bytes left importers wait: %q", left, after)
		}
	}
}

func TestLead_look(t *testing.T) {
	t.Parallel()
	limit := LeadLimit{Consumer: "n", Delay: time.Second, Floor: 100, Bytes: 1000}
	began := time.Now()
	type step struct {
		at                     time.Duration
		last, bytes, delivered uint64
		says                   string
	}
	for name, steps := range map[string][]step{
		"by bytes while nothing is known": {{0, 10, 100, 10, ""}, {1, 20, 1099, 10, ""}, {2, 21, 1100, 10, "1 kB"}, {3, 21, 1100, 15, "0 kB"}, {4, 21, 1100, 18, ""}},
		// 40 bytes each 100 ms: 400 a second
		"by what is settled in a second": {{0, 100, 1000, 0, "1 kB"}, {100e6, 100, 1000, 4, "0 kB"}, {200e6, 100, 1000, 8, "0 kB"}, {300e6, 100, 1000, 12, "settles 0 kB/s"}, {400e6, 100, 1000, 85, ""}},
		"what is slow has the floor":     {{0, 10, 100, 0, ""}, {1e9, 19, 190, 1, "0 kB behind"}, {2e9, 19, 190, 2, "0 kB behind"}, {3e9, 19, 190, 15, ""}, {4e9, 19, 190, 16, ""}},
		"what is fast has the most":      {{0, 100, 900, 1, ""}, {1e8, 200, 1800, 100, ""}, {2e8, 300, 2700, 200, ""}, {3e8, 400, 3600, 300, ""}, {4e8, 500, 5601, 400, "2 kB"}},
		"an idle second counts nothing":  {{0, 10, 100, 10, ""}, {1e9, 20, 300, 10, ""}, {1e9 + 1, 30, 900, 10, ""}, {100e9, 30, 900, 30, ""}, {200e9, 40, 1899, 30, ""}},
		"what was there before":          {{0, 100, 5000, 10, "4 kB"}, {1, 100, 5000, 95, ""}},
		"another stream":                 {{0, 100, 5000, 100, ""}, {1, 5, 50, 0, ""}, {2, 5, 50, 5, ""}},
		"what is deleted is not":         {{0, 10, 1000, 10, ""}, {1, 20, 500, 10, ""}},
		"delivered since":                {{0, 10, 1000, 15, ""}, {1, 30, 3000, 29, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var l lead
			for i, s := range steps {
				why := l.look(began.Add(s.at), limit, StreamStatus{Last: s.last, Messages: s.last, Bytes: s.bytes}, s.delivered)
				if (why == "") != (s.says == "") || !strings.Contains(why, s.says) {
					t.Errorf("step %d says %q, want %q", i, why, s.says)
				}
			}
		})
	}
}

// TestRate_perSecond holds that a rate follows the consumer within seconds, and that time without work does not count.
func TestRate_perSecond(t *testing.T) {
	t.Parallel()
	var r rate
	now, settled := time.Now(), uint64(0)
	run := func(d time.Duration, perSecond uint64, more bool) {
		for end := now.Add(d); now.Before(end); {
			now = now.Add(50 * time.Millisecond)
			settled += perSecond / 20
			r.observe(now, settled, more)
		}
	}
	for _, s := range []struct {
		name      string
		span      time.Duration
		perSecond uint64
		more      bool
		want      float64
	}{
		{"before anything is known", 100 * time.Millisecond, 5000, true, -1},
		{"at first", time.Second, 5000, true, 5000},
		{"without work", time.Hour, 0, false, 5000},
		{"slower", 8 * time.Second, 1000, true, 1000},
		{"standing still", 8 * time.Second, 0, true, 0},
	} {
		run(s.span, s.perSecond, s.more)
		got, known := r.perSecond()
		if known != (s.want >= 0) || known && (got < s.want*0.95-10 || got > s.want*1.05+10) {
			t.Errorf("%s: %.0f bytes a second, known: %v, want %.0f", s.name, got, known, s.want)
		}
	}
}

// TestLead_observe_bounded holds that a consumer that settles nothing for a day costs no memory.
func TestLead_observe_bounded(t *testing.T) {
	t.Parallel()
	var l lead
	for n := range 100_000 {
		l.observe(StreamStatus{Last: uint64(n) + 1, Bytes: uint64(n) * 100}, 0)
	}
	bytes := l.behind(StreamStatus{Last: 100_000, Messages: 100_000, Bytes: 10_000_000}, 50_000)
	if len(l.seen) > maxObservations+1 || bytes < 4_900_000 || bytes > 5_100_000 {
		t.Errorf("%d observations, %d bytes behind", len(l.seen), bytes)
	}
}
