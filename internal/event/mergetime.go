package event

import (
	"cmp"
	"time"
)

// Details that hold what else a time may be.
const (
	DetailSentOr      = "sent_or"
	DetailSkippedHour = "skipped_hour"
)

// Printed is a time as read by the copy whose date is kept.
type Printed struct {
	At        int64  `json:"at"` // Unix microseconds
	Zone      string `json:"zone"`
	ZoneNamed int64  `json:"zone_named,omitempty"`
}

// MergeSent joins two times of which either may be the better known one. Of two dates the better known one is kept: one whose zone
// the network gave, one whose day and month are sure, the more precise one, one whose zone was named later, the earlier. Of zones that
// were assumed the one that was named last wins, whichever copy the date is of: what the clocks showed is read in it. Their part of
// the reading comes with them.
func MergeSent(a Instant, ra Reading, b Instant, rb Reading) (Instant, Reading) {
	if a == b && ra == rb {
		return a, ra
	}
	x, y := ownTime(a, ra), ownTime(b, rb)
	best, r := x, ra
	if x.compare(y) < 0 {
		best, r = y, rb
	}
	r.ZoneNamed, r.DateGuessed, r.Printed = best.named, best.guessed, Printed{}
	zone := laterZone(zoneOf(a, ra), zoneOf(b, rb))
	if !best.isOpen() || laterZone(zone, namedZone{best.Zone, best.named}) == (namedZone{best.Zone, best.named}) {
		return best.Instant, r
	}
	r.Printed = Printed{At: best.At.UnixMicro(), Zone: best.Zone, ZoneNamed: best.named}
	r.ZoneNamed = zone.named
	out := best.Instant
	out.At, _, _ = best.in(zone.zone)
	out.Zone = zone.zone
	return out, r
}

// readTime is a time as one copy read it.
type readTime struct {
	Instant
	named   int64 // when its zone was
	guessed bool  // which number is the day
}

// ownTime is the time as the copy read it whose date it is.
func ownTime(i Instant, r Reading) readTime {
	t := readTime{Instant: i, named: r.ZoneNamed, guessed: r.DateGuessed}
	if p := r.Printed; p != (Printed{}) {
		t.At, t.Zone, t.named = time.UnixMicro(p.At).UTC(), p.Zone, p.ZoneNamed
	}
	return t
}

// isOpen reports whether the zone is assumed and may be another. Without a name it is our own clock's.
func (t readTime) isOpen() bool { return t.Assumed && t.Zone != "" && !t.IsZero() }

// compare is positive if t is known better.
func (t readTime) compare(o readTime) int {
	known := cmp.Or(compareBool(!t.IsZero(), !o.IsZero()), compareBool(!t.isOpen(), !o.isOpen()), compareBool(!t.guessed, !o.guessed),
		cmp.Compare(t.Precision, o.Precision), compareBool(!t.Assumed, !o.Assumed))
	if known == 0 && t.isOpen() {
		known = cmp.Compare(t.named, o.named)
	}
	return cmp.Or(known, o.At.Compare(t.At), cmp.Compare(t.Zone, o.Zone), cmp.Compare(t.named, o.named))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// in reads what the clocks showed in another zone: where they showed it twice, at the first time, and other is the second one.
func (t readTime) in(zone string) (at, other time.Time, skipped bool) {
	from, err := time.LoadLocation(t.Zone)
	if err != nil {
		return t.At, time.Time{}, false
	}
	to := from
	if zone != t.Zone {
		if to, err = time.LoadLocation(zone); err != nil {
			return t.At, time.Time{}, false
		}
	}
	at, other, skipped = WallTime(t.At.In(from), to)
	if zone == t.Zone && !at.Equal(t.At) { // the copy knew which of two it is
		at, other = t.At, at
	}
	if !other.IsZero() {
		other = other.UTC()
	}
	return at.UTC(), other, skipped
}

// leastSwapped is less than any two days of a year are apart whose day and month are exchanged.
const leastSwapped = 24 * 24 * time.Hour

// isSwapped reports whether the clocks showed the same hour and minute in both copies, and dates whose day and month are exchanged, of which
// both copies are sure.
func (t readTime) isSwapped(o readTime) bool {
	if !t.isOpen() || !o.isOpen() || t.guessed || o.guessed || t.At.Sub(o.At).Abs() < leastSwapped {
		return false
	}
	x, errX := time.LoadLocation(t.Zone)
	y, errY := time.LoadLocation(o.Zone)
	if errX != nil || errY != nil {
		return false
	}
	a, b := t.At.In(x), o.At.In(y)
	return a.Year() == b.Year() && int(a.Month()) == b.Day() && a.Day() == int(b.Month()) && a.Hour() == b.Hour() && a.Minute() == b.Minute()
}

// namedZone is a zone that a user named, and when.
type namedZone struct {
	zone  string
	named int64
}

// zoneOf is the zone of a time that a user named; none if no user did.
func zoneOf(i Instant, r Reading) namedZone {
	if r.ZoneNamed == 0 || !ownTime(i, r).isOpen() {
		return namedZone{}
	}
	return namedZone{i.Zone, r.ZoneNamed}
}

// laterZone is the zone that was named later. One that was not named is before all others.
func laterZone(a, b namedZone) namedZone {
	return pick(b == (namedZone{}) || cmp.Or(cmp.Compare(a.named, b.named), cmp.Compare(a.zone, b.zone)) >= 0, a, b)
}
