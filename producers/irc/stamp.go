package irc

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// stamp is the time at the beginning of a line, as printed.
type stamp struct {
	day       civil // zero where the line has no date of its own
	hour      int
	minute    int
	second    int
	nano      int
	precision event.Precision
	zone      *time.Location // nil where the line names none
	printed   printedDate    // of which day is to be made, by what the log says
	keyed     civil          // the day of content keys, where that is not day
	guessed   bool           // which number of the date is the day
	services  bool           // its client marks a column where it speaks itself
}

// minuteOfDay orders the times of one day.
func (s stamp) minuteOfDay() int { return s.hour*60 + s.minute }

// clock is the minute part of content keys.
func (s stamp) clock() string {
	b := [5]byte{byte('0' + s.hour/10), byte('0' + s.hour%10), ':', byte('0' + s.minute/10), byte('0' + s.minute%10)}
	return string(b[:])
}

// takeStamp reads the time that a line begins with, and returns what follows it and one space or tab.
// Known are [HH:MM], [HH:MM:SS], (HH:MM), both bare, and all of them after a date; then fractions, Z and +00:00 too. A line that is
// none gives the line itself.
func takeStamp(line string) (stamp, string, bool) {
	var s stamp
	rest, closing := line, byte(0)
	switch {
	case strings.HasPrefix(line, "["):
		rest, closing = line[1:], ']'
	case strings.HasPrefix(line, "("):
		rest, closing = line[1:], ')'
	}
	if len(rest) > 11 && (rest[10] == ' ' || rest[10] == 'T') {
		if d, ok := dateAt(rest, '-'); ok {
			s.day, rest = d, rest[11:]
		}
	}
	rest, ok := s.takeClock(rest)
	if !ok {
		return s, line, false
	}
	if s.day.known() {
		rest = s.takeZone(rest)
	}
	if closing != 0 {
		if rest == "" || rest[0] != closing {
			return s, line, false
		}
		rest = rest[1:]
	}
	if rest == "" {
		return s, rest, true
	}
	if rest[0] == ' ' || rest[0] == '\t' {
		return s, rest[1:], true
	}
	return s, rest, beginsBody(rest)
}

// beginsBody reports whether what follows a time at once can only be a client's: themes of irssi leave the space out.
func beginsBody(s string) bool {
	return s[0] == '<' || strings.HasPrefix(s, "-!-") || strings.HasPrefix(s, "*** ") || strings.HasPrefix(s, "* ")
}

func (s *stamp) takeClock(t string) (string, bool) {
	var ok bool
	if s.hour, t, ok = takeTwo(t, 23); !ok || t == "" || t[0] != ':' {
		return t, false
	}
	if s.minute, t, ok = takeTwo(t[1:], 59); !ok {
		return t, false
	}
	s.precision = event.PrecisionMinute
	if t == "" || t[0] != ':' {
		return t, true
	}
	if s.second, t, ok = takeTwo(t[1:], 60); !ok {
		return t, false
	}
	s.precision = event.PrecisionSecond
	if len(t) > 1 && t[0] == '.' && isDigit(t[1]) {
		t = s.takeFraction(t[1:])
	}
	return t, true
}

func (s *stamp) takeFraction(t string) string {
	n := run(t, len(t), isDigit)
	s.nano = 0
	for i := range 9 {
		s.nano *= 10
		if i < n {
			s.nano += int(t[i] - '0')
		}
	}
	s.precision = event.PrecisionMilli
	if n > 3 {
		s.precision = event.PrecisionMicro
	}
	return t[n:]
}

func (s *stamp) takeZone(t string) string {
	if strings.HasPrefix(t, "Z") {
		s.zone = time.UTC
		return t[1:]
	}
	if len(t) < 5 || t[0] != '+' && t[0] != '-' {
		return t
	}
	h, rest, ok := takeTwo(t[1:], 14)
	if !ok {
		return t
	}
	m, rest, ok := takeTwo(strings.TrimPrefix(rest, ":"), 59)
	if !ok {
		return t
	}
	offset := h*3600 + m*60
	if t[0] == '-' {
		offset = -offset
	}
	s.zone = time.FixedZone(t[:len(t)-len(rest)], offset)
	return rest
}

func takeTwo(t string, most int) (int, string, bool) {
	if len(t) < 2 || !isDigit(t[0]) || !isDigit(t[1]) {
		return 0, t, false
	}
	n := int(t[0]-'0')*10 + int(t[1]-'0')
	return n, t[2:], n <= most
}

// instant places a printed time of the day d in the zone. second says that the clock was set back and shows this hour again.
// Everything whose zone the line does not name is marked as assumed: the user named it, or nobody did and it is UTC.
// other is the other reading of an hour that comes twice. skipped says that no clock of the zone shows that time, because it was set on past it: then it is moved on as far.
func (s stamp) instant(d civil, in *time.Location, second bool) (at event.Instant, other time.Time, skipped bool) {
	if !d.known() {
		return event.Instant{}, other, false
	}
	if s.zone != nil {
		in = s.zone
	}
	t, other, skipped := wallTime(d, s, in, second)
	return event.Instant{At: t.UTC(), Precision: s.precision, Zone: in.String(), Assumed: s.zone == nil}, other, skipped
}

// wallTime is time.Date, except that it says which of two instants an hour shown twice means and which is the other, and that an hour is never
// shown.
func wallTime(d civil, s stamp, in *time.Location, second bool) (at, other time.Time, skipped bool) {
	t := time.Date(d.Year, time.Month(d.Month), d.Day, s.hour, s.minute, s.second, s.nano, in)
	if in == time.UTC {
		return t, other, false
	}
	if t.Day() != d.Day || t.Hour() != s.hour || t.Minute() != s.minute && s.second < 60 {
		_, before := t.Add(-dayAndMore).Zone()
		wall := time.Date(d.Year, time.Month(d.Month), d.Day, s.hour, s.minute, s.second, s.nano, time.UTC)
		return wall.Add(-time.Duration(before) * time.Second), other, true
	}
	const aroundChange = 3 * time.Hour // farther than any clock is ever set back
	_, before := t.Add(-aroundChange).Zone()
	_, after := t.Add(aroundChange).Zone()
	at, other = repeatedTime(t, before, after, second)
	return at, other, false
}

// dayAndMore is farther than any clock is ever set on: whole days were left out where the date line moved.
const dayAndMore = 26 * time.Hour

// repeatedTime is t, or the other instant at which clocks that are set back from one offset to another show the same.
func repeatedTime(t time.Time, before, after int, second bool) (at, other time.Time) {
	if before <= after { // only a clock set back shows an hour twice
		return t, time.Time{}
	}
	_, now := t.Zone()
	first := t.Add(time.Duration(now-before) * time.Second)
	if _, o := first.Zone(); o != before {
		return t, time.Time{}
	}
	last := first.Add(time.Duration(before-after) * time.Second)
	switch _, o := last.Zone(); {
	case o != after:
		return first, time.Time{}
	case second:
		return last, first
	}
	return first, last
}
