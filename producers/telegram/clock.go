package telegram

import (
	"fmt"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// wall is how the exporter prints the time of its computer, which no zone is written beside.
const wall = "2006-01-02T15:04:05"

// clock reads times.
type clock struct {
	zone *time.Location // that the user named; nil if none
}

// moment is a time as read. other is set where the printed hour came twice, because clocks were set back.
type moment struct {
	event.Instant
	other time.Time
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
	local, err := time.Parse(wall, printed)
	if err != nil {
		return ""
	}
	d := local.Sub(at)
	if d%(15*time.Minute) != 0 || d.Abs() > 15*time.Hour {
		return "" // a clock, not a zone
	}
	sign, m := '+', int(d/time.Minute)
	if m < 0 {
		sign, m = '-', -m
	}
	return fmt.Sprintf("%c%02d:%02d", sign, m/60, m%60)
}

// assume reads a wall time in the zone that the user named, or else as UTC.
func (c clock) assume(local, after time.Time) moment {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	first, second := passes(local, zone)
	m := moment{Instant: event.Known(first, event.PrecisionSecond)}
	if !second.IsZero() {
		m.other = second.UTC()
		if first.Before(after) {
			m.At, m.other = second.UTC(), first.UTC()
		}
	}
	m.Zone, m.Assumed = zone.String(), true
	m.Instant = m.Bounded()
	return m
}

// passes returns when clocks of a zone showed a wall time: twice in the hour that is set back; in the hour that is left out
// never, then it is read as if it were not.
func passes(local time.Time, zone *time.Location) (first, second time.Time) {
	y, mo, d := local.Date()
	only := time.Date(y, mo, d, local.Hour(), local.Minute(), local.Second(), 0, zone)
	for _, around := range [...]time.Duration{-24 * time.Hour, 24 * time.Hour} { // zones change by less, and less often
		_, shift := local.Add(around).In(zone).Zone()
		at := local.Add(-time.Duration(shift) * time.Second)
		if _, is := at.In(zone).Zone(); is != shift || at.Equal(only) {
			continue
		}
		if at.Before(only) {
			return at, only
		}
		return only, at
	}
	return only, time.Time{}
}
