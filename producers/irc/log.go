package irc

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// position is a place between two lines, and what of the lines before it decides how the next are read.
type position struct {
	Offset int64         `json:"offset"`
	Line   int           `json:"line"` // lines before it
	Day    civil         `json:"day,omitzero"`
	Clock  int           `json:"clock,omitempty"`  // the minute printed last, from 1; 0: none yet on this day
	Second bool          `json:"second,omitempty"` // the clock has gone back on this day
	Long   bool          `json:"long,omitempty"`   // inside a line that is too long
	Latest event.Instant `json:"latest,omitzero"`
}

// entry is what one line says.
type entry struct {
	said      said
	id        event.NativeID
	sent      event.Instant
	ambiguous bool
	reason    string // why the line is unparsed; empty if it is not
}

// log understands lines one after another. It is pure: the same lines from the same position give the same entries.
type log struct {
	at      position
	zone    *time.Location
	charset charset
	days    days
}

func newLog(zone *time.Location, cs charset, at position) log {
	return log{at: at, zone: zone, charset: cs, days: days{anchor: at}}
}

// read takes the next line. It reports whether the line says anything; blank lines and headers do not.
func (l *log) read(line line) (entry, bool) {
	here := l.at
	l.at.Offset += int64(len(line.bytes))
	if line.whole {
		l.at.Line++
	}
	if here.Long || !line.whole {
		l.at.Long = !line.whole
		return l.unparsed(here, line, "line is longer than 256 KiB"), true
	}
	text := strings.TrimLeft(l.charset.decode(line.text()), "\x00") // left by crashes
	if here.Offset == 0 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	if strings.TrimSpace(text) == "" {
		return entry{}, false
	}
	if h, ok := parseHeader(text); ok {
		if h.known {
			l.turn(h.day)
		}
		return entry{}, false
	}
	st, body, timed := takeStamp(text)
	if !timed {
		if after, ok := strings.CutPrefix(text, "=== "); ok {
			return l.untimed(here, line, after)
		}
		return l.unparsed(here, line, "line has no time at its start"), true
	}
	s, ok := parseBody(body, st.day.known())
	if s = s.clean(); !ok {
		return l.unparsed(here, line, "line is of no known form"), true
	}
	l.advance(st)
	e := entry{said: s, sent: st.instant(l.at.Day, l.zone, l.at.Second)}
	if e.sent.Later(l.at.Latest) {
		l.at.Latest = e.sent
	}
	l.name(&e, here, st.clock())
	return e, true
}

// advance moves the day and the clock on to a line's time. A clock that goes back by more than half a day has passed
// midnight (one of twelve hours goes back by less); one that goes back by less was set back, as in autumn.
func (l *log) advance(st stamp) {
	if st.day.known() {
		l.turn(st.day)
	}
	now := st.minuteOfDay() + 1
	if back := l.at.Clock - now; back > 12*60 && !st.day.known() && l.at.Day.known() {
		l.turn(l.at.Day.next())
	} else if back > 0 {
		l.at.Second = true
	}
	l.at.Clock = now
}

func (l *log) turn(d civil) {
	if d != l.at.Day {
		l.at.Day, l.at.Clock, l.at.Second = d, 0, false
	}
}

// name gives the entry its content key.
func (l *log) name(e *entry, here position, clock string) {
	author, text := e.said.key()
	day := l.at.Day.String()
	e.id, e.ambiguous = l.days.next(here, day, clock, author, text)
	if day == "" { // another day's equal line has the same key
		e.ambiguous = true
	}
}

// untimed reads a service line of the archives that print no time on those. It happened between its neighbours: its day is
// known, and the clock of the line before keeps it in order, but no more is claimed.
func (l *log) untimed(here position, line line, text string) (entry, bool) {
	s, ok := told(text)
	if s = s.clean(); !ok {
		return l.unparsed(here, line, "line is of no known form"), true
	}
	e := entry{said: s}
	var st stamp
	clock := ""
	if l.at.Clock > 0 {
		st.hour, st.minute = (l.at.Clock-1)/60, (l.at.Clock-1)%60
		clock = st.clock()
	}
	st.precision = event.PrecisionDay
	e.sent = st.instant(l.at.Day, l.zone, l.at.Second)
	l.name(&e, here, clock)
	return e, true
}

func (l *log) unparsed(here position, line line, reason string) entry {
	e := entry{reason: reason}
	clock := ""
	if l.at.Clock > 0 {
		clock = stamp{hour: (l.at.Clock - 1) / 60, minute: (l.at.Clock - 1) % 60}.clock()
	}
	// Its bytes name it, not its text: they may be of any charset.
	e.id, e.ambiguous = l.days.next(here, l.at.Day.String(), clock, "", "\x01unparsed\x01"+event.Digest(string(line.text())))
	return e
}

// days is the tally, and from where on a file must be read again to have the same tally.
type days struct {
	tally  producers.Tally
	begins []dayBegin // of the tally's days, in its order
	anchor position
}

type dayBegin struct {
	at position
	// late says that lines of an older day came after this one began: counting from here on would miss that they are old.
	late bool
}

func (d *days) next(here position, day, clock string, author event.AuthorID, text string) (event.NativeID, bool) {
	i := slices.IndexFunc(d.tally.Days, func(t producers.TallyDay) bool { return t.Day == day })
	for later := i + 1; i >= 0 && later < len(d.begins); later++ {
		d.begins[later].late = true
	}
	id, ambiguous := d.tally.Next(day, clock, author, text)
	if i >= 0 {
		return id, ambiguous
	}
	d.begins = append(d.begins, dayBegin{at: here})
	if drop := len(d.begins) - len(d.tally.Days); drop > 0 {
		d.begins = d.begins[drop:]
		if !d.begins[0].late { // else the anchor stays: what is counted from an exact place on is exact for ever
			d.anchor = d.begins[0].at
		}
	}
	return id, ambiguous
}

// line is one line of a file with its end, or a piece of one that is too long.
type line struct {
	bytes []byte // good until the next line is read
	whole bool   // it ends here
}

// text is the line without its end, in memory of its own.
func (l line) text() []byte {
	return bytes.Clone(bytes.TrimSuffix(bytes.TrimSuffix(l.bytes, []byte{'\n'}), []byte{'\r'}))
}

// maxLine is far above what IRC sends (512 bytes and tags), and far below what a message on the bus may hold.
const maxLine = 256 << 10

type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, maxLine)} }

// next returns the next line, or io.EOF alone.
func (l *lines) next() (line, error) {
	b, err := l.r.ReadSlice('\n')
	switch {
	case err == nil:
		return line{b, true}, nil
	case errors.Is(err, bufio.ErrBufferFull):
		return line{b, false}, nil
	case errors.Is(err, io.EOF) && len(b) > 0:
		return line{b, true}, nil
	}
	return line{}, err
}
