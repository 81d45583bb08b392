package slack

import (
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// counted is the lowest number of microseconds that is taken for a time: until 2018 what follows the dot counts the
// messages of a second, from 1, and only distinguishes them.
const counted = 1000

// instant reads a ts, which is the id of a message and its time in one; zero if it is none. Its digits are read as they
// stand: a floating-point number has not enough of them.
func instant(ts string) event.Instant {
	whole, fraction, dotted := strings.Cut(ts, ".")
	if !isNumber(whole) || len(whole) > 12 || dotted && (!isNumber(fraction) || len(fraction) > 6) {
		return event.Instant{}
	}
	seconds, _ := strconv.ParseInt(whole, 10, 64) // twelve digits at most
	micros, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	if seconds <= 0 {
		return event.Instant{}
	}
	p := event.PrecisionMicro
	if micros < counted {
		p = event.PrecisionSecond
	}
	return event.NewInstant(time.Unix(seconds, micros*1000), p).Bounded()
}

// changed reads the time of a change to a user or a channel, which is in seconds, or in thousandths of one.
func changed(s string) event.Instant {
	if len(s) == 13 && isNumber(s) {
		in := instant(s[:10] + "." + s[10:])
		if !in.IsZero() {
			in.Precision = event.PrecisionMilli
		}
		return in
	}
	return instant(s)
}

func latest(of ...event.Instant) (l event.Instant) {
	for _, i := range of {
		if i.Later(l) {
			l = i
		}
	}
	return l
}

// isNumber reports whether s is all digits, at least one.
func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
