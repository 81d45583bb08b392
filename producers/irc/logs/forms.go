package logs

import (
	"strings"
	"sync"
	"time"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// conventions is how the lines of a log are to be read, found in the whole of it, and only when a line needs it.
type conventions struct {
	order  producers.DateOrder // as named
	found  func() producers.DateOrder
	colons func() bool
}

// newConventions looks at f when it is asked.
func newConventions(f producers.File, order producers.DateOrder) *conventions {
	return &conventions{
		order: order,
		found: sync.OnceValue(func() producers.DateOrder { return orderIn(f) }),
		colons: sync.OnceValue(func() bool {
			w := countLines(f.Head)
			return w.colonsOnly()
		}),
	}
}

// date makes a day of the date that a line prints. The content key of a date that could be either way round has the day first, however
// it is read, so that it is the same message in another order.
func (l *log) date(st *stamp, e *entry) {
	p := st.printed
	switch p.kind {
	case fullDate:
		st.day, _ = p.any()
	case yearless:
		var ok bool
		if st.day, ok = l.inYear(p.n[1], p.n[2]); !ok {
			e.yearless, e.keyed = true, civil{Month: p.n[1], Day: p.n[2]}
			return
		}
		st.guessed = l.at.Guessed
	case numeric:
		st.day, st.keyed, st.guessed = l.forms.day(p)
	}
}

// day makes a day of a date in numbers, and the day that content keys have if that is another reading.
func (f *conventions) day(p printedDate) (day, keyed civil, guessed bool) {
	day, guessed = p.in(f.dateOrder())
	if p.either() {
		keyed, _ = p.in(producers.DayFirst)
	}
	return day, keyed, guessed
}

// dateOrder is the order that the user named, or that the log shows; empty: neither.
func (f *conventions) dateOrder() producers.DateOrder {
	if f == nil {
		return ""
	}
	if f.order != "" {
		return f.order
	}
	return f.found()
}

// in makes a day of a date. guessed says that it could be another.
func (d printedDate) in(order producers.DateOrder) (c civil, guessed bool) {
	first, second := producers.DayFirst, producers.MonthFirst
	if order == producers.MonthFirst {
		first, second = second, first
	}
	try := func(order producers.DateOrder) (civil, bool) {
		if order == producers.MonthFirst {
			return newCivil(d.n[2], d.n[0], d.n[1])
		}
		return newCivil(d.n[2], d.n[1], d.n[0])
	}
	if order == producers.YearFirst && d.short {
		if c, ok := newCivil(century(d.n[0]), d.n[1], d.last); ok {
			return c, false
		}
	}
	c, ok := try(first)
	if !ok {
		c, _ = try(second)
	}
	return c, order == "" && !d.dotted && d.either()
}

// either reports whether a date could be either way round.
func (d printedDate) either() bool {
	return d.kind == numeric && d.n[0] <= 12 && d.n[1] <= 12 && d.n[0] != d.n[1]
}

// orderIn finds the order of a log's dates by one that can be read in one way only; empty: there is none.
func orderIn(f producers.File) producers.DateOrder {
	r, err := f.Open()
	if err != nil {
		return "" // reading the log says why
	}
	defer func() { _ = r.Close() }()
	in := newLines(r)
	for {
		line, err := in.next()
		if err != nil {
			return ""
		}
		head := line.bytes[:min(len(line.bytes), maxStamp)]
		st, _, ok := otherStamp(string(head))
		d := st.printed
		if h, isHeader := parseHeader(string(producers.TrimEnd(line.bytes))); isHeader {
			d, ok = h.printed, true
		}
		if ok && d.kind == numeric {
			switch {
			case d.n[0] > 12:
				return producers.DayFirst
			case d.n[1] > 12:
				return producers.MonthFirst
			}
		}
	}
}

// lookBack is how many days a date without a year may be before the line above: clocks are set back, and logs are joined.
const lookBack = 31

// inYear finds the year of a date that prints none: lines go on, so that it is the first one in which the date is not before those
// above it.
func (l *log) inYear(month, day int) (civil, bool) {
	last := l.at.today()
	if !last.isSet() {
		if l.at.Year == 0 {
			return civil{}, false
		}
		return newCivil(l.at.Year, month, day)
	}
	earliest := civilOf(time.Date(last.Year, time.Month(last.Month), last.Day-lookBack, 0, 0, 0, 0, time.UTC))
	for y := last.Year - 1; y <= last.Year+8; y++ { // there are 8 years between two leap years at most
		if d, ok := newCivil(y, month, day); ok && !d.before(earliest) {
			return d, true
		}
	}
	return civil{}, false
}

// colonBody reads "nick: text", as LimeChat and Pidgin write. It is read only in logs that have no "<nick>".
func colonBody(s string) (chatline.Line, bool) {
	nick, ok := colonNick(s)
	if !ok {
		return chatline.Line{}, false
	}
	return chatline.Message(chatline.BareNick(nick), strings.TrimPrefix(s[len(nick)+1:], " ")), true
}

// colonNick returns the nick before a colon.
func colonNick(s string) (string, bool) {
	if s == "" || strings.IndexByte("<*-=", s[0]) >= 0 {
		return "", false
	}
	word := s
	if end := strings.IndexByte(s, ' '); end >= 0 {
		word = s[:end]
	}
	nick, ok := strings.CutSuffix(word, ":")
	return nick, ok && isNick(chatline.BareNick(nick))
}

// inColons reports whether a line is one of a log of "nick: text".
func (f *conventions) inColons(body string) bool {
	_, ok := colonNick(body)
	return ok && f != nil && f.colons()
}
