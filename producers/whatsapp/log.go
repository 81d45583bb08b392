package whatsapp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// position is a place before a message, and what of those before it decides how the next are read.
type position struct {
	Offset int64         `json:"offset"`
	Line   int           `json:"line"` // lines before it
	Day    string        `json:"day,omitempty"`
	Clock  int           `json:"clock,omitempty"`  // the minute printed last on this day, from 1
	Second bool          `json:"second,omitempty"` // the clock has gone back on this day
	Long   bool          `json:"long,omitempty"`   // inside a message that is too long
	Begun  bool          `json:"begun,omitempty"`  // a message came before
	Within bool          `json:"within,omitempty"` // not at the start of a line
	Latest event.Instant `json:"latest,omitzero"`
}

// record is one message with all its lines, or a line that belongs to none.
type record struct {
	at     position // before it
	raw    []byte   // without the last line's end; good until the next record is read
	size   int64    // with it
	header header   // of a message
	reason string   // why it is none
}

const (
	// maxLine is how much of one line is held: WhatsApp takes 65,536 characters, of at most four bytes.
	maxLine = 256<<10 + 512
	// maxMessage is how long a message may be with all its lines: what comes after is kept as unparsed.
	maxMessage = maxLine
)

// records reads a file message by message, with one line's look ahead.
type records struct {
	r      *bufio.Reader
	survey survey
	at     position
	buf    []byte
	line   []byte // read and not yet taken, with its end
	whole  bool   // it ends here
	held   bool
	begins bool   // it begins a message
	parsed header // as which
	err    error
}

func newRecords(r io.Reader, s survey, at position) *records {
	return &records{r: bufio.NewReaderSize(r, maxLine), survey: s, at: at}
}

// peek reads the next line, or a piece of one that is too long.
func (r *records) peek() bool {
	if r.held {
		return true
	}
	if r.err != nil {
		return false
	}
	b, err := r.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		r.err = err
	}
	r.line, r.whole, r.held = b, !errors.Is(err, bufio.ErrBufferFull), len(b) > 0
	r.parsed, r.begins = r.header()
	return r.held
}

func (r *records) take() {
	r.at.Offset += int64(len(r.line))
	if r.whole {
		r.at.Line++
	}
	r.at.Within, r.held = !r.whole, false
}

// header looks whether the line begins a message.
func (r *records) header() (header, bool) {
	if r.at.Within || !r.whole || len(r.line) == 0 || !mayBegin(r.line[0]) {
		return header{}, false
	}
	h, ok := parseHeader(string(trimEnd(r.line)))
	if !ok || h.style != r.survey.Style {
		return h, false
	}
	_, ok = r.survey.Order.date(h.stamp.numbers)
	return h, ok
}

// cutOff reports whether the line is the last of a file that was cut within a header. Exports end with the end of a line.
func (r *records) cutOff() bool {
	if r.at.Within || !r.whole || !mayBegin(r.line[0]) || r.line[len(r.line)-1] == '\n' {
		return false
	}
	return r.survey.Style.begins(string(r.line))
}

// mayBegin is a quick look: most lines of text begin with a letter. What is beyond ASCII may be a mark.
func mayBegin(b byte) bool { return isDigit(b) || b == '[' || b >= 0x80 }

func trimEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
}

// next returns the next record, or io.EOF alone.
func (r *records) next() (record, error) {
	for r.peek() {
		rec := record{at: r.at}
		if r.begins {
			r.at.Begun, r.at.Long, rec.header = true, false, r.parsed
			r.message(&rec)
			return rec, nil
		}
		blank := len(bytes.TrimSpace(r.line)) == 0
		rec.raw, rec.size = append(r.buf[:0], trimEnd(r.line)...), int64(len(r.line))
		r.buf = rec.raw
		rec.reason = "line stands before the first message"
		if r.cutOff() {
			rec.reason = "file ends within the time of a message"
		} else if rec.at.Long || rec.at.Begun {
			rec.reason = "message is longer than 256 KiB"
		} else if !r.whole || r.at.Within {
			rec.reason = "line is longer than 256 KiB"
		}
		r.take()
		if blank {
			continue
		}
		return rec, nil
	}
	return record{}, r.err
}

// message takes the line that was peeked at and all that belong to it.
func (r *records) message(rec *record) {
	r.buf = append(r.buf[:0], r.line...)
	r.take()
	for r.peek() && !r.begins && !r.cutOff() {
		if len(r.buf)+len(r.line) > maxMessage {
			r.at.Long = true
			break
		}
		r.buf = append(r.buf, r.line...)
		r.take()
	}
	rec.size = r.at.Offset - rec.at.Offset
	rec.raw = bytes.TrimRight(r.buf, "\r\n")
	rec.header.rest = rest(rec.raw, rec.header.rest)
}

// rest is a message from after its header on, with all its lines.
func rest(raw []byte, first string) string {
	_, more, ok := bytes.Cut(raw, []byte{'\n'})
	if !ok {
		return first
	}
	text := first + "\n" + string(more)
	if strings.IndexByte(text, '\r') >= 0 {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

// entry is what one record says.
type entry struct {
	record
	said      said
	id        event.NativeID
	sent      event.Instant
	ambiguous bool
}

// log understands records one after another. The same records from the same position give the same entries.
type log struct {
	records *records
	reader  *reader
	zone    *time.Location
	days    days
}

func newLog(r io.Reader, reader *reader, zone *time.Location, at position) *log {
	return &log{records: newRecords(r, reader.survey, at), reader: reader, zone: zone, days: days{anchor: at}}
}

func (l *log) next() (entry, error) {
	rec, err := l.records.next()
	if err != nil {
		return entry{}, err
	}
	e := entry{record: rec}
	at := &l.records.at
	if e.reason != "" {
		// Its bytes name it, not its text: they may be anything.
		e.id, e.ambiguous = l.days.next(e.at, at.Day, clock(at.Clock), "", "\x01unparsed\x01"+event.Digest(string(e.raw)))
		return e, nil
	}
	e.said = l.reader.message(rec.header.rest)
	e.sent = l.sent(rec.header.stamp)
	author, text := event.AuthorID(e.said.author), e.said.key
	if e.said.message != "" {
		author, text = "", "\x01service\x01"+e.said.message
	}
	e.id, e.ambiguous = l.days.next(e.at, at.Day, clock(at.Clock), author, text)
	return e, nil
}

// latest reads on to the end, and returns the time of the newest message.
func (l *log) latest(ctx context.Context) (event.Instant, error) {
	for n := 0; ; n++ {
		if n%linesPerCheck == 0 && ctx.Err() != nil {
			return event.Instant{}, ctx.Err()
		}
		rec, err := l.records.next()
		if errors.Is(err, io.EOF) {
			return l.records.at.Latest, nil
		}
		if err != nil {
			return event.Instant{}, err
		}
		if rec.reason == "" {
			l.sent(rec.header.stamp)
		}
	}
}

// sent is when the next message was sent.
func (l *log) sent(s stamp) event.Instant {
	at := &l.records.at
	day, _ := l.reader.survey.Order.date(s.numbers) // a header has a date
	l.advance(day.String(), s)
	sent := l.instant(day, s)
	if sent.Later(at.Latest) {
		at.Latest = sent
	}
	return sent
}

// advance moves the day and the clock on. A clock that goes back within a day may have been set back, as in autumn.
func (l *log) advance(day string, s stamp) {
	at := &l.records.at
	if day != at.Day {
		at.Day, at.Clock, at.Second = day, 0, false
	}
	now := s.hour*60 + s.minute + 1
	at.Second = at.Second || now < at.Clock
	at.Clock = now
}

// clock is the minute part of content keys.
func clock(minute int) string {
	if minute == 0 {
		return ""
	}
	h, m := (minute-1)/60, (minute-1)%60
	b := [5]byte{byte('0' + h/10), byte('0' + h%10), ':', byte('0' + m/10), byte('0' + m%10)}
	return string(b[:])
}

// instant places a printed time in the zone. WhatsApp never names one, so it is assumed, whoever named it.
func (l *log) instant(d civil, s stamp) event.Instant {
	p := event.PrecisionMinute
	if l.reader.survey.Style.Seconds {
		p = event.PrecisionSecond
	}
	t := wallTime(d, s, l.zone, l.records.at.Second)
	return event.Instant{At: t.UTC(), Precision: p, Zone: l.zone.String(), Assumed: true}
}

// wallTime is time.Date, except that it says which of two instants an hour shown twice means.
func wallTime(d civil, s stamp, in *time.Location, second bool) time.Time {
	t := time.Date(d.year, time.Month(d.month), d.day, s.hour, s.minute, s.second, 0, in)
	if in == time.UTC {
		return t
	}
	const aroundChange = 3 * time.Hour // farther than any clock is ever set
	_, before := t.Add(-aroundChange).Zone()
	_, after := t.Add(aroundChange).Zone()
	if before <= after { // only a clock set back shows an hour twice
		return t
	}
	_, now := t.Zone()
	first := t.Add(time.Duration(now-before) * time.Second)
	if _, o := first.Zone(); o != before {
		return t
	}
	last := first.Add(time.Duration(before-after) * time.Second)
	if _, o := last.Zone(); o != after || !second {
		return first
	}
	return last
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
