package whatsapp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// order says which number of a date is which.
type order string

// The orders that phones print.
const (
	dayFirst   order = "day/month/year"
	monthFirst order = "month/day/year"
	yearFirst  order = "year/month/day"
	yearDay    order = "year/day/month"
)

// civil is a date of no zone.
type civil struct{ year, month, day int }

func (d civil) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day) }

func (d civil) time() time.Time {
	return time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC)
}

// date reads the numbers of a stamp. It refuses what no calendar has.
func (o order) date(n [3]int) (civil, bool) {
	var d civil
	switch o {
	case dayFirst:
		d = civil{n[2], n[1], n[0]}
	case monthFirst:
		d = civil{n[2], n[0], n[1]}
	case yearFirst:
		d = civil{n[0], n[1], n[2]}
	case yearDay:
		d = civil{n[0], n[2], n[1]}
	}
	if d.year < 100 {
		d.year += 2000
	}
	if d.year < 2000 || d.year > 2099 || d.month < 1 || d.month > 12 || d.day < 1 {
		return d, false
	}
	if d.day > 28 && d.time().Day() != d.day {
		return d, false
	}
	return d, true
}

// survey is what a whole file says of how to read each of its lines.
type survey struct {
	Style   style `json:"style"`
	Order   order `json:"order"`
	Assumed bool  `json:"assumed,omitempty"` // the file fits both orders of day and month
	// Names have a colon and a space in them: by what stands before it.
	Names map[string]string `json:"names,omitempty"`
}

// candidate is an order that a file may have, and what speaks against it.
type candidate struct {
	order   order
	invalid int // dates that no calendar has
	back    int // dates before the one before
	jumps   int // dates more than ten months after the one before: those of one who takes the day for the year
	last    time.Time
}

// cost weighs an impossible date like two that are out of order: a message may be late, and headers may be pasted.
func (c *candidate) cost() int { return 2*c.invalid + c.back + c.jumps }

const longJump = 300 * 24 * time.Hour

func (c *candidate) add(n [3]int) {
	d, ok := c.order.date(n)
	if !ok {
		c.invalid++
		return
	}
	t := d.time()
	switch {
	case c.last.IsZero():
	case t.Before(c.last):
		c.back++
	case t.Sub(c.last) > longJump:
		c.jumps++
	}
	c.last = t
}

// surveyor looks at all headers of a file in one pass.
type surveyor struct {
	style      style
	candidates []candidate
	last       [3]int
	names      map[string]*colon
}

// colon is how often a name was seen, and the second part of it that every message has so far.
type colon struct {
	seen int
	part string
}

const (
	// colonNames bounds memory: a group has at most 1024 members, an export may have seen more come and go.
	colonNames = 4096
	// colonSeen messages with the same words before a second colon are a name; fewer may be chance.
	colonSeen = 3
	// colonPart is longer than any part of a name: WhatsApp allows names of 25 characters, address books a little more.
	colonPart = 40
)

func newSurveyor(s style) *surveyor {
	orders := []order{dayFirst, monthFirst, yearFirst} // of equals the first is taken
	switch {
	case s.YearFirst:
		orders = []order{yearFirst, yearDay}
	case s.YearLast:
		orders = orders[:2]
	}
	v := &surveyor{style: s, names: map[string]*colon{}}
	for _, o := range orders {
		v.candidates = append(v.candidates, candidate{order: o})
	}
	return v
}

// line takes the next line of the file.
func (v *surveyor) line(text string) {
	h, ok := parseHeader(text)
	if !ok || h.style != v.style {
		return
	}
	if h.stamp.numbers != v.last {
		v.last = h.stamp.numbers
		for i := range v.candidates {
			v.candidates[i].add(h.stamp.numbers)
		}
	}
	if name, said, ok := strings.Cut(h.rest, ": "); ok {
		v.name(name, said)
	}
}

func (v *surveyor) name(name, said string) {
	part, _, ok := strings.Cut(said, ": ")
	if !ok || part == "" || len(part) > colonPart {
		part = ""
	}
	c := v.names[name]
	switch {
	case c == nil && len(v.names) < colonNames:
		v.names[strings.Clone(name)] = &colon{1, strings.Clone(part)}
	case c != nil:
		c.seen++
		if c.part != part {
			c.part = ""
		}
	}
}

// decide says what the file told. hint is asked where the dates fit two orders alike.
func (v *surveyor) decide(hint func() (order, bool)) survey {
	best := &v.candidates[0]
	for i := range v.candidates {
		c := &v.candidates[i]
		if c.cost() < best.cost() || c.cost() == best.cost() && c.invalid < best.invalid {
			best = c
		}
	}
	out := survey{Style: v.style, Order: best.order}
	// The first two candidates differ in day and month alone.
	if a, b := &v.candidates[0], &v.candidates[1]; best.order != yearFirst && a.cost() == b.cost() && a.invalid == b.invalid {
		o, sure := hint()
		if o != "" {
			out.Order = o
		}
		out.Assumed = !sure
	}
	for name, c := range v.names {
		if c.seen >= colonSeen && c.part != "" {
			if out.Names == nil {
				out.Names = map[string]string{}
			}
			out.Names[name] = c.part
		}
	}
	return out
}

// styleOf finds the style of most headers in the first lines of a file; of equals, the one that comes first.
func styleOf(head []byte) (style, bool) {
	type count struct {
		style style
		n     int
	}
	var counts []count
	for b := range bytes.Lines(head) {
		h, ok := parseHeader(string(bytes.TrimRight(b, "\r\n")))
		if !ok {
			continue
		}
		i := slices.IndexFunc(counts, func(c count) bool { return c.style == h.style })
		if i < 0 {
			i, counts = len(counts), append(counts, count{style: h.style})
		}
		counts[i].n++
	}
	var best count
	for _, c := range counts {
		if c.n > best.n {
			best = c
		}
	}
	return best.style, best.n > 0
}

// hint is what separators and the phone's language say of the order of day and month; sure if nobody prints it otherwise.
// Of the languages that are known only English is printed with the month first, in the United States, which print capital
// AM and PM, two digits of the year and no zeros.
func hint(head []byte, s style, p *phrases) (o order, sure bool) {
	if s.YearFirst {
		return yearFirst, true
	}
	if s.Separator == '.' {
		return dayFirst, true
	}
	american := s.Separator == '/' && !s.YearLast
	langs := map[string]int{}
	for b := range bytes.Lines(head) {
		h, ok := parseHeader(string(bytes.TrimRight(b, "\r\n")))
		if !ok || h.style != s {
			continue
		}
		american = american && h.stamp.capitals && !h.stamp.padded
		if l := p.language(h.rest); l != "" {
			langs[l]++
		}
	}
	english := langs["en"]
	for l, n := range langs {
		if l != "en" && n > english {
			return dayFirst, true
		}
	}
	if american && english > 0 {
		return monthFirst, false
	}
	return "", false
}
