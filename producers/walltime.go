package producers

import (
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// DetailSkippedHour is in the details of a message whose printed time lies in an hour that its zone skips.
const DetailSkippedHour = event.DetailSkippedHour

// SkippedHour is the notice of n such messages.
func SkippedHour(n int) Notice {
	return Notice{
		Code: "skipped-hour", Text: "times lie in an hour or on a day that the zone skips; moved on by as much", Option: "--zone", Count: n,
	}
}

// WallTime is event.WallTime.
func WallTime(local time.Time, zone *time.Location) (first, second time.Time, skipped bool) {
	return event.WallTime(local, zone)
}

// Unnamed returns an instant that was read in a zone as it is read where no zone is named: in UTC. Revisions that are made of a printed time
// are made of it, so that they do not depend on the zone.
func Unnamed(i event.Instant, zone *time.Location) time.Time {
	if !i.Assumed || zone == nil || i.Zone != zone.String() {
		return i.At
	}
	l := i.At.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
}
