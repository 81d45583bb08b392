package whatsapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func read(t *testing.T, text string, o producers.Options) (out []event.Event, codes map[string]producers.Notice, n producers.Counts) {
	t.Helper()
	codes = map[string]producers.Notice{}
	for _, b := range batches(t, androidPath, text, o) {
		for _, e := range b.Events {
			if e.Kind == event.KindMessage {
				out = append(out, e)
			}
		}
		for _, n := range b.Notices {
			n.Count += codes[n.Code].Count
			codes[n.Code] = n
		}
		n.Add(b.Counts)
	}
	return out, codes, n
}

// TestArchive_DateOrder: a short export leaves the order of day and month open, a longer one of the same chat does not.
func TestArchive_DateOrder(t *testing.T) {
	t.Parallel()
	const short = "3/3/21, 22:00 - Bob: aa\n3/4/21, 22:00 - Bob: bb\n3/5/21, 22:00 - Bob: cc\n"
	guessed, _, _ := read(t, short, owner())
	for i, e := range guessed {
		if want := i > 0; e.Reading.DateGuessed != want || e.Sent.At.Day() != 3 {
			t.Errorf("message %d is of %v, guessed: %v", i, e.Sent.At, e.Reading.DateGuessed)
		}
	}
	sure, _, _ := read(t, short+"3/25/21, 22:00 - Bob: dd\n", owner())
	for _, order := range []producers.DateOrder{producers.DayFirst, producers.MonthFirst} {
		o := owner()
		o.DateOrder = order
		ordered, notices, _ := read(t, short, o)
		for i, e := range ordered {
			if e.ID != guessed[i].ID || e.ID != sure[i].ID || e.Reading.DateGuessed {
				t.Errorf("with %s message %d is %s, guessed: %v; it was %s and %s", order, i, e.ID, e.Reading.DateGuessed, guessed[i].ID, sure[i].ID)
			}
			if order == producers.MonthFirst && e.Sent != sure[i].Sent {
				t.Errorf("with %s message %d is of %v, want %v", order, i, e.Sent, sure[i].Sent)
			}
		}
		if len(notices) > 0 {
			t.Errorf("with %s there are the notices %v", order, notices)
		}
	}
	for i := range guessed {
		for _, m := range []*event.Event{event.Merge(&guessed[i], &sure[i]), event.Merge(&sure[i], &guessed[i])} {
			if m.Sent != sure[i].Sent || m.Reading.DateGuessed {
				t.Errorf("message %d merges to %v, guessed: %v", i, m.Sent, m.Reading.DateGuessed)
			}
		}
	}
	other, _, _ := read(t, strings.NewReplacer("3/3/21", "03.03.2021", "3/4/21", "04.03.2021", "3/5/21", "05.03.2021").Replace(short), owner())
	if fmt.Sprint(ids(other)) != fmt.Sprint(ids(guessed)) {
		t.Error("an export of a phone in another country has other ids")
	}
}

func TestArchive_DateOrderOverruled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		named producers.DateOrder
		want  string
		count int
	}{
		{"13/04/21, 22:00 - Bob: aa\n14/04/21, 22:00 - Bob: bb\n", producers.MonthFirst, "2021-04-13", 2},
		{"13/04/21, 22:00 - Bob: aa\n14/04/21, 22:00 - Bob: bb\n", producers.DayFirst, "2021-04-13", 0},
		{"2021/03/04, 22:00 - Bob: aa\n", producers.DayFirst, "2021-03-04", 1},
		{"2021/03/04, 22:00 - Bob: aa\n", producers.YearFirst, "2021-03-04", 0},
		{"03.04.2021, 22:00 - Bob: aa\n", producers.MonthFirst, "2021-03-04", 0},
		{"11/04/12, 22:00 - Bob: aa\n", producers.YearFirst, "2011-04-12", 0},
	} {
		o := owner()
		o.DateOrder = c.named
		events, notices, _ := read(t, c.text, o)
		if got := events[0].Sent.At.Format("2006-01-02"); got != c.want || notices["date-order-overruled"].Count != c.count || events[0].Reading.DateGuessed {
			t.Errorf("%s with %s is of %s, guessed: %v, notices %v", c.text, c.named, got, events[0].Reading.DateGuessed, notices)
		}
	}
}

// TestArchive_EqualLinesOfTwoDates: 4 March and 3 April have one key, and their equal lines are counted on.
func TestArchive_EqualLinesOfTwoDates(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for year := 20; year <= 23; year++ {
		for month := 1; month <= 12; month++ {
			for day := 1; day <= 28; day += 3 {
				fmt.Fprintf(&b, "%02d/%02d/%d, 10:00 - A: ok\n%02d/%02d/%d, 10:00 - A: ok\n", day, month, year, day, month, year)
			}
		}
	}
	text := b.String()
	events, _, n := read(t, text, owner())
	seen := map[event.ID]bool{}
	for _, id := range ids(events) {
		seen[id] = true
	}
	if lines := strings.Count(text, "\n"); len(seen) != lines || n.Ambiguous <= lines/2 {
		t.Errorf("%d lines have %d ids, %d ambiguous", lines, len(seen), n.Ambiguous)
	}
	producertest.Archive(t, Definition(), producertest.Case{Path: androidPath, Data: []byte(text), Events: len(seen), Options: owner(), Cuts: 5})
	// Every year begins anew: an export that begins later has the ids of the whole one.
	from := strings.Index(text, "01/01/22")
	later, _, _ := read(t, text[from:], owner())
	for _, id := range ids(later) {
		if !seen[id] {
			t.Fatalf("an export that begins in a later year has another id")
		}
	}
}

func TestArchive_SkippedHour(t *testing.T) {
	t.Parallel()
	o := owner()
	o.Zone = zone(t, "Europe/Berlin")
	events, notices, _ := read(t, "26/03/2023, 01:59 - A: x\n26/03/2023, 02:30 - A: y\n26/03/2023, 03:01 - A: z\n29/10/2023, 02:30 - A: w\n", o)
	compare(t, events, "2023-03-26 00:59 <A> x\n2023-03-26 01:30 <A> y skipped_hour=true\n2023-03-26 01:01 <A> z\n2023-10-29 00:30 <A> w")
	if n := notices["skipped-hour"]; n.Count != 1 || n.Option != "--zone" {
		t.Errorf("notices are %v", notices)
	}
}
