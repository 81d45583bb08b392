package reread

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// messages are a log of one bundle a sequence, from 1.
type messages [][]event.Event

func (l messages) Range(_ context.Context, from, to uint64, _ bool, yield func(consumers.Delivery) error) error {
	for seq := from; seq <= to && seq <= uint64(len(l)); seq++ {
		var data []byte
		for i := range l[seq-1] {
			if i > 0 {
				data = append(data, event.LineEnd...)
			}
			var err error
			if data, err = event.Append(data, &l[seq-1][i]); err != nil {
				return err
			}
		}
		if err := yield(consumers.Delivery{Sequence: seq, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

func message(t *testing.T, id string, sent event.Instant, r event.Reading, author, text string) event.Event {
	t.Helper()
	e := event.Event{Source: "test", Namespace: "n", Channel: "c", NativeID: event.NativeID(id), Kind: event.KindMessage, Revision: event.Unedited,
		Author: event.Person{ID: event.AuthorID(author)}, Sent: sent, Reading: r, Body: &event.Message{Type: event.TypeMessage, Text: text,
			Details: map[string]string{"topic": text}}}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	return e
}

func read(t *testing.T, c Config) (events []event.Event, notices map[string]int) {
	t.Helper()
	src, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	notices = map[string]int{}
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return events, notices
		}
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, b.Events...)
		for _, n := range b.Notices {
			notices[n.Code] += n.Count
		}
	}
}

func TestSession_Next(t *testing.T) {
	at := func(hour, minute int, zone string) event.Instant {
		return event.Instant{At: time.Date(2024, 10, 27, hour, minute, 0, 0, time.UTC), Precision: event.PrecisionMinute, Zone: zone, Assumed: true}
	}
	log := messages{
		{
			message(t, "1", at(1, 30, "UTC"), event.Reading{}, "ann", "a"),
			message(t, "2", at(2, 30, "UTC"), event.Reading{}, "ann", "first pass"),
			message(t, "3", at(2, 10, "UTC"), event.Reading{}, "ann", "second pass"),
			message(t, "4", at(3, 10, "UTC"), event.Reading{}, "ann", "after"),
		},
		{
			message(t, "5", event.NewInstant(time.Unix(7, 0), event.PrecisionSecond), event.Reading{}, "ann", "the network's own time"),
			message(t, "6", at(5, 0, ""), event.Reading{}, "ann", "our clock"),
			message(t, "7", at(5, 0, "Mars/Olympus"), event.Reading{}, "ann", "x"),
			message(t, "8", at(2, 0, "Europe/Berlin"), event.Reading{ZoneNamed: 3}, "ann", "named before, and right"),
		},
		{
			message(t, "9", event.NewInstant(time.Unix(7, 0), event.PrecisionSecond), event.Reading{Charset: "windows-1252", CharsetNamed: 2}, "âÏÂ", "ÐÒÉ×ÅÔ"),
			message(t, "10", event.NewInstant(time.Unix(7, 0), event.PrecisionSecond), event.Reading{Charset: "utf-8"}, "ann", "приве\uFFFD"),
			message(t, "11", event.NewInstant(time.Unix(7, 0), event.PrecisionSecond), event.Reading{Charset: "windows-1252"}, "ann", "Ð\uFFFD"),
			message(t, "12", event.NewInstant(time.Unix(7, 0), event.PrecisionSecond), event.Reading{Charset: "koi8-r"}, "ann", "привет"),
		},
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("zone", func(t *testing.T) {
		events, notices := read(t, Config{Log: log, Last: 3, Zone: berlin})
		var got []string
		for i := range events {
			got = append(got, string(events[i].NativeID)+" "+events[i].Sent.At.Format("15:04")+" "+events[i].Sent.Zone)
		}
		want := []string{"1 23:30 Europe/Berlin", "2 00:30 Europe/Berlin", "3 01:10 Europe/Berlin", "4 02:10 Europe/Berlin"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{NoticeZone: 4, NoticeUnchanged: 1}, notices); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("charset", func(t *testing.T) {
		events, notices := read(t, Config{Log: log, Last: 3, Charset: "KOI8-R"})
		if len(events) != 1 || events[0].Author.ID != "Боб" || events[0].Body.(*event.Message).Text != "привет" ||
			events[0].Body.(*event.Message).Details["topic"] != "привет" || events[0].ID != log[2][0].ID {
			t.Errorf("%+v", events)
		}
		if diff := cmp.Diff(event.Reading{Charset: "koi8-r"}, events[0].Reading); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{NoticeCharset: 1, NoticeUnchanged: 2}, notices); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("filter", func(t *testing.T) {
		if events, _ := read(t, Config{Log: log, Last: 3, Zone: berlin, Channel: "d"}); len(events) > 0 {
			t.Errorf("%d events", len(events))
		}
	})
	t.Run("cursor", func(t *testing.T) {
		src, err := New(Config{Log: log, Last: 3, Zone: berlin})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), producers.Cursor(`{"next":4}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
	})
	for name, c := range map[string]Config{"nothing": {}, "charset": {Charset: "klingon"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSession_Next_zoneNotice holds that the notice names the zone of the time that moved, which may be another one than the message's.
func TestSession_Next_zoneNotice(t *testing.T) {
	at := time.Date(2024, 1, 25, 10, 0, 0, 0, time.UTC)
	assumed := func(zone string) event.Instant {
		return event.Instant{At: at, Precision: event.PrecisionSecond, Zone: zone, Assumed: true}
	}
	known := event.NewInstant(at, event.PrecisionSecond)
	known.Zone = "+03:00"
	for name, sent := range map[string]event.Instant{"absolute": known, "in the zone already": assumed("Europe/Moscow"), "none": {}} {
		e := message(t, "1", sent, event.Reading{}, "ann", "a")
		e.Body.(*event.Message).Edited = assumed("UTC")
		src, err := New(Config{Log: messages{{e}}, Last: 1, Zone: zone(t, "Europe/Moscow")})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := "times that were read in the zone UTC are read in Europe/Moscow"; len(b.Notices) != 1 || b.Notices[0].Text != want {
			t.Errorf("%s: %+v", name, b.Notices)
		}
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
