package csv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
)

// layout is how a time is written.
type layout struct {
	goes   string // in the manner of package time; empty for seconds since 1970
	unit   time.Duration
	zoned  bool
	halves bool // of a day: AM, PM
	finest event.Precision
}

const layoutHint = "write it with %Y %m %d %H %M %S, %y %b %B %e %I %p %f %z as in \"%d.%m.%Y %H:%M:%S\", or one of " +
	"rfc3339, unix, unix_ms"

var errNoLayout = errors.New("layout: say how the time is written: " + layoutHint)

// parseLayout reads a layout in the manner of strftime, or a name.
func parseLayout(s string) (layout, error) {
	switch s {
	case "":
		return layout{}, errNoLayout
	case "rfc3339":
		return layout{goes: time.RFC3339Nano, zoned: true, finest: event.PrecisionMicro}, nil
	case "unix", "%s":
		return layout{unit: time.Second}, nil
	case "unix_ms":
		return layout{unit: time.Millisecond}, nil
	}
	l := layout{finest: event.PrecisionDay}
	var out, literal strings.Builder
	has := map[byte]bool{}
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			literal.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return layout{}, fmt.Errorf("layout: %q ends with a lone %%: %s", s, layoutHint)
		}
		if err := flush(&out, &literal, s); err != nil {
			return layout{}, err
		}
		part, ok := layoutPart(s[i])
		if !ok {
			return layout{}, fmt.Errorf("layout: %%%c in %q is not known: %s", s[i], s, layoutHint)
		}
		has[s[i]] = true
		if s[i] == 'f' { // the parser takes a fraction after any seconds
			whole := strings.TrimRight(out.String(), ".,")
			out.Reset()
			out.WriteString(whole)
		}
		out.WriteString(part)
	}
	if err := flush(&out, &literal, s); err != nil {
		return layout{}, err
	}
	l.goes, l.zoned, l.halves = out.String(), has['z'], has['p']
	return l, l.complete(s, has)
}

func layoutPart(c byte) (part string, ok bool) {
	parts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "1", 'd': "2", 'e': "2", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'H': "15", 'I': "3", 'l': "3", 'M': "04", 'S': "05", 'f': "", 'p': "PM", 'z': "Z0700", '%': "%",
	}
	part, ok = parts[c]
	return part, ok
}

// flush writes what stands between the parts of a layout. Package time would take some of it for a part.
func flush(out, literal *strings.Builder, s string) error {
	text := literal.String()
	literal.Reset()
	odd := time.Date(1987, time.November, 24, 19, 48, 56, 123456789, time.FixedZone("XYZ", 5*60*60+30*60))
	if odd.Format(text) != text || strings.ContainsAny(text, "0123456789") {
		return fmt.Errorf("layout: %q in %q means something else here: %s", text, s, layoutHint)
	}
	out.WriteString(text)
	return nil
}

// complete checks that the layout makes a date, and notes how exact it is.
func (l *layout) complete(s string, has map[byte]bool) error {
	for _, need := range []struct{ name, any string }{{"year", "Yy"}, {"month", "mbB"}, {"day", "de"}} {
		found := false
		for i := range len(need.any) {
			found = found || has[need.any[i]]
		}
		if !found {
			return fmt.Errorf("layout: %q has no %s: %s", s, need.name, layoutHint)
		}
	}
	if (has['I'] || has['l']) && !has['p'] {
		return fmt.Errorf("layout: %q has an hour of twelve without %%p", s)
	}
	switch {
	case has['f']:
		l.finest = event.PrecisionMicro
	case has['S']:
		l.finest = event.PrecisionSecond
	case has['H'], has['I'], has['l']:
		l.finest = event.PrecisionMinute
	}
	return nil
}

// moment is a time as read.
type moment struct {
	filekit.LocalTime
	day, minute string // as printed, in no zone
}

// read makes a time of what is printed; ok is false where it cannot be read.
func (l layout) read(s string, zone *time.Location) (m moment, ok bool) {
	s = strings.TrimSpace(strings.NewReplacer("\u202f", " ", "\u00a0", " ", "\u2009", " ").Replace(s))
	if l.unit > 0 {
		return l.readUnix(s)
	}
	at, err := time.Parse(l.goes, s)
	if err != nil && l.halves {
		at, err = time.Parse(l.goes, strings.ToUpper(strings.ReplaceAll(s, ".m.", "m")))
	}
	if err != nil {
		at, err = time.Parse(strings.Replace(l.goes, "Z0700", "Z07:00", 1), s)
	}
	if err != nil {
		return moment{}, false
	}
	m.day, m.minute = at.Format("2006-01-02"), at.Format("15:04")
	if l.zoned {
		m.Instant = event.NewInstant(at, l.precision(at))
		m.Zone = at.Format("-07:00")
		m.Instant = m.Bounded()
	} else {
		m.LocalTime = filekit.ReadLocal(at, l.precision(at), zone)
	}
	return m, !m.IsZero()
}

// precision is how exact the time is that is printed.
func (l layout) precision(at time.Time) event.Precision {
	switch {
	case l.finest < event.PrecisionMicro:
		return l.finest
	case at.Nanosecond() == 0:
		return event.PrecisionSecond
	case at.Nanosecond()%int(time.Millisecond) == 0:
		return event.PrecisionMilli
	}
	return event.PrecisionMicro
}

// readUnix reads seconds or thousandths since 1970.
func (l layout) readUnix(s string) (m moment, ok bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < -1<<45 || n > 1<<45 || strings.Trim(fraction, "0123456789") != "" {
		return moment{}, false
	}
	p := event.PrecisionSecond
	at := time.Unix(n, 0)
	if l.unit == time.Millisecond {
		at, p = time.UnixMilli(n), event.PrecisionMilli
	} else if fraction != "" {
		micro, err := strconv.Atoi((fraction + "000000")[:6])
		if err != nil {
			return moment{}, false
		}
		at, p = at.Add(time.Duration(micro)*time.Microsecond), event.PrecisionMicro
	}
	m.Instant = event.NewInstant(at, p).Bounded()
	m.day, m.minute = at.UTC().Format("2006-01-02"), at.UTC().Format("15:04")
	return m, !m.IsZero()
}
