package bus

import (
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/deliver"
)

// TestThrottle_AskBundles holds that importers are bounded by what bundles carry, not by how many there are: a few hundred messages
// are a hundred thousand events.
func TestThrottle_AskBundles(t *testing.T) {
	b := newBus(t, bundled)
	th := b.Throttle(ThrottleConfig{Watches: []Watch{{Chat, Normalise, 100_000, 50_000}},
		Lead: LeadLimit{Consumer: Normalise, Bytes: 1 << 20, Delay: time.Hour, Floor: 1 << 20}})
	ask := func() string {
		t.Helper()
		th.asked = time.Time{}
		d, why, err := th.Ask(t.Context())
		if err != nil || (d > 0) != (why != "") {
			t.Fatal(d, why, err)
		}
		return why
	}
	published := 0
	for ask() == "" {
		_, err := b.PublishBatch(t.Context(), said(500))
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
			continue // one that is delivered again and again holds up nobody
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

func TestLead_Look(t *testing.T) {
	t.Parallel()
	limit := LeadLimit{Consumer: "n", Bytes: 1000, Age: time.Second, Floor: 100}
	began := time.Now()
	type step struct {
		at                     time.Duration
		last, bytes, delivered uint64
		says                   string
	}
	for name, steps := range map[string][]step{
		"by bytes":               {{0, 10, 100, 10, ""}, {1, 20, 1099, 10, ""}, {2, 21, 1100, 10, "1 kB"}, {3, 21, 1100, 15, "0 kB"}, {4, 21, 1100, 18, ""}},
		"by age":                 {{0, 10, 100, 10, ""}, {time.Second, 20, 300, 10, ""}, {2 * time.Second, 20, 300, 10, "1s"}, {2 * time.Second, 20, 300, 20, ""}},
		"few are never too old":  {{0, 10, 100, 10, ""}, {time.Second, 20, 199, 10, ""}, {time.Hour, 20, 199, 10, ""}},
		"until half of the age":  {{0, 10, 100, 10, ""}, {1, 20, 300, 10, ""}, {700e6, 30, 500, 10, ""}, {1e9 + 1, 30, 500, 10, "1s"}, {1e9 + 2, 30, 500, 20, ""}},
		"of which half is left":  {{0, 10, 100, 10, ""}, {1, 20, 300, 10, ""}, {2, 30, 500, 10, ""}, {1e9 + 1, 30, 500, 10, "1s"}, {1e9 + 2, 30, 500, 15, "1s"}},
		"what was there before":  {{0, 100, 5000, 10, "4 kB"}, {1, 100, 5000, 95, ""}},
		"another stream":         {{0, 100, 5000, 100, ""}, {1, 5, 50, 0, ""}, {2, 5, 50, 5, ""}},
		"what is deleted is not": {{0, 10, 1000, 10, ""}, {1, 20, 500, 10, ""}},
		"delivered since":        {{0, 10, 1000, 15, ""}, {1, 30, 3000, 29, ""}},
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

// TestLead_ObserveBounded holds that a consumer that stands still for a day costs no memory.
func TestLead_ObserveBounded(t *testing.T) {
	t.Parallel()
	var l lead
	began := time.Now()
	for n := range 100_000 {
		l.observe(began.Add(time.Duration(n)*time.Second), StreamStatus{Last: uint64(n) + 1, Bytes: uint64(n) * 100}, 0)
	}
	bytes, _ := l.behind(began, StreamStatus{Last: 100_000, Messages: 100_000, Bytes: 10_000_000}, 50_000)
	if len(l.seen) > observationsMost+1 || bytes < 4_900_000 || bytes > 5_100_000 {
		t.Errorf("%d observations, %d bytes behind", len(l.seen), bytes)
	}
}
