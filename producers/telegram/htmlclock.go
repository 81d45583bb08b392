package telegram

import (
	"bytes"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

const (
	// titled is how a page prints a message's time, on the clock of the computer that exported it.
	titled = "02.01.2006 15:04:05"
	// dated is how a page prints a day between messages, in English whatever the exporter's language.
	dated = "2 January 2006"
)

// readTitle makes a time of a title such as "31.12.2025 23:59:59 UTC+08:00". The distance from UTC is missing in older
// exports. Where it is there it is that of winter, also in summer, and so not taken as certain; of a zone that the user
// named, and that knows this distance, the clock itself tells.
func (c clock) readTitle(title string, after time.Time) (m moment, zone string) {
	wallTime, rest, _ := strings.Cut(strings.TrimSpace(title), " UTC")
	local, err := time.Parse(titled, strings.TrimSpace(wallTime))
	if err != nil {
		return moment{}, ""
	}
	zone, shift, ok := distance(strings.TrimSpace(title), rest)
	if !ok || c.zone != nil && knows(c.zone, local, shift) {
		m = c.assume(local, after)
		if ok {
			m.unnamed = local.Add(-shift)
		}
		return m, zone
	}
	m.Instant = event.Known(local.Add(-shift), event.PrecisionSecond)
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

// knows reports whether clocks of a zone stood this far from UTC at some time of that year.
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
	_, zone := clock{}.readTitle(string(title), time.Time{})
	return zone
}

// day is all that is known of the time of a service message: the date that stands above it.
func (p *page) day() event.Instant {
	local, err := time.Parse(dated, p.Day)
	if err != nil {
		return event.Instant{}
	}
	var in event.Instant
	if at, err := time.Parse("-07:00", p.Zone); err == nil && p.clock.zone == nil {
		_, seconds := at.Zone()
		in = event.Known(local.Add(-time.Duration(seconds)*time.Second), event.PrecisionDay)
		in.Zone, in.Assumed = p.Zone, true
	} else {
		in = p.clock.assume(local, time.Time{}).Instant
	}
	in.Precision = event.PrecisionDay
	return in.Bounded()
}

// dayMoment is the day as the newest time of an export takes it.
func (p *page) dayMoment() moment {
	m := moment{Instant: p.day()}
	if p.clock.zone == nil || m.IsZero() {
		return m
	}
	m.unnamed, _ = time.Parse(dated, p.Day) // it was read
	if at, err := time.Parse("-07:00", p.Zone); err == nil {
		_, seconds := at.Zone()
		m.unnamed = m.unnamed.Add(-time.Duration(seconds) * time.Second)
	}
	return m
}
