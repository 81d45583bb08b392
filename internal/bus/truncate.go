package bus

import (
	"fmt"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// factFloor is the length that no string is cut below while a longer one can be cut, or an id can be kept.
const factFloor = 4 << 10

// single makes a message of one fact that is too large as it is. It compresses the fact; if that does not suffice, it truncates
// a copy. The result depends on nothing but the fact and the limit.
func (b *Bus) single(f *fact.Batch, data []byte, hard int) (parcel, error) {
	full := len(data)
	p, err := compressed(f, data, hard)
	if err != nil || len(p.data) <= hard {
		return p, err
	}
	short, parts := f.Truncatable()
	for len(p.data) > hard {
		if !shorten(parts, excess(len(data), len(p.data), hard)) {
			return p, fault.AsPoison(fmt.Errorf("%w: a fact of channel %s takes %d bytes and %d are possible; raise max_payload",
				nats.ErrMaxPayload, cut(f.Channel, min(len(f.Channel), 100)), len(p.data), hard))
		}
		if data, err = fact.Encode(short); err != nil {
			return p, fault.AsPoison(err)
		}
		if p, err = compressed(short, data, hard); err != nil {
			return p, err
		}
	}
	b.cfg.Log.Warn("a fact is too large and is published truncated; Postgres holds all of it; raise max_payload to publish such facts whole",
		"thing", cut(thing(f), min(len(thing(f)), 100)), "bytes", full, "limit", hard, "truncated_bytes", len(data), "total", b.truncated.Add(1))
	return p, nil
}

// compressed makes a message of facts, compressed only if they do not fit otherwise: only our own consumer reads them then.
func compressed(f *fact.Batch, data []byte, hard int) (p parcel, err error) {
	p = parcel{subject: FactSubject(f.Source, f.Namespace, f.Channel), data: data}
	if len(data) <= hard {
		return p, nil
	}
	p.header = nats.Header{EncodingHeader: {"gzip"}}
	p.data, err = deflate(data)
	return p, err
}

// excess is about how many of raw bytes must go so that what compresses to size fits into limit.
func excess(raw, size, limit int) int { return int(float64(raw) * float64(size-limit) / float64(size)) }

// shorten takes away one list or about so many bytes of one string, and reports whether there was anything to take.
func shorten(l *fact.Parts, bytes int) bool {
	return dropLargest(l.References, factFloor) || dropLargest(l.Lists, factFloor) || cutLongest(l.Texts, bytes) ||
		dropLargest(l.References, 0) || dropLargest(l.Lists, 0) || cutLongest(l.IDs, bytes)
}

// dropLargest empties the largest list of more than floor bytes.
func dropLargest(lists []*[]string, floor int) bool {
	var largest *[]string
	most := floor
	for _, l := range lists {
		n := 0
		for _, s := range *l {
			n += len(s) + len(`"",`)
		}
		if n > most {
			largest, most = l, n
		}
	}
	if largest == nil {
		return false
	}
	*largest = nil
	return true
}

// cutLongest cuts about so many encoded bytes, and a little more, off the longest string. Where compression is uneven, a
// repetition takes the rest.
func cutLongest(strings []*string, bytes int) bool {
	var longest *string
	most := factFloor
	for _, s := range strings {
		if len(*s) > most {
			longest, most = s, len(*s)
		}
	}
	if longest == nil {
		return false
	}
	*longest = cut(*longest, max(most-int(float64(bytes)*float64(most)/float64(encodedLen(*longest)))-most/32-1, factFloor-utf8.UTFMax))
	return true
}

// encodedLen is how many bytes a string takes in a fact, escapes included.
func encodedLen(s string) int {
	data, err := fact.Encode(&fact.Batch{RepublishID: s})
	if err != nil { // impossible: only times cannot be encoded
		return len(s)
	}
	return len(data)
}

// thing is what the first fact of a batch is about.
func thing(f *fact.Batch) string {
	switch {
	case len(f.Messages) > 0:
		return f.Messages[0].Thing
	case len(f.Reactions) > 0:
		return f.Reactions[0].Thing
	case len(f.Memberships) > 0:
		return f.Memberships[0].Thing
	case len(f.Identities) > 0:
		return f.Identities[0].Key
	}
	return f.ChannelKey
}
