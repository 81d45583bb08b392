package logs

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/irc/chatline"
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

	Guessed  bool  `json:"guessed,omitempty"` // the path gave Day, and its month and day could be either way round
	Headed   bool  `json:"headed,omitempty"`  // a header or a line gave Day
	Believed civil `json:"believed,omitzero"` // the day that it is where Day, as a header prints it, cannot be
	Jumped   civil `json:"jumped,omitzero"`   // the day from which a header went on by more than one
	Keyed    civil `json:"keyed,omitzero"`    // what content keys take for Day, where its month and day could be either way round
	Year     int   `json:"year,omitempty"`    // in which lines without a year begin, where no day is known
}

// today is the day that lines are of.
func (p *position) today() civil {
	if p.Believed.isSet() {
		return p.Believed
	}
	return p.Day
}

// key is the day of content keys.
func (p *position) key() string {
	if p.Keyed.isSet() {
		return p.Keyed.String()
	}
	return p.Day.String()
}

// entry is what one line says.
type entry struct {
	parsed    chatline.Line
	id        event.NativeID
	time      filekit.LocalTime
	raw       []byte // without its end
	charset   string // in which it was read; empty: UTF-8
	mixed     bool   // it does not look like that charset
	guessed   bool   // its date
	printed   civil  // the day that its header printed, which it is not of
	yearless  bool   // it prints a date without a year, and nothing names one
	keyed     civil  // the day that its content key has, if it is not that of the log
	ambiguous bool
	reason    string // why the line is unparsed; empty if it is not
}

// log understands lines one after another. It is pure: the same lines from the same position give the same entries.
type log struct {
	at      position
	zone    *time.Location
	charset *charset.Decoder
	days    filekit.Days[position]
	forms   *conventions // nil: the log is not there to look at
}

func newLog(zone *time.Location, cs *charset.Decoder, at position) log {
	return log{at: at, zone: zone, charset: cs, days: filekit.Days[position]{Anchor: at}}
}

// read takes the next line. It reports whether the line says anything; blank lines and headers do not.
func (l *log) read(line line) (entry, bool) {
	here := l.at
	l.at.Offset += int64(len(line.bytes))
	l.at.Line += line.count
	e := entry{raw: line.text()}
	if here.Long || !line.whole {
		l.at.Long = !line.whole
		l.unparsed(&e, here, "line is longer than 256 KiB")
		return e, true
	}
	first, more := line.parts(e.raw)
	text, label := l.charset.Decode(first)
	e.charset = label
	e.mixed = label != "" && !charset.Plausible(text)
	text = trimStart(text, here.Offset)
	if strings.TrimSpace(text) == "" {
		return entry{}, false
	}
	if h, ok := parseHeader(text); ok {
		if h.printed.kind == numeric {
			h.day, h.keyed, h.guessed = l.forms.day(h.printed)
		}
		l.header(h)
		return entry{}, false
	}
	st, ok := e.parse(text, l.forms)
	if !ok {
		l.untimed(&e, here, text)
		return e, true
	}
	key := e.parsed
	if label != "" {
		key = keyOf(first, here.Offset, key, l.forms)
	}
	if key.KeyLine != nil {
		key = *key.KeyLine
	}
	e.add(l.charset, more)
	if st.printed.kind != noDate {
		l.date(&st, &e)
	}
	l.advance(st)
	e.time = st.local(l.at.today(), l.zone, l.at.Second)
	l.markAssumed(&e)
	if e.time.Later(l.at.Latest) {
		l.at.Latest = e.time.Instant
	}
	l.assignID(&e, key, here, st.clock())
	return e, true
}

// trimStart takes away what may be before the first character of a line.
func trimStart(text string, offset int64) string {
	text = strings.TrimLeft(text, "\x00") // left by crashes
	if offset == 0 {
		text = strings.TrimPrefix(text, "\ufeff")
	}
	return text
}

// parse reads a line that begins with a time. The reason is set if it cannot be read; ok is false too if it has no time.
func (e *entry) parse(text string, forms *conventions) (stamp, bool) {
	st, s, timed, ok := parseLine(text, forms)
	if !timed {
		return st, false
	}
	if !ok {
		e.reason = "line is of no known form"
		return st, false
	}
	e.parsed = s.Clean()
	return st, true
}

// keyOf returns what the content key of a line is made of that is not UTF-8: it does not depend on the charset.
func keyOf(raw []byte, offset int64, read chatline.Line, forms *conventions) chatline.Line {
	var e entry
	if _, ok := e.parse(trimStart(charset.Key(raw), offset), forms); ok {
		return e.parsed
	}
	return read
}

// add appends the further lines of a message. Its key is that of the first line, so that it is the same message however many
// of them a log holds.
func (e *entry) add(cs *charset.Decoder, more []byte) {
	if len(more) == 0 {
		return
	}
	to := &e.parsed.Text
	if e.parsed.Type == event.TypeService && *to == "" {
		to = &e.parsed.Note
	}
	text, label := cs.Decode(more)
	if label != "" {
		e.charset = label
	}
	var b strings.Builder
	b.WriteString(*to)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		b.WriteByte('\n')
		b.WriteString(chatline.Strip(line))
	}
	*to = b.String()
}

// markAssumed notes in an entry what its day was taken from.
func (l *log) markAssumed(e *entry) {
	e.guessed = l.at.Guessed
	if l.at.Believed.isSet() {
		e.printed = l.at.Day
	}
}

// advance moves the day and the clock on to a line's time. A clock that goes back by more than half a day has passed
// midnight (one of twelve hours goes back by less); one that goes back by less was set back, as in autumn.
func (l *log) advance(st stamp) {
	if st.day.isSet() {
		l.startDay(st.day)
		l.at.Guessed, l.at.Keyed = st.guessed, st.keyed
	}
	now := st.minuteOfDay() + 1
	if back := l.at.Clock - now; back > 12*60 && !st.day.isSet() && l.at.Day.isSet() {
		l.nextDay()
	} else if back > 0 {
		l.at.Second = true
	}
	l.at.Clock = now
}

// nextDay begins the next day, which is as sure as the one before.
func (l *log) nextDay() {
	guessed, headed, believed, keyed := l.at.Guessed, l.at.Headed, l.at.Believed, l.at.Keyed
	l.startDay(l.at.Day.next())
	l.at.Guessed, l.at.Headed = guessed, headed
	if believed.isSet() {
		l.at.Believed = believed.next()
	}
	if keyed.isSet() {
		l.at.Keyed = keyed.next()
	}
}

// startDay begins a day that the log itself prints.
func (l *log) startDay(d civil) {
	if d != l.at.Day {
		l.at.Day, l.at.Clock, l.at.Second = d, 0, false
	}
	l.at.Believed, l.at.Keyed, l.at.Guessed, l.at.Headed = civil{}, civil{}, false, true
}

// header begins the day that a header prints. A day that changed while the log was open cannot be before the last one: then it is
// the day after that, unless it was the last one that was wrong. Content keys keep the printed day.
func (l *log) header(h header) {
	if !h.known {
		return
	}
	last, jumped := l.at.today(), l.at.Jumped
	l.at.Jumped = civil{}
	switch {
	case h.opened || !l.at.Headed:
		l.startDay(h.day)
		l.at.Guessed, l.at.Keyed = h.guessed, h.keyed
	case !h.day.before(last):
		if last.next().before(h.day) {
			l.at.Jumped = last
		}
		l.startDay(h.day)
	case jumped.isSet() && jumped.before(h.day):
		l.startDay(h.day)
	default:
		l.startDay(h.day)
		l.at.Clock, l.at.Second, l.at.Believed = 0, false, last.next()
	}
}

// assignID gives the entry its content key.
func (l *log) assignID(e *entry, key chatline.Line, here position, clock string) {
	author, text := key.Key()
	day := l.at.key()
	if e.keyed.isSet() {
		day = e.keyed.String()
	}
	e.id, e.ambiguous = l.days.Next(here, day, clock, author, text)
	if day == "" || e.yearless { // another day's equal line has the same key
		e.ambiguous = true
	}
}

// untimed reads a service line of the archives that print no time on those. It happened between its neighbours: its day is
// known, and the clock of the line before keeps it in order, but no more is claimed. Every other line is unparsed.
func (l *log) untimed(e *entry, here position, text string) {
	after, marked := strings.CutPrefix(text, "=== ")
	if e.reason == "" && !marked {
		e.reason = "line has no time at its start"
	}
	s, ok := parseServiceLine(after)
	if e.reason == "" && !ok {
		e.reason = "line is of no known form"
	}
	if e.reason != "" {
		l.unparsed(e, here, e.reason)
		return
	}
	e.parsed = s.Clean()
	key := e.parsed
	if e.charset != "" {
		after, _ := strings.CutPrefix(trimStart(charset.Key(e.raw), here.Offset), "=== ")
		if s, ok := parseServiceLine(after); ok {
			key = s.Clean()
		}
	}
	st, clock := l.lastClock()
	st.precision = event.PrecisionDay
	e.time.Instant = st.local(l.at.today(), l.zone, l.at.Second).Instant
	l.markAssumed(e)
	l.assignID(e, key, here, clock)
}

// lastClock is the time of the line before; without one the clock is empty.
func (l *log) lastClock() (st stamp, clock string) {
	if l.at.Clock > 0 {
		st.hour, st.minute = (l.at.Clock-1)/60, (l.at.Clock-1)%60
		clock = st.clock()
	}
	return st, clock
}

func (l *log) unparsed(e *entry, here position, reason string) {
	e.reason = reason
	_, clock := l.lastClock()
	// Its bytes name it, not its text: they may be of any charset.
	e.id, e.ambiguous = l.days.Next(here, l.at.key(), clock, "", "\x01unparsed\x01"+event.Digest(string(e.raw)))
}
