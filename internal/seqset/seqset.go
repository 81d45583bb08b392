// Package seqset is a set of stream sequences as a few spans: the sequences in the ledger, and those that imports have published.
//
// It promises the text form of PostgreSQL's int8multirange both ways. It is not safe for concurrent use.
package seqset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Span is the sequences First to Last, both in it.
type Span struct{ First, Last uint64 }

// Set is a set of sequences. The zero value is empty and ready.
type Set struct {
	spans []Span // sorted, with at least one missing sequence between two
}

// Of returns the set of the given sequences.
func Of(seqs ...uint64) Set {
	var s Set
	for _, q := range seqs {
		s.Add(q, q)
	}
	return s
}

// Add puts first to last into the set. Adding in rising order is cheap.
func (s *Set) Add(first, last uint64) {
	if last < first {
		return
	}
	// The spans that touch the new one: from i up to j.
	i, _ := slices.BinarySearchFunc(s.spans, first, func(sp Span, f uint64) int {
		if sp.Last+1 < f {
			return -1
		}
		return 1
	})
	j := i
	for j < len(s.spans) && s.spans[j].First <= last+1 {
		first, last = min(first, s.spans[j].First), max(last, s.spans[j].Last)
		j++
	}
	s.spans = slices.Replace(s.spans, i, j, Span{first, last})
}

// Union puts all of t into the set.
func (s *Set) Union(t Set) {
	for _, sp := range t.spans {
		s.Add(sp.First, sp.Last)
	}
}

// Has reports whether q is in the set.
func (s Set) Has(q uint64) bool {
	_, found := slices.BinarySearchFunc(s.spans, q, func(sp Span, q uint64) int {
		switch {
		case sp.Last < q:
			return -1
		case sp.First > q:
			return 1
		}
		return 0
	})
	return found
}

// Missing returns what of first to last is not in the set.
func (s Set) Missing(first, last uint64) Set {
	var out Set
	for _, sp := range s.spans {
		if sp.Last < first {
			continue
		}
		if sp.First > last || first > last {
			break
		}
		if sp.First > first {
			out.Add(first, sp.First-1)
		}
		first = sp.Last + 1
	}
	out.Add(first, last)
	return out
}

// Spans returns the spans in rising order; the caller must not change them.
func (s Set) Spans() []Span { return s.spans }

// Len returns how many sequences are in the set.
func (s Set) Len() uint64 {
	var n uint64
	for _, sp := range s.spans {
		n += sp.Last - sp.First + 1
	}
	return n
}

// Bounds returns the lowest and the highest sequence; zeros if the set is empty.
func (s Set) Bounds() (first, last uint64) {
	if len(s.spans) == 0 {
		return 0, 0
	}
	return s.spans[0].First, s.spans[len(s.spans)-1].Last
}

// String returns the set as PostgreSQL writes an int8multirange: "{[1,4),[7,8)}".
func (s Set) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, sp := range s.spans {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%d,%d)", sp.First, sp.Last+1)
	}
	b.WriteByte('}')
	return b.String()
}

// Parse reads what String and PostgreSQL write.
func Parse(text string) (Set, error) {
	var s Set
	body, ok := strings.CutPrefix(text, "{")
	if ok {
		body, ok = strings.CutSuffix(body, "}")
	}
	if !ok {
		return Set{}, fmt.Errorf("%q is not a multirange", text)
	}
	for body != "" {
		var one string
		one, body, _ = strings.Cut(strings.TrimPrefix(body, ","), ")")
		lo, hi, found := strings.Cut(strings.TrimPrefix(one, "["), ",")
		first, errLo := strconv.ParseUint(lo, 10, 63)
		end, errHi := strconv.ParseUint(hi, 10, 63)
		if !found || errLo != nil || errHi != nil || end <= first {
			return Set{}, fmt.Errorf("reading the multirange %q: %q is not a range of sequences", text, one)
		}
		s.Add(first, end-1)
	}
	return s, nil
}
