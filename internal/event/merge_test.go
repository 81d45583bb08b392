package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/event/eventtest"
)

// state leaves out what belongs to a copy and not to the event.
func state() cmp.Option { return cmpopts.IgnoreFields(event.Event{}, "Account", "Seen", "Raw") }

func TestMergeHeedsNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := eventtest.Events().Draw(t, "a")
		b, c := eventtest.Copies(a).Draw(t, "b"), eventtest.Copies(a).Draw(t, "c")
		for name, pair := range map[string][2]*event.Event{
			"order":      {event.Merge(a, b), event.Merge(b, a)},
			"grouping":   {event.Merge(event.Merge(a, b), c), event.Merge(a, event.Merge(b, c))},
			"repetition": {event.Merge(event.Merge(a, b), b), event.Merge(a, b)},
			"itself":     {event.Merge(a, a), a},
		} {
			if diff := cmp.Diff(pair[0], pair[1], state()); diff != "" {
				t.Errorf("%s changes the merged state: %s", name, diff)
			}
		}
	})
}

func TestMergeKeepsItsArguments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := eventtest.Events().Draw(t, "a")
		b := eventtest.Copies(a).Draw(t, "b")
		before := *a
		event.Merge(a, b)
		if diff := cmp.Diff(&before, a); diff != "" {
			t.Errorf("merging changed an argument: %s", diff)
		}
	})
}

func TestMergeInstantPicksTheBetterKnown(t *testing.T) {
	at := time.Date(2024, 5, 1, 12, 0, 0, 250e6, time.UTC)
	exact := event.Known(at, event.PrecisionMilli)
	cut := event.Known(at.Truncate(time.Second), event.PrecisionSecond)
	assumed := event.Instant{At: at.Add(-3 * time.Hour), Precision: event.PrecisionMilli, Zone: "Europe/Moscow", Assumed: true}
	for _, c := range []struct {
		name       string
		a, b, want event.Instant
	}{
		{"the more precise", cut, exact, exact},
		{"the one that is not assumed", assumed, exact, exact},
		{"the one there is", event.Instant{}, cut, cut},
		{"none", event.Instant{}, event.Instant{}, event.Instant{}},
	} {
		if got := event.MergeInstant(c.a, c.b); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got := event.MergeInstant(c.b, c.a); got != c.want {
			t.Errorf("%s, the other way round: %+v", c.name, got)
		}
	}
}

func TestBounded(t *testing.T) {
	far := event.Known(time.Date(12024, 1, 1, 0, 0, 0, 0, time.UTC), event.PrecisionDay)
	if got := far.Bounded(); !got.IsZero() {
		t.Errorf("year 12024 is %v", got)
	}
	fine := event.Known(time.Date(2024, 1, 1, 0, 0, 0, 1999, time.UTC), event.PrecisionMicro)
	if got := fine.Bounded().At.Nanosecond(); got != 1000 {
		t.Errorf("%d ns, want 1000", got)
	}
	if !fine.Later(event.Instant{}) || (event.Instant{}).Later(fine) {
		t.Error("no time is not before every time")
	}
}

func TestPrecisionNames(t *testing.T) {
	for p := event.PrecisionNone; p <= event.PrecisionMicro; p++ {
		b, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back event.Precision
		if err := back.UnmarshalText(b); err != nil || back != p {
			t.Errorf("%s comes back as %s (%v)", p, back, err)
		}
	}
	var p event.Precision
	if err := p.UnmarshalText([]byte("eon")); err == nil {
		t.Error("an unknown precision is read")
	}
}
