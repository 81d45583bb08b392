package event_test

import (
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// TestCompareVersions holds that a version whose edit was printed without a zone stands where the zone that it is read in has it.
func TestCompareVersions(t *testing.T) {
	at := time.Date(2024, 1, 25, 7, 5, 0, 0, time.UTC)
	printed := event.RevisionAt(at.Add(3 * time.Hour)) // in Moscow
	version := func(r event.Revision, edited time.Time, zone string) *event.Event {
		m := &event.Message{Text: "t"}
		if !edited.IsZero() {
			m.Edited = event.Instant{At: edited, Precision: event.PrecisionSecond, Zone: zone, Assumed: zone != ""}
		}
		return &event.Event{Kind: event.KindMessage, Revision: r, Body: m}
	}
	sure := func(at time.Time) *event.Event { return version(event.RevisionAt(at), at, "") }
	moscow := version(printed, at, "Europe/Moscow")
	for _, c := range []struct {
		name           string
		earlier, later *event.Event
	}{
		{"an unedited one", version(event.Unedited, time.Time{}, ""), moscow},
		{"an edit before", sure(at.Add(-time.Minute)), moscow},
		{"an edit after", moscow, sure(at.Add(time.Minute))},
		{"the same edit", moscow, sure(at)},
		{"the edit in no zone", sure(at.Add(time.Hour)), version(printed, at.Add(3*time.Hour), "UTC")},
		{"the edit as older programs named it", version(event.RevisionAt(at), at, "Europe/Moscow"), moscow},
		{"a numbered one", version(event.RevisionSeq(1), at.Add(time.Hour), "Europe/Moscow"), version(event.RevisionSeq(2), at, "Europe/Moscow")},
	} {
		if event.CompareVersions(c.earlier, c.later) >= 0 || event.CompareVersions(c.later, c.earlier) <= 0 || event.CompareVersions(c.later, c.later) != 0 {
			t.Errorf("%s: %d and %d", c.name, event.CompareVersions(c.earlier, c.later), event.CompareVersions(c.later, c.earlier))
		}
	}
}
