package whatsapp

import (
	"bytes"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// survey is what a whole file says of how to read each of its lines.
type survey struct {
	Style   header.Style `json:"style"`
	Order   header.Order `json:"order"`
	Assumed bool         `json:"assumed,omitempty"` // the file fits both orders of day and month
	// Overruled says that the user named an order that the file does not have.
	Overruled bool   `json:"overruled,omitempty"`
	Forms     []form `json:"forms,omitempty"` // other headers that begin messages too
	CR        bool   `json:"cr,omitempty"`    // lines end with a carriage return alone
	// Names have a colon and a space in them: by what is before it.
	Names map[string]string `json:"names,omitempty"`
	// Services begin lines of WhatsApp's own that look like a sender's, such as "Ann added Work" of "Ann added Work: Bob".
	Services []string `json:"told,omitempty"`
}

// orderOf returns how dates of a header are read; open says that day and month could be either way round. It is empty for the header
// of no message.
func (s *survey) orderOf(st header.Style) (o header.Order, open bool) {
	if st == s.Style {
		return s.Order, s.Assumed
	}
	for i := range s.Forms {
		if s.Forms[i].Style == st {
			return s.Forms[i].Order, s.Forms[i].Assumed
		}
	}
	return "", false
}

// candidate is an order that a file may have, and the evidence against it.
type candidate struct {
	order   header.Order
	invalid int // dates that no calendar has
	back    int // dates before the one before
	jumps   int // dates more than ten months after the one before: those of one who takes the day for the year
	last    time.Time
}

// cost weighs an impossible date like two that are out of order: a message may be late, and headers may be pasted.
func (c *candidate) cost() int { return 2*c.invalid + c.back + c.jumps }

const longJump = 300 * 24 * time.Hour

func (c *candidate) add(n [3]int) {
	d, ok := c.order.Date(n)
	if !ok {
		c.invalid++
		return
	}
	t := d.Time()
	switch {
	case c.last.IsZero():
	case t.Before(c.last):
		c.back++
	case t.Sub(c.last) > longJump:
		c.jumps++
	}
	c.last = t
}

// equals reports whether the evidence against both is equal.
func (c *candidate) equals(o *candidate) bool { return c.cost() == o.cost() && c.invalid == o.invalid }

// better reports whether there is less evidence against c.
func (c *candidate) better(o *candidate) bool {
	return c.cost() < o.cost() || c.cost() == o.cost() && c.invalid < o.invalid
}

// surveyor looks at all headers of a file in one pass.
type surveyor struct {
	style      header.Style
	phrases    *phrases
	candidates []candidate
	last       [3]int
	eastern    bool
	names      map[string]*senderStats
	forms      forms
	seed       maphash.Seed
}

// senderStats is how often a name was seen, and the second part of it that every message has so far.
type senderStats struct {
	seen    int
	prefix  string
	first   string // what came first after the name, if that has no second part
	service *match // the service line that the first message with this name may be
	last    uint64 // the hash of the last message that has a second part
}

const (
	// colonNames bounds memory: a group has at most 1024 members, an export may have seen more come and go.
	colonNames = 4096
	// colonSeen messages with the same words before a second colon are a name; fewer may be chance.
	colonSeen = 3
	// colonPart is longer than any part of a name: WhatsApp allows names of 25 characters, address books a little more.
	colonPart = 40
)

func newSurveyor(s header.Style, p *phrases) *surveyor {
	v := &surveyor{style: s, phrases: p, names: map[string]*senderStats{}, seed: maphash.MakeSeed()}
	for _, o := range s.Orders() {
		v.candidates = append(v.candidates, candidate{order: o})
	}
	return v
}

// line takes the next header of the file.
func (v *surveyor) line(h *header.Header) {
	if h.Style != v.style {
		v.forms.other(h, v.phrases)
		return
	}
	v.forms.header(&h.Stamp)
	v.eastern = v.eastern || h.Stamp.Eastern
	if h.Stamp.Numbers != v.last {
		v.last = h.Stamp.Numbers
		for i := range v.candidates {
			v.candidates[i].add(h.Stamp.Numbers)
		}
	}
	v.sender(h.Rest)
}

// sender takes what follows a header.
func (v *surveyor) sender(rest string) {
	if name, text, ok := strings.Cut(rest, ": "); ok {
		v.name(name, text)
	}
}

func (v *surveyor) name(name, text string) {
	part, _, ok := strings.Cut(text, ": ")
	if !ok || part == "" || len(part) > colonPart {
		part = ""
	}
	c := v.names[name]
	switch {
	case c == nil && len(v.names) < colonNames:
		c = &senderStats{seen: 1, prefix: strings.Clone(part), last: v.hashOf(part, text)}
		if part == "" {
			c.first = text[:min(len(text), longestPhrase)]
		}
		if m, ok := v.phrases.colonService(name + ": " + text); ok {
			c.service = &m
		}
		v.names[strings.Clone(name)] = c
	case c != nil:
		if last := v.hashOf(part, text); last == 0 || last != c.last { // the same message again is no evidence
			c.last = last
			c.seen++
		}
		c.join(v.phrases, name, part, text)
	}
}

// hashOf distinguishes messages with a second colon; zero for others.
func (v *surveyor) hashOf(part, text string) uint64 {
	if part == "" {
		return 0
	}
	return maphash.String(v.seed, text)
}

// join compares a further message's second part. Lines of WhatsApp's own, such as "Work: Bob left", are no messages of that name.
func (c *senderStats) join(p *phrases, name, part, text string) {
	if c.prefix == part {
		return
	}
	isService := func(part, text string) bool {
		if part == "" || !strings.HasPrefix(text, part) {
			return false
		}
		_, ok := p.serviceOf(name+": "+text, name, part)
		return ok
	}
	switch {
	case isService(c.prefix, text):
	case c.first != "" && isService(part, c.first):
		c.prefix, c.first = strings.Clone(part), ""
	default:
		c.prefix, c.first = "", ""
	}
}

// best returns the order with the least evidence against it.
func (v *surveyor) best() *candidate {
	best := &v.candidates[0]
	for i := range v.candidates {
		if c := &v.candidates[i]; c.better(best) || v.eastern && c.order == header.YearFirst && c.equals(best) {
			best = c
		}
	}
	return best
}

// equal are the orders that the file fits as well as the best one.
func (v *surveyor) equal(best *candidate) (out []header.Order) {
	for i := range v.candidates {
		if c := &v.candidates[i]; c.equals(best) {
			out = append(out, c.order)
		}
	}
	return out
}

// decide sums up what the file showed. Where its dates fit the order that the user named, that is taken; where they fit day and month either way
// round, and he named none, hint is asked.
func (v *surveyor) decide(user header.Order, hint func() (header.Order, bool)) survey {
	best := v.best()
	out, equal := survey{Style: v.style, Order: best.order}, v.equal(best)
	switch a, b := &v.candidates[0], &v.candidates[min(1, len(v.candidates)-1)]; {
	case a == b: // the month is a word
	case slices.Contains(equal, user):
		out.Order = user
	case (best == a || best == b) && a.equals(b):
		o, sure := hint()
		if o == a.order || o == b.order {
			out.Order = o
		}
		out.Assumed, out.Overruled = !sure, user != ""
	default:
		out.Overruled = user != ""
	}
	out.Forms = v.forms.decide(equal, user, v.names)
	for name, c := range v.names {
		if c.seen >= colonSeen && c.prefix != "" {
			if out.Names == nil {
				out.Names = map[string]string{}
			}
			out.Names[name] = c.prefix
		}
		if c.service != nil && v.known(c.service) {
			out.Services = append(out.Services, name)
		}
	}
	slices.Sort(out.Services)
	return out
}

// known reports whether the one who did what a service line says is somebody who writes in this file, or the owner of the account.
func (v *surveyor) known(m *match) bool {
	return m.actor == "" || v.phrases.you[m.actor] || v.names[m.actor] != nil
}

// lines parts the head of a file as its lines are parted, and takes off their ends.
func lines(head []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.SplitSeq(bytes.TrimRight(head, "\r\n"), []byte{lineEnd(head)}) {
			if !yield(string(producers.TrimEnd(line))) {
				return
			}
		}
	}
}

// lineEnd is a line feed, or a carriage return where there is no other end of a line.
func lineEnd(head []byte) byte {
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		return '\r'
	}
	return '\n'
}

// styleOf finds the style of most headers in the first lines of a file; of equals, the one that comes first.
func styleOf(head iter.Seq[string]) (header.Style, bool) {
	type count struct {
		style header.Style
		n     int
	}
	var counts []count
	for line := range head {
		h, ok := header.Parse(line)
		if !ok {
			continue
		}
		i := slices.IndexFunc(counts, func(c count) bool { return c.style == h.Style })
		if i < 0 {
			i, counts = len(counts), append(counts, count{style: h.Style})
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
// AM and PM, two digits of the year and no zeros: that alone is a guess worth more than none.
func hint(head iter.Seq[string], s header.Style, p *phrases) (o header.Order, sure bool) {
	if s.YearFirst {
		return header.YearFirst, true
	}
	if s.Separator == '.' {
		return header.DayFirst, true
	}
	american := s.Separator == '/' && !s.YearLast
	langs := map[string]int{}
	for line := range head {
		h, ok := header.Parse(line)
		if !ok || h.Style != s {
			continue
		}
		american = american && h.Stamp.Capitals && !h.Stamp.Padded
		if l := p.language(h.Rest); l != "" {
			langs[l]++
		}
	}
	english := langs["en"]
	for l, n := range langs {
		if l != "en" && n > english {
			return header.DayFirst, true
		}
	}
	if american {
		return header.MonthFirst, false
	}
	return "", false
}
