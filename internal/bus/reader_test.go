package bus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/ingest"
)

var _ ingest.Publisher = (*Publisher)(nil)
var _ ingest.Throttle = (*Throttle)(nil)
var _ deliver.Stream = (*Consumer)(nil)

var deliverLimits = deliver.Limits{Messages: 1000, Bytes: 4 << 20, Wait: 200 * time.Millisecond}

// settled waits until a stream is empty.
func (b *Bus) settled(t testing.TB, stream string) {
	t.Helper()
	for range 500 {
		s, err := b.Stream(t.Context(), stream)
		must(t, err)
		if s.Messages == 0 {
			return
		}
		must(t, clock.Sleep(t.Context(), 10*time.Millisecond))
	}
	t.Fatalf("%s is not empty", stream)
}

func (b *Bus) remove(t testing.TB, seqs ...uint64) {
	t.Helper()
	s, err := b.c.js.Stream(t.Context(), Chat)
	must(t, err)
	for _, seq := range seqs {
		must(t, s.DeleteMsg(t.Context(), seq))
	}
}

func TestReader_Range_deleted(t *testing.T) {
	b := newBus(t)
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(20))
	must(t, err)
	b.remove(t, 1, 2, 5, 10, 19, 20)
	for _, c := range []struct {
		name     string
		from, to uint64
		want     []uint64
	}{
		{"all", 1, 20, []uint64{3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18}},
		{"from zero, past the end", 0, 1000, []uint64{3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18}},
		{"a middle", 4, 7, []uint64{4, 6, 7}},
		{"one that is gone", 5, 5, nil},
		{"the end, gone", 19, 20, nil},
		{"nothing", 7, 6, nil},
		{"not yet", 21, 30, nil},
	} {
		for _, headers := range []bool{false, true} {
			var got []uint64
			must(t, b.Reader().Range(t.Context(), c.from, c.to, headers, func(d consumers.Delivery) error {
				got = append(got, d.Sequence)
				if d.EventIDs == "" || headers == (len(d.Data) > 0) || d.Stored.IsZero() {
					t.Errorf("%s: %+v", c.name, d)
				}
				return nil
			}))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s: %s", c.name, d)
			}
		}
	}
}

func TestReader_Range_severalRequests(t *testing.T) {
	b := newBus(t)
	n := 3*rangeMessages + 17
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(n))
	must(t, err)
	_, err = b.Publisher().PublishBatch(t.Context(), sealed(60, strings.Repeat("x", 900<<10)))
	must(t, err)
	next := uint64(1)
	must(t, b.Reader().Range(t.Context(), 1, 1<<40, false, func(d consumers.Delivery) error {
		if d.Sequence != next {
			t.Fatalf("%d after %d", d.Sequence, next-1)
		}
		next++
		return nil
	}))
	if int(next)-1 != n+60 {
		t.Fatal(next)
	}
	stop := errors.New("enough")
	if err := b.Reader().Range(t.Context(), 1, 100, true, func(consumers.Delivery) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
}

func TestReader_Range_restart(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	n := uint64(3 * rangeMessages)
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(int(n)))
	must(t, err)
	next := uint64(1)
	must(t, b.Reader().Range(t.Context(), 1, n, true, func(d consumers.Delivery) error {
		if d.Sequence != next {
			t.Fatalf("%d after %d", d.Sequence, next-1)
		}
		if next++; next == 100 || next == n {
			ts.stop()
			ts.start()
		}
		return nil
	}))
	if next != n+1 {
		t.Fatal(next)
	}
}

func TestReader_Get(t *testing.T) {
	b := newBus(t)
	events := sealed(3)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	b.remove(t, 2)
	d, found, err := b.Reader().Get(t.Context(), 3)
	if err != nil || !found || d.EventIDs != events[2].ID.String() || d.Stored.IsZero() || d.Subject != "chat.test.me.room" {
		t.Fatal(d, found, err)
	}
	for _, seq := range []uint64{2, 4} {
		if _, found, err := b.Reader().Get(t.Context(), seq); err != nil || found {
			t.Fatal(seq, found, err)
		}
	}
	// From the leader, with headers.
	if l, found, err := b.Reader().next(t.Context(), Chat, 2); err != nil || !found || !cmp.Equal(l, d) {
		t.Fatal(cmp.Diff(l, d), found, err)
	}
}

func TestReader_Incarnation(t *testing.T) {
	b := newBus(t)
	first, err := b.Reader().Incarnation(t.Context())
	must(t, err)
	must(t, b.Ensure(t.Context()))
	if same, err := b.Reader().Incarnation(t.Context()); err != nil || !same.Equal(first) {
		t.Fatal(same, first, err)
	}
	must(t, b.c.js.DeleteStream(t.Context(), Chat))
	must(t, b.Ensure(t.Context()))
	if other, err := b.Reader().Incarnation(t.Context()); err != nil || other.Equal(first) {
		t.Fatal(other, first, err)
	}
}

func TestThrottle_Ask(t *testing.T) {
	b := newBus(t, func(c *Config) { c.ChatBytes = 1 << 20 })
	ask := func(th *Throttle) string {
		t.Helper()
		th.checked = time.Time{}
		d, why, err := th.Ask(t.Context())
		if err != nil || (d > 0) != (why != "") {
			t.Fatal(d, why, err)
		}
		return why
	}
	lag := b.Throttle(ThrottleConfig{Watches: []Watch{{Chat, Normalise, 100, 20}}, Reserve: 1})
	if why := ask(lag); why != "" {
		t.Fatal(why)
	}
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(100))
	must(t, err)
	if why := ask(lag); !strings.Contains(why, "100 messages behind") {
		t.Fatal(why)
	}
	c, err := b.Consumer(t.Context(), Chat, Normalise)
	must(t, err)
	defer c.Close()
	left := uint64(100)
	take := func(n int) {
		msgs, err := c.Fetch(t.Context(), deliver.Limits{Messages: n, Wait: time.Second})
		must(t, err)
		must(t, c.Ack(msgs))
		left -= uint64(n)
		for l, err := c.Lag(t.Context()); l.Pending+l.AckPending != left; l, err = c.Lag(t.Context()) {
			must(t, err)
		}
	}
	take(50)
	if why := ask(lag); why == "" {
		t.Fatal("half is not low yet")
	}
	take(40)
	if why := ask(lag); why != "" {
		t.Fatal(why)
	}
	space := b.Throttle(ThrottleConfig{})
	for ask(space) == "" {
		_, err := b.Publisher().PublishBatch(t.Context(), sealed(200))
		must(t, err)
	}
	_, err = b.Publisher().PublishBatch(t.Context(), sealed(1))
	must(t, err)
}
