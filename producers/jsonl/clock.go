package jsonl

import (
	"fmt"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
)

// sent reads when a line's message was sent. Of an hour that comes twice the first pass is taken, unless the line before was sent after it and
// no later than the second one ends.
func (r *parser) sent(s string) (filekit.LocalTime, error) {
	m, err := r.moment("sent", s)
	if err == nil && !m.Other.IsZero() && m.At.Before(r.Before) && r.Before.Before(m.Other.Add(time.Hour)) {
		m.TakeOther()
	}
	if !m.IsZero() {
		r.Before = m.At
	}
	return m, err
}

func (r *parser) time(key, s string) (event.Instant, error) {
	m, err := r.moment(key, s)
	return m.Instant, err
}

// moment reads a time: RFC 3339, or without a zone, in one of a few lengths. A time that is there and cannot be read makes the
// whole line unreadable: its writer should know.
func (r *parser) moment(key, s string) (filekit.LocalTime, error) {
	if s == "" {
		return filekit.LocalTime{}, nil
	}
	s = strings.Replace(s, " ", "T", 1)
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		in := event.NewInstant(at, precision(s))
		if _, shift := at.Zone(); shift != 0 || !strings.HasSuffix(strings.ToUpper(s), "Z") {
			in.Zone = at.Format("-07:00")
		}
		return filekit.LocalTime{Instant: in.Bounded()}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		local, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		t := filekit.ReadLocal(local, precision(s), r.Options.Zone)
		if t.Precision < event.PrecisionMinute { // no hour is printed
			t.Other, t.Skipped = time.Time{}, false
		}
		return t, nil
	}
	return filekit.LocalTime{}, fmt.Errorf("%s is %q, which is no time such as 2024-05-01T12:00:00Z", key, s)
}

// precision is that of a printed time, by its length.
func precision(s string) event.Precision {
	clock := strings.TrimRight(s, "Zz")
	if _, c, ok := strings.Cut(clock, "T"); ok {
		clock = c
	} else {
		return event.PrecisionDay
	}
	if i := strings.IndexAny(clock, "+-"); i >= 0 {
		clock = clock[:i]
	}
	_, fraction, _ := strings.Cut(clock, ".")
	switch n := len(fraction); {
	case n > 3:
		return event.PrecisionMicro
	case n > 0:
		return event.PrecisionMilli
	case len(clock) > len("15:04"):
		return event.PrecisionSecond
	}
	return event.PrecisionMinute
}

// printed brings a time's words to those that content keys are made of: the wall time, in no zone.
func printed(s string) (day, minute string) {
	day, clock, _ := strings.Cut(strings.Replace(s, " ", "T", 1), "T")
	return day, clock[:min(len(clock), len("15:04"))]
}
