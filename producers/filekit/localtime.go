package filekit

import (
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// LocalTime is a time as a file prints it. Printed without a zone it may be one of two instants, where a clock was set back, or none, where
// one was set on.
type LocalTime struct {
	event.Instant
	Other   time.Time // the other instant of an hour that comes twice; zero: there is none
	Skipped bool      // the zone has no such hour
	Printed time.Time // without a zone, in UTC; zero if a zone was printed
}

// ReadLocal reads a time without a zone in the zone that the user named, nil for none, which is UTC. Of an hour that comes twice it takes
// the first instant.
func ReadLocal(printed time.Time, p event.Precision, zone *time.Location) LocalTime {
	if zone == nil {
		zone = time.UTC
	}
	first, second, skipped := producers.WallTime(printed, zone)
	t := LocalTime{Instant: event.NewInstant(first, p), Skipped: skipped, Printed: printed}
	if !second.IsZero() {
		t.Other = second.UTC()
	}
	t.Zone, t.Assumed = zone.String(), true
	t.Instant = t.Bounded()
	return t
}

// TakeOther exchanges the two instants of an hour that comes twice: the order of the messages says that it is the second.
func (t *LocalTime) TakeOther() { t.At, t.Other = t.Other, t.At }

// Changed is the time as revisions have it: the same whichever zone is named.
func (t *LocalTime) Changed() time.Time {
	if t.Printed.IsZero() {
		return t.At
	}
	return t.Printed
}

// Detail is what a message's details say of a time that its zone leaves open; empty if it leaves nothing open.
func (t *LocalTime) Detail() (key, value string) {
	switch {
	case t.Skipped:
		return producers.DetailSkippedHour, "true"
	case !t.Other.IsZero():
		return "sent_or", t.Other.Format(time.RFC3339)
	}
	return "", ""
}
