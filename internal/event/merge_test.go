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
		{"a sure date", message(sent(at.AddDate(0, -1, 0), "UTC"), event.Reading{DateGuessed: true, ZoneNamed: 9}, "a", "t"),
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
		Text: "t", Forward: &event.Forward{From: event.Person{Name: "Farm"}, Sent: event.Known(time.Unix(1, 0), event.PrecisionSecond)},
		Attachments: []event.Attachment{{Kind: "photo", Path: "photos/a.jpg", SHA256: "00"}}, Links: []string{"https://example.org"},
	}}
	want := &event.Message{
		Text: "t", Forward: &event.Forward{From: event.Person{ID: "channel1", Name: "Farm"}, Sent: event.Known(time.Unix(1, 0), event.PrecisionSecond)},
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
