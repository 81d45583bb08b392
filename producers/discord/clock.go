package discord

import (
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
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
		return filekit.ReadLocal(at, fraction(s), c.zone).Instant
	}
	in := event.NewInstant(at, fraction(s))
	if in.Zone = s[max(0, len(s)-len("+00:00")):]; strings.HasSuffix(s, "Z") {
		in.Zone = "+00:00"
	}
	return in.Bounded()
}

// fraction is how exactly a time is printed. The network counts in thousandths; zeros at the end are left out by some
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

// snowflakeTime is when the network issued an id; zero for an id of another form.
func snowflakeTime(id string) event.Instant {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n>>timeShift <= 0 {
		return event.Instant{}
	}
	return event.NewInstant(time.UnixMilli(n>>timeShift+epoch), event.PrecisionMilli)
}

// localLayouts are the forms in which tables print a time without a zone: that of 2019, and the American one of later years.
func localLayouts() []string {
	return []string{
		"02-Jan-06 03:04 PM", "1/2/2006 3:04 PM", "1/2/2006 3:04:05 PM", "2006-01-02 15:04", "2006-01-02 15:04:05",
	}
}

// printed is a table's time, and what the content key holds of it.
type printed struct {
	filekit.LocalTime
	day, minute string
	ok          bool // it could be parsed
}

// read reads a table's time. Where there is an offset, the key is of the absolute time, exactly: exports in two zones agree.
func (c clock) read(s string, after time.Time) printed {
	if in := c.stamp(s); !in.IsZero() && !in.Assumed {
		return printed{
			LocalTime: filekit.LocalTime{Instant: in}, day: in.At.Format(time.DateOnly), minute: in.At.Format("15:04:05.000"), ok: true,
		}
	}
	for _, layout := range localLayouts() {
		local, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		precision := event.PrecisionMinute
		if strings.Contains(layout, ":05") {
			precision = event.PrecisionSecond
		}
		return printed{
			LocalTime: c.local(local, precision, after), day: local.Format(time.DateOnly), minute: local.Format("15:04"), ok: true,
		}
	}
	return printed{minute: s}
}

// local reads a time without a zone. Of an hour that came twice the first pass is taken, unless that would be before after and the second
// would not.
func (c clock) local(at time.Time, p event.Precision, after time.Time) filekit.LocalTime {
	t := filekit.ReadLocal(at, p, c.zone)
	if after = after.Truncate(time.Minute); !t.Other.IsZero() && t.At.Before(after) && !t.Other.Before(after) {
		t.TakeOther()
	}
	return t
}
