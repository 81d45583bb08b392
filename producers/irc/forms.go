package irc

import (
	"time"

	"github.com/agrichat/agrichat/producers"
)

// logForms is what the whole of a log tells of how its lines are meant. It looks only when a line needs it.
type logForms struct {
	file  producers.File
	order producers.DateOrder // as named
	found producers.DateOrder // in the file
	known bool
}

// date makes a day of the date that a line prints.
func (l *log) date(st *stamp, e *entry) {
	switch st.printed.kind {
	case fullDate:
		st.day, _ = st.printed.any()
	case yearless:
		var ok bool
		if st.day, ok = l.inYear(st.printed.n[1], st.printed.n[2]); !ok {
			e.yearless, e.keyed = true, civil{Month: st.printed.n[1], Day: st.printed.n[2]}
			return
		}
		st.guessed = l.at.Guessed
	}
}

// lookBack is how many days a date without a year may be before the line above: clocks are set back, and logs are joined.
const lookBack = 31

// inYear finds the year of a date that prints none: lines go on, so that it is the first one in which the date is not before those
// above it.
func (l *log) inYear(month, day int) (civil, bool) {
	last := l.at.today()
	if !last.known() {
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
