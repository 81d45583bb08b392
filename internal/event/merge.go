package event

import (
	"bytes"
	"cmp"
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
	out.Body = fullerBody(a.Body, b.Body)
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
	return pick(compareFullness(a, b) >= 0, a, b)
}

// fullerBody takes of two polls that differ in their results alone the one that Compare puts last: the length of numbers says
// nothing of them.
func fullerBody(a, b Body) Body {
	ma, _ := a.(*Message)
	mb, _ := b.(*Message)
	if ma == nil || mb == nil || ma.Poll == nil || mb.Poll == nil {
		return fuller(a, b)
	}
	sa, sb := *ma, *mb
	sa.Poll, sb.Poll = ma.Poll.WithoutResults(), mb.Poll.WithoutResults()
	c := cmp.Or(compareFullness(&sa, &sb), ma.Poll.Compare(mb.Poll), compareFullness(ma, mb))
	return pick(c >= 0, a, b)
}

// compareFullness is positive if a is the fuller one: its JSON is longer, or as long and of the lower hash.
func compareFullness[T any](a, b T) int {
	ab, errA := marshal(a)
	bb, errB := marshal(b)
	switch {
	case errA != nil || errB != nil: // bodies are plain structs: they always encode
		return 0
	case bytes.Equal(ab, bb):
		return 0
	case len(ab) != len(bb):
		return cmp.Compare(len(ab), len(bb))
	}
	ha, hb := sha256.Sum256(ab), sha256.Sum256(bb)
	return bytes.Compare(hb[:], ha[:])
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
