package producers_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type line struct{ Day, Minute, Author, Text string }

func lines(t *rapid.T) []line {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) line {
		return line{Day: "2024-10-27", Minute: fmt.Sprintf("02:%02d", rapid.IntRange(0, 2).Draw(t, "minute")),
			Author: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "author"), Text: rapid.SampledFrom([]string{"ok", "да"}).Draw(t, "text")}
	}), 0, 30).Draw(t, "lines")
}

func keys(tally *producers.Tally, ls []line) []event.NativeID {
	var out []event.NativeID
	for _, l := range ls {
		id, _ := tally.Next(l.Day, l.Minute, event.AuthorID(l.Author), l.Text)
		out = append(out, id)
	}
	return out
}

func TestTally_Next(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ls := lines(t)
		seen := map[event.NativeID]struct{}{}
		for _, id := range keys(new(producers.Tally), ls) {
			seen[id] = struct{}{}
		}
		if len(seen) != len(ls) {
			t.Fatalf("%d lines have %d keys", len(ls), len(seen))
		}
	})
}

// TestTally_JSON stops anywhere and goes on from the marshalled tally.
func TestTally_JSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ls := lines(t)
		cut := rapid.IntRange(0, len(ls)).Draw(t, "cut")
		whole := keys(new(producers.Tally), ls)
		var first, second producers.Tally
		got := keys(&first, ls[:cut])
		saved, err := json.Marshal(&first)
		if err == nil {
			err = json.Unmarshal(saved, &second)
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, keys(&second, ls[cut:])...)
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestTally_Overlap(t *testing.T) {
	t.Parallel()
	l := line{"2024-10-27", "02:59", "a", "ok"}
	two, three := keys(new(producers.Tally), []line{l, l}), keys(new(producers.Tally), []line{l, l, l})
	if diff := cmp.Diff(two, three[:2]); diff != "" {
		t.Errorf("of two exports the common lines have different keys: %s", diff)
	}
}

func TestTally_RepeatedHour(t *testing.T) {
	t.Parallel()
	var tally producers.Tally
	a, again := tally.Next("2024-10-27", "02:30", "a", "ok")
	if again {
		t.Error("the first line is ambiguous")
	}
	tally.Next("2024-10-27", "03:00", "a", "ok")
	b, again := tally.Next("2024-10-27", "02:30", "a", "ok")
	if a == b || !again {
		t.Errorf("the second pass of the hour has key %s (ambiguous %t), the first %s", b, again, a)
	}
}

func TestNormaliseText_Variants(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"\u200ea\u202fb": "a b", " a\n\tb ": "a b", "a\u00a0b": "a b", "": ""} {
		if got := producers.NormaliseText(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestIsContentKey(t *testing.T) {
	var tally producers.Tally
	id, _ := tally.Next("2024-05-01", "10:00", "ann", "hi")
	for of, want := range map[event.NativeID]bool{id: true, id[1:]: false, id + "0": false, "k" + id[1:32] + "g": false, "": false} {
		if got := producers.IsContentKey(of); got != want {
			t.Errorf("%q: %v", of, got)
		}
	}
}
