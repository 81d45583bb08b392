package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestNotices_Read(t *testing.T) {
	assumed := event.Instant{At: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC), Precision: event.PrecisionMinute, Zone: "UTC", Assumed: true}
	message := func(sent event.Instant, r event.Reading) event.Event {
		return event.Event{Kind: event.KindMessage, Sent: sent, Reading: r, Body: &event.Message{}}
	}
	events := []event.Event{
		message(assumed, event.Reading{}),
		message(assumed, event.Reading{DateGuessed: true}),
		message(assumed, event.Reading{ZoneNamed: 7}),
		message(event.Instant{}, event.Reading{}),
		message(event.NewInstant(assumed.At, event.PrecisionSecond), event.Reading{Charset: "koi8-r"}),
		message(event.NewInstant(assumed.At, event.PrecisionSecond), event.Reading{Charset: "koi8-r", CharsetNamed: 7}),
		message(event.NewInstant(assumed.At, event.PrecisionSecond), event.Reading{Charset: "utf-8"}),
		{Kind: event.KindChannel, Sent: assumed},
	}
	tl := newTally(false)
	tl.notice([]producers.Notice{{Code: "x", Text: "y", Count: 2}, {Code: "x", Text: "y"}}, events)
	r := tl.result()
	r.Add(Result{Notices: []producers.Notice{{Code: "x", Text: "y", Count: 4}}})
	counts := map[string]int{}
	for _, n := range r.Notices {
		counts[n.Code] = n.Count
	}
	want := map[string]int{"x": 7, NoticeZone: 2, NoticeDateOrder: 1, NoticeTimeless: 1, NoticeCharset: 1, NoticeDamaged: 1}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r.Notices[0].Code != "x" {
		t.Errorf("the first is %v", r.Notices[0])
	}
}

func TestConfig_Name(t *testing.T) {
	c := Config{ZoneNamed: 5, CharsetNamed: 6}
	events := []event.Event{
		{Sent: event.Instant{Assumed: true}, Reading: event.Reading{Charset: "koi8-r"}},
		{Reading: event.Reading{Charset: "utf-8"}},
		{},
	}
	c.name(events)
	if diff := cmp.Diff(event.Reading{ZoneNamed: 5, Charset: "koi8-r", CharsetNamed: 6}, events[0].Reading); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r := events[1].Reading; r.CharsetNamed != 0 || r.ZoneNamed != 0 || !events[2].Reading.IsZero() {
		t.Errorf("%+v, %+v", r, events[2].Reading)
	}
}
