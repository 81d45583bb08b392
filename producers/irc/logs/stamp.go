package logs

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// stamp is the time at the beginning of a line, as printed.
type stamp struct {
	day          civil // zero where the line has no date of its own
	hour         int
	minute       int
	second       int
	nano         int
	precision    event.Precision
	zone         *time.Location // nil where the line names none
	printed      printedDate    // of which day is to be made, by what the log says
	keyed        civil          // the day of content keys, where that is not day
	guessed      bool           // which number of the date is the day
	statusColumn bool           // its client marks a column of its own lines
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
	if s.day.isSet() {
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
	if len(t) > 1 && t[0] == '.' && digit(t[1]) {
		t = s.takeFraction(t[1:])
	}
	return t, true
}

func (s *stamp) takeFraction(t string) string {
	n := countBytes(t, len(t), digit)
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
	if len(t) < 2 || !digit(t[0]) || !digit(t[1]) {
		return 0, t, false
	}
	n := int(t[0]-'0')*10 + int(t[1]-'0')
	return n, t[2:], n <= most
}

// local is a printed time of the day d in the zone. second says that the clock was set back and shows this hour again. Everything whose zone the
// line does not print is marked as assumed: the user named it, or nobody did and it is UTC.
func (s stamp) local(d civil, in *time.Location, second bool) filekit.LocalTime {
	if !d.isSet() {
		return filekit.LocalTime{}
	}
	if s.zone != nil {
		in = s.zone
	}
	printed := time.Date(d.Year, time.Month(d.Month), d.Day, s.hour, s.minute, s.second, s.nano, time.UTC)
	at, other, skipped := producers.WallTime(printed, in)
	t := filekit.LocalTime{Skipped: skipped, Instant: event.Instant{
		At: at.UTC(), Precision: s.precision, Zone: in.String(), Assumed: s.zone == nil,
	}}
	if !other.IsZero() {
		t.Other = other.UTC()
		if second {
			t.TakeOther()
		}
	}
	return t
}

// otherStamp reads the times that takeStamp does not know, which few clients write:
//
//	Dec 31 21:05:00, Sun 31 Dec 2023 21:05                         HexChat, in the language of its user
//	31/12/2023 21:05, 31.12.23 21:05:00, 2023/12/31 21:05          any client whose user wrote the form
//	9:05 pm, [09:05:00PM]                                          mIRC
//	[Sunday 31 December 2023] [21:05:00 UTC], 2023-12-31 [21:05]   Konversation
//	1704056700, [1704056700.123]                                   seconds or milliseconds since 1970
//
// All of them may be in brackets.
func otherStamp(line string) (stamp, string, bool) {
	inner, rest, bracketed := bracketedPart(line)
	if !bracketed {
		return bareStamp(line)
	}
	var s stamp
	if n := s.takeEpoch(inner); n > 0 && n == len(inner) {
		return s, trimOne(rest), true
	}
	inner, s.printed = takePrinted(inner)
	if inner == "" && s.printed.kind != noDate {
		if inner, rest, bracketed = bracketedPart(strings.TrimLeft(rest, " ")); !bracketed {
			return s, line, false
		}
		s.statusColumn = true
	}
	inner, ok := s.takeAnyClock(inner)
	if inner = s.takeNamedZone(inner); !ok || inner != "" {
		return s, line, false
	}
	return s, trimOne(rest), true
}

// bareStamp reads a time that no brackets are around.
func bareStamp(line string) (stamp, string, bool) {
	var s stamp
	if n := s.takeEpoch(line); n > 0 && n < len(line) && (line[n] == ' ' || line[n] == '\t') {
		return s, line[n+1:], true
	}
	rest, printed := takePrinted(line)
	s.printed = printed
	clock, after, bracketed := bracketedPart(rest)
	if !bracketed {
		clock = rest
	}
	clock, ok := s.takeAnyClock(clock)
	switch {
	case !ok, bracketed && clock != "":
		return s, line, false
	case bracketed:
		return s, trimOne(after), true
	case clock == "":
		return s, "", true
	case clock[0] != ' ' && clock[0] != '\t' && !beginsBody(clock):
		return s, line, false
	}
	return s, trimOne(clock), true
}

// maxStamp is longer than any time that a client prints.
const maxStamp = 64

// bracketedPart takes a part in brackets from the start of s.
func bracketedPart(s string) (inner, rest string, ok bool) {
	if s == "" || s[0] != '[' && s[0] != '(' {
		return "", s, false
	}
	shut := byte(']')
	if s[0] == '(' {
		shut = ')'
	}
	end := strings.IndexByte(s[:min(len(s), maxStamp)], shut)
	if end < 0 {
		return "", s, false
	}
	return s[1:end], s[end+1:], true
}

func trimOne(s string) string {
	if s != "" && (s[0] == ' ' || s[0] == '\t') {
		return s[1:]
	}
	return s
}

// takeEpoch reads seconds or milliseconds since 1970, and returns how long they are; 0: there are none.
func (s *stamp) takeEpoch(t string) int {
	n := countBytes(t, maxStamp, digit)
	if n != 10 && n != 13 {
		return 0
	}
	seconds, ok := number(t[:9])
	if !ok {
		return 0
	}
	seconds = seconds*10 + int(t[9]-'0')
	at := time.Unix(int64(seconds), 0).UTC()
	if !pathYear(at.Year()) {
		return 0
	}
	s.day, s.zone, s.precision = civilOf(at), time.UTC, event.PrecisionSecond
	s.hour, s.minute, s.second = at.Hour(), at.Minute(), at.Second()
	switch {
	case n == 13:
		s.takeFraction(t[10:13])
	case len(t) > n+1 && t[n] == '.' && digit(t[n+1]):
		n = len(t) - len(s.takeFraction(t[n+1:]))
	}
	return n
}

// takeAnyClock reads a time of day of twelve or twenty-four hours.
func (s *stamp) takeAnyClock(t string) (string, bool) {
	if len(t) > 1 && digit(t[0]) && t[1] == ':' {
		t = "0" + t
	}
	t, ok := s.takeClock(t)
	if !ok {
		return t, false
	}
	half := strings.TrimPrefix(t, " ")
	pm := false
	switch {
	case len(half) >= 4 && (strings.EqualFold(half[:4], "a.m.") || strings.EqualFold(half[:4], "p.m.")):
		pm, half = half[0]|0x20 == 'p', half[4:]
	case len(half) >= 2 && (strings.EqualFold(half[:2], "am") || strings.EqualFold(half[:2], "pm")) && (len(half) == 2 || !isLetter(half[2])):
		pm, half = half[0]|0x20 == 'p', half[2:]
	default:
		return t, true
	}
	if s.hour == 0 || s.hour > 12 { // some print it after 24 hours too
		return half, pm == (s.hour > 0)
	}
	s.hour %= 12
	if pm {
		s.hour += 12
	}
	return half, true
}

// takeNamedZone reads the zone after a time. Names of zones other than UTC's mean several, so they settle nothing.
func (s *stamp) takeNamedZone(t string) string {
	t = s.takeZone(strings.TrimPrefix(t, " "))
	switch {
	case t == "UTC" || t == "GMT":
		s.zone = time.UTC
		return ""
	case len(t) >= 3 && len(t) <= 5 && countBytes(t, len(t), isLetter) == len(t):
		return ""
	}
	return t
}
