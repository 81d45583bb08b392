package htmlexport

import (
	"bytes"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

const (
	// titleLayout is how a page prints a message's time, on the clock of the computer that exported it.
	titleLayout = "02.01.2006 15:04:05"
	// dayLayout is how a page prints a day between messages, in English whatever the exporter's language.
	dayLayout = "2 January 2006"
)

// readTitle makes a time of a title such as "31.12.2025 23:59:59 UTC+08:00". The distance from UTC is missing in older
// exports. Where it is there it is that of winter, also in summer, and so not taken as certain; of a zone that the user
// named, and that has this distance, the local time is read in the zone.
func readTitle(c export.Clock, title string, after time.Time) (m filekit.LocalTime, zone string) {
	wallTime, rest, _ := strings.Cut(strings.TrimSpace(title), " UTC")
	local, err := time.Parse(titleLayout, strings.TrimSpace(wallTime))
	if err != nil {
		return filekit.LocalTime{}, ""
	}
	zone, shift, ok := distance(strings.TrimSpace(title), rest)
	if !ok || c.Zone != nil && knows(c.Zone, local, shift) {
		m = c.Assume(local, after)
		if ok {
			m.Printed = local.Add(-shift)
		}
		return m, zone
	}
	m.Instant = event.NewInstant(local.Add(-shift), event.PrecisionSecond)
	m.Zone, m.Assumed = zone, true
	m.Instant = m.Bounded()
	return m, zone
}

// distance reads what follows a time. ok is false where nothing does.
func distance(title, rest string) (zone string, shift time.Duration, ok bool) {
	if !strings.Contains(title, " UTC") {
		return "", 0, false
	}
	if rest == "" {
		return "+00:00", 0, true
	}
	at, err := time.Parse("-07:00", rest)
	if err != nil {
		return "", 0, false
	}
	_, seconds := at.Zone()
	return rest, time.Duration(seconds) * time.Second, true
}

// knows reports whether clocks of a zone was this far from UTC at some time of that year.
func knows(zone *time.Location, local time.Time, shift time.Duration) bool {
	for _, month := range [...]time.Month{time.January, time.July, local.Month()} {
		_, seconds := time.Date(local.Year(), month, 15, 0, 0, 0, 0, zone).Zone()
		if time.Duration(seconds)*time.Second == shift {
			return true
		}
	}
	return false
}

// firstZone is the distance from UTC of the first message that prints one: service messages before it have the same.
func firstZone(head []byte) string {
	_, after, found := bytes.Cut(head, []byte(`date details" title="`))
	title, _, whole := bytes.Cut(after, []byte(`"`))
	if !found || !whole {
		return ""
	}
	_, zone := readTitle(export.Clock{}, string(title), time.Time{})
	return zone
}

// dayClock dates what is below a date between messages, which prints neither time nor zone.
type dayClock struct {
	clock export.Clock
	day   string // the date that was last put between the messages
	zone  string // the distance from UTC that was last printed
}

// instant is all that is known of the time of a service message: the date that is above it.
func (d *dayClock) instant() event.Instant {
	local, err := time.Parse(dayLayout, d.day)
	if err != nil {
		return event.Instant{}
	}
	var in event.Instant
	if at, err := time.Parse("-07:00", d.zone); err == nil && d.clock.Zone == nil {
		_, seconds := at.Zone()
		in = event.NewInstant(local.Add(-time.Duration(seconds)*time.Second), event.PrecisionDay)
		in.Zone, in.Assumed = d.zone, true
	} else {
		in = d.clock.Assume(local, time.Time{}).Instant
	}
	in.Precision = event.PrecisionDay
	return in.Bounded()
}

// moment is the day as the newest time of an export takes it.
func (d *dayClock) moment() filekit.LocalTime {
	m := filekit.LocalTime{Instant: d.instant()}
	if d.clock.Zone == nil || m.IsZero() {
		return m
	}
	m.Printed, _ = time.Parse(dayLayout, d.day) // it was read
	if at, err := time.Parse("-07:00", d.zone); err == nil {
		_, seconds := at.Zone()
		m.Printed = m.Printed.Add(-time.Duration(seconds) * time.Second)
	}
	return m
}

// timeOf is when the message at the start of raw was sent; of a date between messages, the start of that day.
func (d *dayClock) timeOf(raw []byte, after time.Time) filekit.LocalTime {
	if !bytes.HasPrefix(raw, []byte(MessageTag)) {
		return filekit.LocalTime{}
	}
	if bytes.HasPrefix(raw, []byte(serviceTag)) {
		root, _, err := markup.Parse(string(raw))
		if err != nil || !strings.HasPrefix(root.Attr("id"), "message-") {
			return filekit.LocalTime{}
		}
		d.day = serviceText(root)
		return d.moment()
	}
	_, title, _ := bytes.Cut(raw, []byte(`date details" title="`))
	title, _, _ = bytes.Cut(title, []byte(`"`))
	at, _ := readTitle(d.clock, string(title), after)
	return at
}
