package discord

import (
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// clock reads times.
type clock struct {
	zone *time.Location // that the user named; nil if none
}

// stamp reads a time as JSON and the newer tables print it: with an offset, and as many digits of a second as are not zero.
func (c clock) stamp(s string) event.Instant {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		at, err = time.Parse("2006-01-02T15:04:05.999999999", s) // without an offset: a tool has been at it
		if err != nil {
			return event.Instant{}
		}
		in, _, _ := c.assume(at, fraction(s), time.Time{})
		return in
	}
	in := event.Known(at, fraction(s))
	if in.Zone = s[max(0, len(s)-len("+00:00")):]; strings.HasSuffix(s, "Z") {
		in.Zone = "+00:00"
	}
	return in.Bounded()
}

// fraction tells how exactly a time is printed. The network counts in thousandths; zeros at the end are left out by some
// writers and added by others.
func fraction(s string) event.Precision {
	_, f, _ := strings.Cut(s, ".")
	if i := strings.IndexAny(f, "Z+-"); i >= 0 {
		f = f[:i]
	}
	switch {
	case f == "":
		return event.PrecisionSecond
	case len(strings.TrimRight(f, "0")) <= 3:
		return event.PrecisionMilli
	}
	return event.PrecisionMicro
}

// The network's ids hold the time at which they were given out, in thousandths of a second since 2015.
const (
	epoch     = 1420070400000
	timeShift = 22
)

// born is when an id was given out; zero if it is none of the network's.
func born(id string) event.Instant {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n>>timeShift <= 0 {
		return event.Instant{}
	}
	return event.Known(time.UnixMilli(n>>timeShift+epoch), event.PrecisionMilli)
}

// walls are the forms in which tables print a time without a zone: that of 2019, and the American one of later years.
func walls() []string {
	return []string{
		"02-Jan-06 03:04 PM", "1/2/2006 3:04 PM", "1/2/2006 3:04:05 PM", "2006-01-02 15:04", "2006-01-02 15:04:05",
	}
}

// printed is a table's time: the instant, the other one that it may be, and what the content key holds of it.
type printed struct {
	event.Instant
	other       time.Time
	day, minute string
	known       bool // it could be read
	skipped     bool // its hour is one that the zone skips
}

// read reads a table's time. Where there is an offset, the key is of the absolute time, exactly: exports in two zones agree.
func (c clock) read(s string, after time.Time) printed {
	if in := c.stamp(s); !in.IsZero() && !in.Assumed {
		return printed{Instant: in, day: in.At.Format(time.DateOnly), minute: in.At.Format("15:04:05.000"), known: true}
	}
	for _, layout := range walls() {
		local, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		p := printed{day: local.Format(time.DateOnly), minute: local.Format("15:04"), known: true}
		precision := event.PrecisionMinute
		if strings.Contains(layout, ":05") {
			precision = event.PrecisionSecond
		}
		p.Instant, p.other, p.skipped = c.assume(local, precision, after)
		return p
	}
	return printed{minute: s}
}

// assume reads a wall time in the zone that the user named, or else as UTC. Of an hour that came twice the first pass is
// taken, unless that would be before after and the second would not.
func (c clock) assume(local time.Time, p event.Precision, after time.Time) (in event.Instant, other time.Time, skipped bool) {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	first, second, skipped := producers.WallTime(local, zone)
	if after = after.Truncate(time.Minute); !second.IsZero() && first.Before(after) && !second.Before(after) {
		first, second = second, first
	}
	in = event.Known(first, p)
	in.Zone, in.Assumed = zone.String(), true
	return in.Bounded(), second, skipped
}
