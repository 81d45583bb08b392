package irc

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// otherStamp reads the times that takeStamp does not know, which few clients write:
//
//	Dec 31 21:05:00, Sun 31 Dec 2023 21:05                         HexChat, in the language of its user
//	31/12/2023 21:05, 31.12.23 21:05:00, 2023/12/31 21:05          any client whose user wrote the form
//	9:05 pm, [09:05:00PM]                                          mIRC
//	[Sunday 31 December 2023] [21:05:00 UTC], 2023-12-31 [21:05]   Konversation
//	1704056700, [1704056700.123]                                   seconds or milliseconds since 1970
//
// All of them may stand in brackets.
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
		s.services = true
	}
	inner, ok := s.takeAnyClock(inner)
	if inner = s.takeNamedZone(inner); !ok || inner != "" {
		return s, line, false
	}
	return s, trimOne(rest), true
}

// bareStamp reads a time that no brackets stand around.
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
	n := run(t, maxStamp, isDigit)
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
	case len(t) > n+1 && t[n] == '.' && isDigit(t[n+1]):
		n = len(t) - len(s.takeFraction(t[n+1:]))
	}
	return n
}

// takeAnyClock reads a time of day of twelve or twenty-four hours.
func (s *stamp) takeAnyClock(t string) (string, bool) {
	if len(t) > 1 && isDigit(t[0]) && t[1] == ':' {
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
	case len(t) >= 3 && len(t) <= 5 && run(t, len(t), isLetter) == len(t):
		return ""
	}
	return t
}
