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
		Code: "skipped-hour", Text: "times lie in an hour that the zone skips; moved an hour on", Option: "--zone", Count: n,
	}
}

// WallTime is event.WallTime.
func WallTime(local time.Time, zone *time.Location) (first, second time.Time, skipped bool) {
	return event.WallTime(local, zone)
}
