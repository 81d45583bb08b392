package event

import "time"

// WallTime returns when the clocks of a zone showed what local's own fields say: a second time too in an hour that is set back. An hour that
// the zone skips is read as if the clocks had not been set on yet, which shows an hour later; skipped says so.
func WallTime(local time.Time, zone *time.Location) (first, second time.Time, skipped bool) {
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	if zone == time.UTC {
		return wall, time.Time{}, false
	}
	const apart = 24 * time.Hour // zones change by less, and less often
	before, fits := readWith(wall, wall.Add(-apart), zone)
	after, fitsToo := readWith(wall, wall.Add(apart), zone)
	switch {
	case !fits && !fitsToo: // between two changes that are less than two days apart, or skipped
		at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
		if sameWall(at, wall) {
			return at, time.Time{}, false
		}
		return before, time.Time{}, true
	case !fits:
		return after, time.Time{}, false
	case !fitsToo || before.Equal(after):
		return before, time.Time{}, false
	}
	return before, after, false
}

// readWith reads a wall time with the offset that the zone has at an instant; fits reports whether it has it at the result too.
func readWith(wall, at time.Time, zone *time.Location) (read time.Time, fits bool) {
	_, offset := at.In(zone).Zone()
	read = wall.Add(-time.Duration(offset) * time.Second).In(zone)
	return read, sameWall(read, wall)
}

func sameWall(at, wall time.Time) bool {
	_, offset := at.Zone()
	return at.Add(time.Duration(offset) * time.Second).Equal(wall)
}
