package whatsapp

import (
	"slices"
	"strings"
)

// form is a second form of headers within a file, as where exports of two phones were put into one file.
type form struct {
	Style   style `json:"style"`
	Order   order `json:"order"`
	Assumed bool  `json:"assumed,omitempty"`
}

// forms are the headers of a file that are not of its own style. Most are text that somebody pasted. Nobody can paste what is yet to
// be written: headers that come after the message before them and before the next one are those of messages.
type forms struct {
	found   []found
	last    stamp // of the file's own style
	begun   bool
	waiting []*pasted // for the next header of that style
}

// found are the headers of one other style.
type found struct {
	style   style
	n       int
	headers []*pasted
}

// pasted is a header of another style, and the times of the messages around it.
type pasted struct {
	stamp         stamp
	sender        string
	before, after stamp
	begun, ended  bool // there is one before, one after
}

const (
	formsFound  = 4   // styles that are looked at
	formHeaders = 512 // of one style that are looked at
	formLeast   = 2   // headers of a second form: a single one may be chance
)

// header takes a header of the file's own style.
func (f *forms) header(s *stamp) {
	for _, p := range f.waiting {
		p.after, p.ended = *s, true
	}
	f.waiting, f.last, f.begun = f.waiting[:0], *s, true
}

// other takes a header of another style.
func (f *forms) other(h *header, p *phrases) {
	if !p.follows(h.rest) {
		return
	}
	i := slices.IndexFunc(f.found, func(o found) bool { return o.style == h.style })
	if i < 0 {
		if len(f.found) == formsFound {
			return
		}
		i, f.found = len(f.found), append(f.found, found{style: h.style})
	}
	o := &f.found[i]
	if o.n++; len(o.headers) == formHeaders {
		return
	}
	sender, _, _ := strings.Cut(h.rest, ": ")
	one := &pasted{stamp: h.stamp, sender: sender, before: f.last, begun: f.begun}
	o.headers, f.waiting = append(o.headers, one), append(f.waiting, one)
}

// follows reports whether what stands after a date and time is what may follow a header.
func (p *phrases) follows(rest string) bool {
	if strings.Contains(rest, ": ") || strings.HasSuffix(rest, ":") {
		return true
	}
	_, ok := p.service(rest)
	return ok
}

// decide returns the forms that begin messages. own are the orders that the file's own dates may have: what is a message must not
// hang on a guess of theirs.
func (f *forms) decide(own []order, user order, names map[string]*colon) (out []form) {
	for i := range f.found {
		o := &f.found[i]
		if o.n < formLeast || !o.known(names) {
			continue
		}
		var fit []order
		for _, mine := range o.style.orders() {
			if !slices.ContainsFunc(own, func(of order) bool { return !o.fits(mine, of) }) {
				fit = append(fit, mine)
			}
		}
		if len(fit) == 0 {
			continue
		}
		one := form{Style: o.style, Order: fit[0], Assumed: len(fit) > 1 && fit[0] == dayFirst && o.style.Separator != '.'}
		switch {
		case slices.Contains(fit, user):
			one.Order, one.Assumed = user, false
		case len(own) == 1 && slices.Contains(fit, own[0]):
			one.Order = own[0]
		}
		out = append(out, one)
	}
	return out
}

// known reports whether somebody who writes in the file's own style writes in this one too.
func (o *found) known(names map[string]*colon) bool {
	return slices.ContainsFunc(o.headers, func(p *pasted) bool { return names[p.sender] != nil })
}

// fits reports whether all headers stand in order of time between those around them.
func (o *found) fits(mine, own order) bool {
	return !slices.ContainsFunc(o.headers, func(p *pasted) bool {
		at, ok := p.stamp.minutes(mine)
		if !ok {
			return true
		}
		before, ok := p.before.minutes(own)
		if p.begun && (!ok || at < before) {
			return true
		}
		after, ok := p.after.minutes(own)
		return p.ended && (!ok || at > after)
	})
}

// minutes counts a stamp's minutes, to compare it.
func (s *stamp) minutes(o order) (int64, bool) {
	d, ok := o.date(s.numbers)
	return d.time().Unix()/60 + int64(s.hour*60+s.minute), ok
}
