package export

import (
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
)

// LocalLayout is how the exporter prints the time of its computer, which no zone is written beside.
const LocalLayout = "2006-01-02T15:04:05"

// Clock reads times.
type Clock struct {
	Zone *time.Location // that the user named; nil if none
}

// ChangedAt is a time as revisions have it: as it is read where no zone is named; zero: as it is.
func ChangedAt(at, unnamed time.Time) time.Time {
	if unnamed.IsZero() {
		return at
	}
	return unnamed
}

// Latest is the latest of several times, and of what revisions take them for: with another zone it may be another one.
type Latest struct {
	event.Instant
	changed time.Time
}

// Add takes a time; none is passed over.
func (l *Latest) Add(m filekit.LocalTime) {
	if m.IsZero() {
		return
	}
	if m.Later(l.Instant) {
		l.Instant = m.Instant
	}
	if at := m.Changed(); at.After(l.changed) {
		l.changed = at
	}
}

// Revision is that of something that was true at the time.
func (l *Latest) Revision() event.Revision {
	if l.IsZero() {
		return event.Unedited
	}
	return event.RevisionAt(l.changed)
}

// Instant is a time that was read with the clock, from when it was and how it is read where no zone is named; that is zero if it was certain.
func (c Clock) Instant(at, unnamed time.Time) event.Instant {
	in := event.NewInstant(at, event.PrecisionSecond)
	if unnamed.IsZero() {
		return in
	}
	if in.Zone, in.Assumed = time.UTC.String(), true; c.Zone != nil {
		in.Zone = c.Zone.String()
	}
	return in
}

// Read makes a time of what is printed: the absolute one if there is one. Of an hour that came twice the first pass is
// taken, unless that would be before after.
func (c Clock) Read(printed, unix string, after time.Time) filekit.LocalTime {
	if seconds, err := strconv.ParseInt(unix, 10, 64); err == nil && seconds > 0 {
		at := time.Unix(seconds, 0)
		in := event.NewInstant(at, event.PrecisionSecond)
		in.Zone = offset(printed, at)
		return filekit.LocalTime{Instant: in.Bounded()}
	}
	if len(printed) > len(LocalLayout) { // other writers print a zone
		at, err := time.Parse(time.RFC3339Nano, printed)
		if err != nil {
			return filekit.LocalTime{}
		}
		in := event.NewInstant(at, event.PrecisionSecond)
		in.Zone = at.Format("-07:00")
		return filekit.LocalTime{Instant: in.Bounded()}
	}
	local, err := time.Parse(LocalLayout, printed)
	if err != nil {
		return filekit.LocalTime{}
	}
	return c.Assume(local, after)
}

// offset is how far the exporting computer's clock was from UTC, if what it printed shows it.
func offset(printed string, at time.Time) string {
	if len(printed) != len(LocalLayout) {
		return ""
	}
	local, err := time.Parse(time.RFC3339, printed+"Z") // which package time reads five times as fast as wall
	if err != nil {
		return ""
	}
	d := local.Sub(at)
	if d%(15*time.Minute) != 0 || d.Abs() > 15*time.Hour {
		return "" // a clock, not a zone
	}
	sign, m := byte('+'), int(d/time.Minute)
	if m < 0 {
		sign, m = '-', -m
	}
	h, m := m/60, m%60
	return string([]byte{sign, '0' + byte(h/10), '0' + byte(h%10), ':', '0' + byte(m/10), '0' + byte(m%10)})
}

// Assume reads a local time in the zone that the user named, or else as UTC. Of an hour that comes twice the first pass is taken, unless that
// would be before after.
func (c Clock) Assume(local, after time.Time) filekit.LocalTime {
	t := filekit.ReadLocal(local, event.PrecisionSecond, c.Zone)
	if !t.IsZero() && !t.Other.IsZero() && t.At.Before(after) {
		t.TakeOther()
	}
	return t
}
