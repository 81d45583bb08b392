package whatsapp

import (
	"github.com/agrichat/agrichat/producers/whatsapp/header"
	"slices"
	"strings"
)

// form is a second form of headers within a file, as where exports of two phones were put into one file.
type form struct {
	Style   header.Style `json:"style"`
	Order   header.Order `json:"order"`
	Assumed bool         `json:"assumed,omitempty"`
}

// forms are the headers of a file that are not of its own style. Most are pasted text. What is yet to be
// written cannot be pasted: headers that come after the message before them and before the next one are those of messages.
type forms struct {
	styles  []otherStyle
	last    header.Stamp // of the file's own style
	begun   bool
	waiting []*otherHeader // for the next header of that style
}

// otherStyle are the headers of one other style.
type otherStyle struct {
	style   header.Style
	n       int
	headers []*otherHeader
}

// otherHeader is a header of another style, and the times of the messages around it.
type otherHeader struct {
	stamp         header.Stamp
	sender        string
	before, after header.Stamp
	begun, ended  bool // there is one before, one after
}

const (
	formsFound  = 4   // styles that are looked at
	formHeaders = 512 // of one style that are looked at
	formLeast   = 2   // headers of a second form: a single one may be chance
)

// header takes a header of the file's own style.
func (f *forms) header(s *header.Stamp) {
	for _, p := range f.waiting {
		p.after, p.ended = *s, true
	}
	f.waiting, f.last, f.begun = f.waiting[:0], *s, true
}

// other takes a header of another style.
func (f *forms) other(h *header.Header, p *phrases) {
	if !p.follows(h.Rest) {
		return
	}
	i := slices.IndexFunc(f.styles, func(o otherStyle) bool { return o.style == h.Style })
	if i < 0 {
		if len(f.styles) == formsFound {
			return
		}
		i, f.styles = len(f.styles), append(f.styles, otherStyle{style: h.Style})
	}
	o := &f.styles[i]
	if o.n++; len(o.headers) == formHeaders {
		return
	}
	sender, _, _ := strings.Cut(h.Rest, ": ")
	one := &otherHeader{stamp: h.Stamp, sender: sender, before: f.last, begun: f.begun}
	o.headers, f.waiting = append(o.headers, one), append(f.waiting, one)
}

// follows reports whether what is after a date and time is what may follow a header.
func (p *phrases) follows(rest string) bool {
	if strings.Contains(rest, ": ") || strings.HasSuffix(rest, ":") {
		return true
	}
	_, ok := p.service(rest)
	return ok
}

// decide returns the forms that begin messages. own are the orders that the file's own dates may have: what is a message must not
// hang on a guess of theirs.
func (f *forms) decide(own []header.Order, user header.Order, names map[string]*senderStats) (out []form) {
	for i := range f.styles {
		o := &f.styles[i]
		if o.n < formLeast || !o.known(names) {
			continue
		}
		var fit []header.Order
		for _, mine := range o.style.Orders() {
			if !slices.ContainsFunc(own, func(of header.Order) bool { return !o.fits(mine, of) }) {
				fit = append(fit, mine)
			}
		}
		if len(fit) == 0 {
			continue
		}
		one := form{Style: o.style, Order: fit[0], Assumed: len(fit) > 1 && fit[0] == header.DayFirst && o.style.Separator != '.'}
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

// known reports whether a sender in the file's own style is one in this style too.
func (o *otherStyle) known(names map[string]*senderStats) bool {
	return slices.ContainsFunc(o.headers, func(p *otherHeader) bool { return names[p.sender] != nil })
}

// fits reports whether all headers are in order of time between those around them.
func (o *otherStyle) fits(mine, own header.Order) bool {
	return !slices.ContainsFunc(o.headers, func(p *otherHeader) bool {
		at, ok := p.stamp.Minutes(mine)
		if !ok {
			return true
		}
		before, ok := p.before.Minutes(own)
		if p.begun && (!ok || at < before) {
			return true
		}
		after, ok := p.after.Minutes(own)
		return p.ended && (!ok || at > after)
	})
}
