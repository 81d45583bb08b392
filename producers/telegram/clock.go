package telegram

import (
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// wall is how the exporter prints the time of its computer, which no zone is written beside.
const wall = "2006-01-02T15:04:05"

// clock reads times.
type clock struct {
	zone *time.Location // that the user named; nil if none
}

// moment is a time as read. other is set where the printed hour came twice, because clocks were set back; skipped where it never came.
type moment struct {
	event.Instant
	other   time.Time
	skipped bool
	unnamed time.Time // as it is read where no zone is named; zero: as it is
}

// changed is the time as revisions take it: the same whichever zone is named.
func (m moment) changed() time.Time { return changedAt(m.At, m.unnamed) }

func changedAt(at, unnamed time.Time) time.Time {
	if unnamed.IsZero() {
		return at
	}
	return unnamed
}

// latest is the latest of several times, and of what revisions take them for: with another zone it may be another one.
type latest struct {
	event.Instant
	changed time.Time
}

func (l *latest) add(m moment) {
	if m.IsZero() {
		return
	}
	if m.Later(l.Instant) {
		l.Instant = m.Instant
	}
	if at := m.changed(); at.After(l.changed) {
		l.changed = at
	}
}

// revision is that of something that was true at the time.
func (l *latest) revision() event.Revision {
	if l.IsZero() {
		return event.Unedited
	}
	return event.RevisionAt(l.changed)
}

// instant is a time that was read with the clock, from when it was and how it is read where no zone is named; that is zero if it was certain.
func (c clock) instant(at, unnamed time.Time) event.Instant {
	in := event.Known(at, event.PrecisionSecond)
	if unnamed.IsZero() {
		return in
	}
	if in.Zone, in.Assumed = time.UTC.String(), true; c.zone != nil {
		in.Zone = c.zone.String()
	}
	return in
}

// read makes a time of what is printed: the absolute one if there is one. Of an hour that came twice the first pass is
// taken, unless that would be before after.
func (c clock) read(printed, unix string, after time.Time) moment {
	if seconds, err := strconv.ParseInt(unix, 10, 64); err == nil && seconds > 0 {
		at := time.Unix(seconds, 0)
		in := event.Known(at, event.PrecisionSecond)
		in.Zone = offset(printed, at)
		return moment{Instant: in.Bounded()}
	}
	if len(printed) > len(wall) { // other writers print a zone
		at, err := time.Parse(time.RFC3339Nano, printed)
		if err != nil {
			return moment{}
		}
		in := event.Known(at, event.PrecisionSecond)
		in.Zone = at.Format("-07:00")
		return moment{Instant: in.Bounded()}
	}
	local, err := time.Parse(wall, printed)
	if err != nil {
		return moment{}
	}
	return c.assume(local, after)
}

// offset is how far the exporting computer's clock stood from UTC, if what it printed tells.
func offset(printed string, at time.Time) string {
	if len(printed) != len(wall) {
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

// assume reads a wall time in the zone that the user named, or else as UTC.
func (c clock) assume(local, after time.Time) moment {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	first, second, skipped := producers.WallTime(local, zone)
	m := moment{Instant: event.Known(first, event.PrecisionSecond), skipped: skipped}
	if !second.IsZero() {
		m.other = second.UTC()
		if first.Before(after) {
			m.At, m.other = second.UTC(), first.UTC()
		}
	}
	m.Zone, m.Assumed, m.unnamed = zone.String(), true, local
	m.Instant = m.Bounded()
	return m
}
