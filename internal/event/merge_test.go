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

func TestMerge(t *testing.T) {
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

func TestMerge_Arguments(t *testing.T) {
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

func TestMergeInstant(t *testing.T) {
	at := time.Date(2024, 5, 1, 12, 0, 0, 250e6, time.UTC)
	exact := event.NewInstant(at, event.PrecisionMilli)
	cut := event.NewInstant(at.Truncate(time.Second), event.PrecisionSecond)
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

func TestInstant_Bounded(t *testing.T) {
	far := event.NewInstant(time.Date(12024, 1, 1, 0, 0, 0, 0, time.UTC), event.PrecisionDay)
	if got := far.Bounded(); !got.IsZero() {
		t.Errorf("year 12024 is %v", got)
	}
	fine := event.NewInstant(time.Date(2024, 1, 1, 0, 0, 0, 1999, time.UTC), event.PrecisionMicro)
	if got := fine.Bounded().At.Nanosecond(); got != 1000 {
		t.Errorf("%d ns, want 1000", got)
	}
	if !fine.Later(event.Instant{}) || (event.Instant{}).Later(fine) {
		t.Error("no time is not before every time")
	}
}

func TestPrecision_String(t *testing.T) {
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

func TestMerge_Reading(t *testing.T) {
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	sent := func(at time.Time, zone string) event.Instant {
		return event.Instant{At: at, Precision: event.PrecisionMinute, Zone: zone, Assumed: true}
	}
	message := func(in event.Instant, r event.Reading, author, text string) *event.Event {
		return &event.Event{Kind: event.KindMessage, Sent: in, Reading: r, Author: event.Person{ID: event.AuthorID(author)}, Body: &event.Message{Text: text}}
	}
	for _, c := range []struct {
		name       string
		worse, won *event.Event
	}{
		{"a zone named later", message(sent(at, "Europe/Moscow"), event.Reading{ZoneNamed: 1}, "a", "t"),
			message(sent(at.Add(time.Hour), "America/New_York"), event.Reading{ZoneNamed: 2}, "a", "t")},
		{"a zone that was named", message(sent(at, "UTC"), event.Reading{}, "a", "t"),
			message(sent(at.Add(time.Hour), "America/New_York"), event.Reading{ZoneNamed: 2}, "a", "t")},
		{"a sure date", message(sent(at.AddDate(0, -1, 0), "UTC"), event.Reading{DateGuessed: true}, "a", "t"),
			message(sent(at, "UTC"), event.Reading{}, "a", "t")},
		{"a charset that was named", message(sent(at, "UTC"), event.Reading{Charset: "windows-1252"}, "longer author", "a longer text"),
			message(sent(at, "UTC"), event.Reading{Charset: "koi8-r", CharsetNamed: 1}, "b", "u")},
		{"a charset named later", message(sent(at, "UTC"), event.Reading{Charset: "windows-1252", CharsetNamed: 1}, "longer author", "a longer text"),
			message(sent(at, "UTC"), event.Reading{Charset: "koi8-r", CharsetNamed: 2}, "b", "u")},
		{"text that was UTF-8", message(sent(at, "UTC"), event.Reading{Charset: "windows-1252", CharsetNamed: 1}, "longer author", "a longer text"),
			message(sent(at, "UTC"), event.Reading{}, "b", "u")},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, got := range []*event.Event{event.Merge(c.worse, c.won), event.Merge(c.won, c.worse)} {
				if diff := cmp.Diff(c.won, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestMerge_Leaves(t *testing.T) {
	json := &event.Event{Kind: event.KindMessage, Body: &event.Message{
		Text: "t", Forward: &event.Forward{From: event.Person{ID: "channel1", Name: "Farm"}},
		Attachments: []event.Attachment{{Kind: "photo", Bytes: 12, Missing: "not included"}},
	}}
	page := &event.Event{Kind: event.KindMessage, Body: &event.Message{
		Text: "t", Forward: &event.Forward{From: event.Person{Name: "Farm"}, Sent: event.NewInstant(time.Unix(1, 0), event.PrecisionSecond)},
		Attachments: []event.Attachment{{Kind: "photo", Path: "photos/a.jpg", SHA256: "00"}}, Links: []string{"https://example.org"},
	}}
	want := &event.Message{
		Text: "t", Forward: &event.Forward{From: event.Person{ID: "channel1", Name: "Farm"}, Sent: event.NewInstant(time.Unix(1, 0), event.PrecisionSecond)},
		Attachments: []event.Attachment{{Kind: "photo", Bytes: 12, Path: "photos/a.jpg", SHA256: "00"}}, Links: []string{"https://example.org"},
	}
	for _, got := range []*event.Event{event.Merge(json, page), event.Merge(page, json)} {
		if diff := cmp.Diff(event.Body(want), got.Body); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// Of an hour that comes twice the other reading stands beside the one that was taken.
func TestMerge_TimesInDoubt(t *testing.T) {
	at := func(hour int, other string) *event.Event {
		return &event.Event{Kind: event.KindMessage, Sent: event.Instant{At: time.Date(2024, 10, 27, hour, 30, 0, 0, time.UTC), Precision: event.PrecisionMinute, Assumed: true},
			Body: &event.Message{Type: event.TypeMessage, Text: "x", Details: map[string]string{"sent_or": other, "mood": "good"}}}
	}
	first, second := at(0, "2024-10-27T01:30:00Z"), at(1, "2024-10-27T00:30:00Z")
	for _, got := range []*event.Event{event.Merge(first, second), event.Merge(second, first)} {
		if m := got.Body.(*event.Message); !got.Sent.At.Equal(first.Sent.At) || m.Details["sent_or"] != "2024-10-27T01:30:00Z" || m.Details["mood"] != "good" {
			t.Errorf("%v, %v", got.Sent, m.Details)
		}
	}
	sure := at(1, "")
	sure.Sent.Assumed, sure.Body.(*event.Message).Details = false, nil
	if m := event.Merge(first, sure).Body.(*event.Message); m.Details["sent_or"] != "" || m.Details["mood"] != "good" {
		t.Errorf("beside a sure time: %v", m.Details)
	}
}

func TestMerge_Differs(t *testing.T) {
	message := func(text string, r event.Reading) *event.Event {
		return &event.Event{Kind: event.KindMessage, Reading: r, Body: &event.Message{Text: text}}
	}
	for _, c := range []struct {
		name string
		a, b *event.Event
		want bool
	}{
		{"one text", message("a b", event.Reading{}), message("a b", event.Reading{}), false},
		{"other white space", message("a  b\n", event.Reading{}), message("a b", event.Reading{}), false},
		{"no text", message("a b", event.Reading{}), message("", event.Reading{}), false},
		{"two texts", message("a b", event.Reading{}), message("a c", event.Reading{}), true},
		{"two texts before", message("a b", event.Reading{Differs: true}), message("a b", event.Reading{}), true},
		{"two charsets", message("a b", event.Reading{Charset: "koi8-r"}), message("a c", event.Reading{}), false},
	} {
		if got := event.Merge(c.a, c.b).Reading.Differs; got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Day and month are those of the copy that is sure of them, the zone is the one that was named last.
func TestMerge_DateAndZone(t *testing.T) {
	day := func(day, month, hour int) time.Time {
		return time.Date(2021, time.Month(month), day, hour, 30, 0, 0, time.UTC)
	}
	copyOf := func(at time.Time, zone string, r event.Reading) *event.Event {
		return &event.Event{Kind: event.KindMessage, Reading: r, Body: &event.Message{Text: "t"},
			Sent: event.Instant{At: at, Precision: event.PrecisionMinute, Zone: zone, Assumed: true}}
	}
	sure := copyOf(day(3, 4, 22), "UTC", event.Reading{})
	for _, c := range []struct {
		name   string
		copies []*event.Event
		at     time.Time
		zone   string
		doubts map[string]string
	}{
		{"a later zone of a guessed date", []*event.Event{sure, copyOf(day(4, 3, 19), "Europe/Moscow", event.Reading{ZoneNamed: 2, DateGuessed: true})},
			day(3, 4, 19), "Europe/Moscow", nil},
		{"daylight saving time of the sure date", []*event.Event{sure, copyOf(day(4, 3, 21), "Europe/Berlin", event.Reading{ZoneNamed: 2, DateGuessed: true})},
			day(3, 4, 20), "Europe/Berlin", nil},
		{"an earlier zone of a guessed date", []*event.Event{copyOf(day(3, 4, 19), "Europe/Moscow", event.Reading{ZoneNamed: 2}),
			copyOf(day(4, 3, 21), "Europe/Berlin", event.Reading{ZoneNamed: 1, DateGuessed: true})}, day(3, 4, 19), "Europe/Moscow", nil},
		{"the same zone", []*event.Event{sure, copyOf(day(4, 3, 22), "UTC", event.Reading{ZoneNamed: 2, DateGuessed: true})}, day(3, 4, 22), "UTC", nil},
		{"a zone that was named once more", []*event.Event{sure, copyOf(day(4, 3, 19), "Europe/Moscow", event.Reading{ZoneNamed: 2, DateGuessed: true}),
			copyOf(day(3, 4, 20), "Europe/Berlin", event.Reading{ZoneNamed: 3})}, day(3, 4, 20), "Europe/Berlin", nil},
		{"a zone that the network gave", []*event.Event{{Kind: event.KindMessage, Body: &event.Message{Text: "t"}, Sent: event.NewInstant(day(3, 4, 18), event.PrecisionMinute)},
			copyOf(day(4, 3, 19), "Europe/Moscow", event.Reading{ZoneNamed: 2, DateGuessed: true})}, day(3, 4, 18), "", nil},
		{"an hour that the later zone shows twice", []*event.Event{copyOf(day(31, 10, 2), "UTC", event.Reading{}),
			copyOf(day(31, 10, 0), "Europe/Berlin", event.Reading{ZoneNamed: 1, DateGuessed: true})}, day(31, 10, 0), "Europe/Berlin",
			map[string]string{"sent_or": "2021-10-31T01:30:00Z"}},
		{"an hour that the later zone skips", []*event.Event{copyOf(day(28, 3, 2), "UTC", event.Reading{}),
			copyOf(day(28, 3, 1), "Europe/Berlin", event.Reading{ZoneNamed: 1, DateGuessed: true}), copyOf(day(28, 3, 2), "UTC", event.Reading{DateGuessed: true, ZoneNamed: 2})},
			day(28, 3, 2), "UTC", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {0, 2, 1}} {
				var got *event.Event
				for _, i := range order {
					switch {
					case i >= len(c.copies):
					case got == nil:
						got = c.copies[i]
					default:
						got = event.Merge(event.Merge(got, c.copies[i]), got)
					}
				}
				if !got.Sent.At.Equal(c.at) || got.Sent.Zone != c.zone || got.Reading.DateGuessed {
					t.Errorf("in order %v: %v %s, want %v %s; %+v", order, got.Sent.At, got.Sent.Zone, c.at, c.zone, got.Reading)
				}
				if diff := cmp.Diff(c.doubts, got.Body.(*event.Message).Details); diff != "" {
					t.Errorf("in order %v: doubts -want +got:\n%s", order, diff)
				}
			}
		})
	}
}

// The times in a message follow a zone that was named later, as its own time does.
func TestMerge_ZoneOfLeaves(t *testing.T) {
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	copyOf := func(zone string, shift time.Duration, named int64, edited, forwarded bool) *event.Event {
		in := func(minute int) event.Instant {
			return event.Instant{At: at.Add(shift + time.Duration(minute)*time.Minute), Precision: event.PrecisionMinute, Zone: zone, Assumed: true}
		}
		m := &event.Message{Text: "t"}
		if edited {
			m.Edited = in(5)
		}
		if forwarded {
			m.Forward = &event.Forward{From: event.Person{Name: "x"}, Sent: in(-60)}
		}
		return &event.Event{Kind: event.KindMessage, Reading: event.Reading{ZoneNamed: named}, Sent: in(0), Body: m}
	}
	utc, moscow, york := copyOf("UTC", 0, 0, true, true), copyOf("Europe/Moscow", -3*time.Hour, 1, true, true), copyOf("America/New_York", 4*time.Hour, 2, true, true)
	bare := copyOf("Asia/Tokyo", -9*time.Hour, 3, false, false)
	for _, c := range []struct {
		name      string
		copies    []*event.Event
		edited    time.Time
		forwarded time.Time
	}{
		{"named", []*event.Event{utc, moscow}, at.Add(-3*time.Hour + 5*time.Minute), at.Add(-4 * time.Hour)},
		{"named later", []*event.Event{moscow, york, utc}, at.Add(4*time.Hour + 5*time.Minute), at.Add(3 * time.Hour)},
		{"beside a copy without them", []*event.Event{moscow, bare, york}, at.Add(4*time.Hour + 5*time.Minute), at.Add(3 * time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
				var got *event.Event
				for _, i := range order {
					switch {
					case i >= len(c.copies):
					case got == nil:
						got = c.copies[i]
					default:
						got = event.Merge(got, c.copies[i])
					}
				}
				m := got.Body.(*event.Message)
				if !m.Edited.At.Equal(c.edited) || !m.Forward.Sent.At.Equal(c.forwarded) {
					t.Errorf("in order %v: edited %v, forwarded %v, want %v and %v; %+v", order, m.Edited, m.Forward.Sent, c.edited, c.forwarded, got.Reading)
				}
			}
		})
	}
}

// TestMerge_DatesInAnyOrder is TestMerge for copies of one printed line: few dates, zones and times of naming, so that they meet.
func TestMerge_DatesInAnyOrder(t *testing.T) {
	zones := []string{"UTC", "Europe/Moscow", "Europe/Berlin", "America/New_York", "", "+03:00"}
	instant := func(t *rapid.T, label string) event.Instant {
		in := event.Instant{Zone: rapid.SampledFrom(zones).Draw(t, label+" zone"), Assumed: rapid.IntRange(0, 5).Draw(t, label+" known") > 0,
			Precision: rapid.SampledFrom([]event.Precision{event.PrecisionMinute, event.PrecisionSecond}).Draw(t, label+" precision")}
		day, month, hour := rapid.SampledFrom([]int{28, 31, 3}).Draw(t, label+" day"), rapid.SampledFrom([]int{3, 10}).Draw(t, label+" month"), rapid.IntRange(0, 3).Draw(t, label+" hour")
		in.At = time.Date(2021, time.Month(month), day, hour, 30, 0, 0, time.UTC)
		return in
	}
	copies := rapid.Custom(func(t *rapid.T) *event.Event {
		e := &event.Event{Kind: event.KindMessage, Sent: instant(t, "sent")}
		m := &event.Message{Text: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "text")}
		if rapid.Bool().Draw(t, "edited") {
			m.Edited = instant(t, "edit")
		}
		if rapid.Bool().Draw(t, "forwarded") {
			m.Forward = &event.Forward{Sent: instant(t, "forward")}
		}
		if e.Sent.Assumed {
			e.Reading = event.Reading{ZoneNamed: rapid.Int64Range(0, 3).Draw(t, "named"), DateGuessed: rapid.Bool().Draw(t, "guessed")}
		}
		e.Reading.Charset = rapid.SampledFrom([]string{"", "", "koi8-r"}).Draw(t, "charset")
		e.Body = m
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := copies.Draw(t, "a"), copies.Draw(t, "b"), copies.Draw(t, "c")
		ab := event.Merge(a, b)
		for name, pair := range map[string][2]*event.Event{
			"order": {ab, event.Merge(b, a)}, "grouping": {event.Merge(ab, c), event.Merge(a, event.Merge(b, c))},
			"repetition": {event.Merge(ab, b), ab}, "another repetition": {event.Merge(a, ab), ab}, "itself": {event.Merge(ab, ab), ab},
		} {
			if diff := cmp.Diff(pair[0], pair[1], state()); diff != "" {
				t.Errorf("%s changes the merged state: %s", name, diff)
			}
		}
	})
}

// Copies that are sure of two dates whose day and month are exchanged are no correction of each other.
func TestMerge_Swapped(t *testing.T) {
	copyOf := func(month, day, hour int, zone string, r event.Reading) *event.Event {
		return &event.Event{Kind: event.KindMessage, Reading: r, Body: &event.Message{Text: "t"},
			Sent: event.Instant{At: time.Date(2021, time.Month(month), day, hour, 5, 0, 0, time.UTC), Precision: event.PrecisionMinute, Zone: zone, Assumed: true}}
	}
	april := copyOf(4, 3, 10, "UTC", event.Reading{})
	network := copyOf(3, 4, 10, "", event.Reading{})
	network.Sent.Assumed = false
	for _, c := range []struct {
		name string
		with *event.Event
		want bool
	}{
		{"exchanged", copyOf(3, 4, 10, "UTC", event.Reading{}), true},
		{"exchanged, in another zone", copyOf(3, 4, 7, "Europe/Moscow", event.Reading{ZoneNamed: 1}), true},
		{"exchanged before", copyOf(4, 3, 10, "UTC", event.Reading{Swapped: true}), true},
		{"the same date", copyOf(4, 3, 10, "UTC", event.Reading{}), false},
		{"the same date in another zone", copyOf(4, 3, 7, "Europe/Moscow", event.Reading{ZoneNamed: 1}), false},
		{"a guess", copyOf(3, 4, 10, "UTC", event.Reading{DateGuessed: true}), false},
		{"another minute", copyOf(3, 4, 11, "UTC", event.Reading{}), false},
		{"another day", copyOf(3, 5, 10, "UTC", event.Reading{}), false},
		{"a time of the network", network, false},
	} {
		if got := event.Merge(april, c.with); got.Reading.Swapped != c.want || event.Merge(c.with, april).Reading.Swapped != c.want {
			t.Errorf("%s: %+v", c.name, got.Reading)
		}
	}
	rapid.Check(t, func(t *rapid.T) { // of one key there are two dates
		draw := func(label string) *event.Event {
			r := event.Reading{ZoneNamed: rapid.Int64Range(0, 2).Draw(t, label+" named"), DateGuessed: rapid.Bool().Draw(t, label+" guessed")}
			moscow := rapid.Bool().Draw(t, label+" in Moscow")
			day, zone, hour := 3, "UTC", 10
			if moscow {
				zone, hour = "Europe/Moscow", 7
			}
			if rapid.Bool().Draw(t, label+" exchanged") {
				day = 4
			}
			return copyOf(7-day, day, hour, zone, r)
		}
		a, b, c := draw("a"), draw("b"), draw("c")
		for name, pair := range map[string][2]*event.Event{
			"order":      {event.Merge(a, b), event.Merge(b, a)},
			"grouping":   {event.Merge(event.Merge(a, b), c), event.Merge(a, event.Merge(b, c))},
			"repetition": {event.Merge(event.Merge(a, b), b), event.Merge(a, b)},
		} {
			if diff := cmp.Diff(pair[0], pair[1], state()); diff != "" {
				t.Errorf("%s changes the merged state: %s", name, diff)
			}
		}
	})
}

// TestMerge_UnversionedText holds whose text stands, and that a difference is marked whether or not a source tells of edits.
func TestMerge_UnversionedText(t *testing.T) {
	copied := func(text string, unversioned bool) *event.Event {
		return &event.Event{Kind: event.KindMessage, Body: &event.Message{Type: event.TypeMessage, Text: text}, Reading: event.Reading{Unversioned: unversioned}}
	}
	for _, c := range []struct {
		name          string
		a, b          *event.Event
		text          string
		unver, differ bool
	}{
		{"versioned beside unversioned", copied("short", false), copied("short but longer", true), "short", false, true},
		{"the same text", copied("short", false), copied("short", true), "short", false, false},
		{"versioned without a text", copied("", false), copied("caption", true), "caption", true, false},
		{"unversioned without a text", copied("caption", false), copied("", true), "caption", false, false},
		{"neither versioned", copied("short", true), copied("longer", true), "longer", true, true},
	} {
		for _, m := range []*event.Event{event.Merge(c.a, c.b), event.Merge(c.b, c.a)} {
			if text := m.Body.(*event.Message).Text; text != c.text || m.Reading.Unversioned != c.unver || m.Reading.Differs != c.differ {
				t.Errorf("%s: %q, %+v", c.name, text, m.Reading)
			}
		}
	}
}
