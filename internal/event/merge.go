package event

import (
	"bytes"
	"crypto/sha256"
	"time"
)

// Merge joins two copies of the same event (equal ids) that differ in what they know: the more precise time, the fuller
// body and author, then the lower hash. The result is the same in whichever order, grouping or number copies come.
// Provenance (Account, Seen, Raw) is the first one's: it belongs to a copy, not to the event.
func Merge(a, b *Event) *Event {
	out := *a
	out.Sent = MergeInstant(a.Sent, b.Sent)
	out.Author = fuller(a.Author, b.Author)
	out.Body = fuller(a.Body, b.Body)
	return &out
}

// MergeInstant picks the instant that is known better: the more precise one, one whose zone is not assumed, the earlier.
func MergeInstant(a, b Instant) Instant {
	switch {
	case a.IsZero():
		return b
	case b.IsZero():
		return a
	case a.Precision != b.Precision:
		return pick(a.Precision > b.Precision, a, b)
	case a.Assumed != b.Assumed:
		return pick(b.Assumed, a, b)
	case !a.At.Equal(b.At):
		return pick(a.At.Before(b.At), a, b)
	}
	return pick(a.Zone >= b.Zone, a, b)
}

// Later reports whether a is later than b; no time is before every time.
func (i Instant) Later(than Instant) bool { return i.At.After(than.At) }

// Bounded returns the instant if a database can hold it, else zero: years before 1 or after 9999 are not times of chats.
func (i Instant) Bounded() Instant {
	utc := i.At.UTC() // a foreign envelope may name another zone, and its year may end at another time
	if y := utc.Year(); i.IsZero() || y < 1 || y > 9999 {
		return Instant{}
	}
	i.At = utc.Truncate(time.Microsecond)
	return i
}

func fuller[T any](a, b T) T {
	ab, errA := marshal(a)
	bb, errB := marshal(b)
	switch {
	case errA != nil || errB != nil: // bodies are plain structs: they always encode
		return a
	case bytes.Equal(ab, bb):
		return a
	case len(ab) != len(bb):
		return pick(len(ab) > len(bb), a, b)
	}
	ha, hb := sha256.Sum256(ab), sha256.Sum256(bb)
	return pick(bytes.Compare(ha[:], hb[:]) < 0, a, b)
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
