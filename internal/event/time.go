package event

import (
	"fmt"
	"time"
)

// Precision is how precisely a time is given.
type Precision uint8

// Precisions, rising.
const (
	PrecisionNone Precision = iota
	PrecisionDay
	PrecisionMinute
	PrecisionSecond
	PrecisionMilli
	PrecisionMicro
)

var precisionNames = [...]string{"none", "day", "minute", "second", "milli", "micro"}

// String returns the name used in envelopes.
func (p Precision) String() string {
	if int(p) < len(precisionNames) {
		return precisionNames[p]
	}
	return fmt.Sprintf("precision(%d)", p)
}

// MarshalText writes the name.
func (p Precision) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the name.
func (p *Precision) UnmarshalText(b []byte) error {
	for i, n := range precisionNames {
		if n == string(b) {
			*p = Precision(i)
			return nil
		}
	}
	return fmt.Errorf("precision %q is not known", b)
}

// Instant is a time as a network gave it. The zero value means that it gave none or that it could not be read.
type Instant struct {
	At        time.Time `json:"at"` // UTC
	Precision Precision `json:"precision"`
	Zone      string    `json:"zone,omitempty"`    // the original zone or offset, if known
	Assumed   bool      `json:"assumed,omitempty"` // the zone was named by the user, not by the network
}

// IsZero reports whether there is no time.
func (i Instant) IsZero() bool { return i.At.IsZero() }

// NewInstant is an instant that the network gave with its zone.
func NewInstant(t time.Time, p Precision) Instant {
	if t.IsZero() {
		return Instant{}
	}
	return Instant{At: t.UTC(), Precision: p}
}

// Later reports whether a is later than b; no time is before every time.
func (i Instant) Later(than Instant) bool { return i.At.After(than.At) }

// Bounded returns the instant if a database can hold it, else zero: years before 1 or after 9999 are not times of chats.
func (i Instant) Bounded() Instant {
	utc := i.At.UTC() // a foreign envelope may name another zone, and its year may end at another time
	if y := utc.Year(); i.IsZero() || y < 1 || y > 9999 {
		return Instant{}
	}
	i.At = utc.Truncate(time.Microsecond)
	return i
}

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
