package event

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"maps"
	"strings"
	"time"
	"unicode"
)

// Merge joins two copies of the same event (equal ids) that differ in what they know. Of times the better known one is kept, in the zone
// that was named last (MergeSent), of texts those that were read in the surer charset; everything else is joined leaf by leaf, so that nothing
// that only one copy holds is lost: where both hold something, the longer one is kept, then the one that sorts first. The result is
// the same in whichever order, grouping or number copies come. Provenance (Account, Seen, Raw) is the first one's: it
// belongs to a copy, not to the event.
func Merge(a, b *Event) *Event {
	out := *a
	out.Sent, out.Reading = MergeSent(a.Sent, a.Reading, b.Sent, b.Reading)
	r := &out.Reading
	r.AsOf = max(a.Reading.AsOf, b.Reading.AsOf)
	r.Swapped = a.Reading.Swapped || b.Reading.Swapped || ownTime(a.Sent, a.Reading).isSwapped(ownTime(b.Sent, b.Reading))
	surer := a
	switch c := a.Reading.compareCharset(b.Reading); {
	case c == 0:
		out.Author, out.Body = fuller(a.Author, b.Author), mergeBody(a, b, r)
		r.Unversioned = mergeUnversioned(a, b)
		r.Charset, r.CharsetNamed = a.Reading.Charset, a.Reading.CharsetNamed
		r.Differs = a.Reading.Differs || b.Reading.Differs || differ(a.Body, b.Body)
		out.mergeDoubts(a, b)
		return &out
	case c < 0:
		surer = b
	}
	out.Author, out.Body, r.Unversioned = surer.Author, surer.Body, surer.Reading.Unversioned
	r.Charset, r.CharsetNamed = surer.Reading.Charset, surer.Reading.CharsetNamed
	r.Differs = surer.Reading.Differs
	r.keepLeaves(surer)
	out.mergeDoubts(a, b)
	return &out
}

// differ reports whether two messages have different texts, white space and invisible characters aside. No text differs from none.
func differ(a, b Body) bool {
	ma, _ := a.(*Message)
	mb, _ := b.(*Message)
	if ma == nil || mb == nil || ma.Text == mb.Text {
		return false
	}
	va, vb := visible(ma.Text), visible(mb.Text)
	return va != "" && vb != "" && va != vb
}

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !isVisible(r) {
			return -1
		}
		return r
	}, s)
}

func isVisible(r rune) bool { return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) }

// textRank orders the copies of a message by whose text is kept: one whose source reports whether it was edited comes before one that may be of a
// later version, and any text before none.
func textRank(e *Event) int {
	m, ok := e.Body.(*Message)
	switch {
	case !ok || !strings.ContainsFunc(m.Text, isVisible):
		return 0
	case e.Reading.Unversioned:
		return 1
	}
	return 2
}

// mergeUnversioned reports whether the text that is kept may be of a later version.
func mergeUnversioned(a, b *Event) bool {
	if ra, rb := textRank(a), textRank(b); ra != rb {
		return pick(ra > rb, a, b).Reading.Unversioned
	}
	return a.Reading.Unversioned && b.Reading.Unversioned
}

// mergeDoubts takes the details that say what else a time may be from the copy whose time is kept: those of another time do not apply to
// it. A time that is read in the zone of another copy has its own.
func (e *Event) mergeDoubts(a, b *Event) {
	m, ok := e.Body.(*Message)
	if !ok {
		return
	}
	own, first, second := ownTime(e.Sent, e.Reading), ownTime(a.Sent, a.Reading), ownTime(b.Sent, b.Reading)
	doubts := map[string]string{}
	switch {
	case e.Reading.Printed != (Printed{}):
		_, other, skipped := own.in(e.Sent.Zone)
		if !other.IsZero() {
			doubts[DetailSentOr] = other.Format(time.RFC3339)
		}
		if skipped {
			doubts[DetailSkippedHour] = "true"
		}
	case first == second:
		return
	default:
		from, ok := pick(own == first, a, b).Body.(*Message)
		if !ok {
			return
		}
		doubts = from.Details
	}
	e.Body = m.withDoubts(doubts)
}

// withDoubts returns the message with the details that say what else its time may be.
func (m *Message) withDoubts(doubts map[string]string) *Message {
	for _, key := range [...]string{DetailSentOr, DetailSkippedHour} {
		value, has := doubts[key]
		if m.Details[key] == value {
			continue
		}
		changed := *m
		if changed.Details = maps.Clone(m.Details); changed.Details == nil {
			changed.Details = map[string]string{}
		}
		if changed.Details[key] = value; !has {
			delete(changed.Details, key)
		}
		if len(changed.Details) == 0 {
			changed.Details = nil
		}
		m = &changed
	}
	return m
}

// compareCharset is positive where a's texts are surer than b's: those that were UTF-8, then those whose charset was named last, then
// those whose charset was guessed, then those with damaged bytes.
func (r Reading) compareCharset(o Reading) int {
	rank := func(r Reading) int {
		switch {
		case r.Charset == "":
			return 3
		case r.CharsetNamed != 0:
			return 2
		case r.Charset != damagedCharset:
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(r), rank(o)), cmp.Compare(r.CharsetNamed, o.CharsetNamed), cmp.Compare(r.Charset, o.Charset))
}

// SurerCharset reports whether texts are read in a surer charset than o's: see compareCharset.
func (r Reading) SurerCharset(o Reading) bool { return r.compareCharset(o) > 0 }

// damagedCharset is charset.Damaged.
const damagedCharset = "utf-8"

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

func fuller[T any](a, b T) T {
	return pick(compareFullness(a, b) >= 0, a, b)
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
