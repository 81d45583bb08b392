package whatsapp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
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
	at      position      // before it
	raw     []byte        // without the last line's end; good until the next record is read
	size    int64         // with it
	header  header.Header // of a message
	charset string        // in which its text was read, if that was not UTF-8; as charset.Decoder labels it
	keyRest string        // what its content key is made of, if it is not what follows the header
	reason  string        // why it is none
}

const (
	// maxLine is how much of one line is held: WhatsApp takes 65,536 characters, of at most four bytes.
	maxLine = 256<<10 + 512
	// maxMessage is how long a message may be with all its lines: what comes after is kept as unparsed.
	maxMessage = maxLine
)

// records reads a file message by message, with one line's look ahead.
type records struct {
	r       *bufio.Reader
	survey  survey
	decoder *decoder
	phrases *phrases
	end     byte // of a line
	at      position
	buf     []byte
	line    []byte // read and not yet taken, with its end
	whole   bool   // it ends here
	held    bool
	begins  bool          // it begins a message
	open    bool          // the file ends within a line of a message
	undated bool          // it has the file's form of date, which is no day of a calendar that is read
	foreign bool          // it looks as if it did, with a date of another form
	parsed  header.Header // as which
	length  int           // of that header in bytes; 0: it was found in decoded text only
	err     error

	others   int  // foreign lines that were taken as text
	strange  bool // it begins as a header of the file's own form, with a time that is not understood
	stranges int  // of such lines, those that were taken as text
}

func newRecords(r io.Reader, of *reader, d *decoder, at position) *records {
	out := &records{r: bufio.NewReaderSize(r, maxLine), survey: of.survey, decoder: d, phrases: of.phrases, end: '\n', at: at}
	if of.survey.CR {
		out.end = '\r'
	}
	return out
}

// peek reads the next line, or a piece of one that is too long.
func (r *records) peek() bool {
	if r.held {
		return true
	}
	if r.err != nil {
		return false
	}
	b, err := r.r.ReadSlice(r.end)
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		r.err = err
	}
	r.line, r.whole, r.held = b, !errors.Is(err, bufio.ErrBufferFull), len(b) > 0
	r.open = errors.Is(err, io.EOF) && r.held
	r.parsed, r.begins = r.header()
	return r.held
}

func (r *records) take() {
	r.at.Offset += int64(len(r.line))
	if r.whole {
		r.at.Line++
	}
	if r.foreign {
		r.others++
	}
	if r.strange {
		r.stranges++
	}
	r.at.Within, r.held = !r.whole, false
}

// header looks whether the line begins a message.
func (r *records) header() (header.Header, bool) {
	r.foreign, r.undated, r.strange = false, false, false
	if r.at.Within || !r.whole || len(r.line) == 0 || !r.survey.Style.MayBegin(r.line[0]) {
		return header.Header{}, false
	}
	line := producers.TrimEnd(r.line)
	h, ok := r.decoder.parseHeader(line)
	if !ok {
		r.strange = r.decoder.resembles(line, r.survey.Style, r.phrases)
		return h.Header, false
	}
	r.length = h.length
	o, _ := r.survey.orderOf(h.Style)
	if _, ok = o.Date(h.Stamp.Numbers); !ok {
		r.foreign = r.phrases.follows(h.Rest)
		r.undated = h.Style == r.survey.Style
	}
	return h.Header, ok
}

// cutOff reports whether the line is the last of a file that was cut within a header. Exports end with the end of a line.
func (r *records) cutOff() bool {
	if r.at.Within || !r.whole || !header.MayBegin(r.line[0]) || r.line[len(r.line)-1] == r.end {
		return false
	}
	return r.survey.Style.Begins(string(r.line))
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
		rec.raw, rec.size = append(r.buf[:0], producers.TrimEnd(r.line)...), int64(len(r.line))
		r.buf = rec.raw
		rec.reason = "line stands before the first message"
		if r.undated && !rec.at.Begun {
			rec.reason = unreadableDate
		} else if r.cutOff() {
			rec.reason, r.open = "file ends within the time of a message", false
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
	length := r.length
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
	if utf8.Valid(rec.raw) {
		rec.header.Rest = r.rest(string(rec.raw), rec.header.Rest)
		return
	}
	after := rec.raw // its header, if that can be taken off
	if length > 0 {
		after = after[min(length, len(after)):]
	}
	if cutWithin(after) && r.err != nil && !r.held {
		rec.header.Rest, rec.charset = r.unended(strings.ToValidUTF8(string(after), string(utf8.RuneError))), charset.Damaged
		return
	}
	text, label := r.decoder.Decode(after)
	key := charset.Key(after)
	if length > 0 {
		text, key = r.unended(text), r.unended(key)
	} else {
		text, key = r.rest(text, rec.header.Rest), r.keyRest(key)
	}
	rec.header.Rest, rec.charset = text, label
	if label != charset.Damaged {
		rec.keyRest = key
	}
}

// cutWithin reports whether text is UTF-8 but for its last character, of which the end is missing.
func cutWithin(b []byte) bool {
	last := len(b) - 1
	for last > 0 && len(b)-last < utf8.UTFMax && !utf8.RuneStart(b[last]) {
		last--
	}
	return last >= 0 && !utf8.FullRune(b[last:]) && utf8.Valid(b[:last])
}

// keyRest is what follows the header, in the form that hangs on no charset.
func (r *records) keyRest(text string) string {
	first, _, _ := strings.Cut(text, string(r.end))
	if h, ok := header.Parse(strings.TrimSuffix(first, "\r")); ok {
		return r.rest(text, h.Rest)
	}
	return text
}

// rest is a message from after its header on, with all its lines. first is what follows the header in the first line.
func (r *records) rest(text, first string) string {
	i := strings.IndexByte(text, r.end)
	if i < 0 {
		return first
	}
	return r.unended(first + "\n" + text[i+1:])
}

// unended ends the lines of a text with a line feed alone.
func (r *records) unended(text string) string {
	switch {
	case strings.IndexByte(text, '\r') < 0:
		return text
	case r.end == '\r':
		return strings.ReplaceAll(text, "\r", "\n")
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// entry is what one record says.
type entry struct {
	record
	parsed    parsed
	id        event.NativeID
	time      filekit.LocalTime
	ambiguous bool
	open      bool // day and month of its date may be the other way round
}

// log understands records one after another. The same records from the same position give the same entries.
type log struct {
	records *records
	reader  *reader
	zone    *time.Location
	days    days
	date    date
}

// date is the last date that was read, in all its forms.
type date struct {
	numbers   [3]int
	order     header.Order
	civil     header.Civil
	day, key  string
	swappable bool
}

func newLog(r io.Reader, reader *reader, zone *time.Location, d *decoder, from cursor) *log {
	at := from.Tally
	if from.Years.Offset < at.Offset {
		at = from.Years
	}
	return &log{
		records: newRecords(r, reader, d, at), reader: reader, zone: zone, days: newDays(from.Tally, from.Years),
	}
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
		e.id, e.ambiguous = l.days.next(e.at, line{
			day: at.Day, clock: clock(at.Clock), text: "\x01unparsed\x01" + event.Digest(string(e.raw)),
		})
		return e, nil
	}
	l.reader.bracket = rec.header.Style.Bracket
	e.parsed = l.reader.message(rec.header.Rest)
	keyed := e.parsed
	if rec.keyRest != "" {
		keyed = l.reader.message(rec.keyRest)
	}
	e.time = l.sent(&rec.header)
	_, open := l.reader.survey.orderOf(rec.header.Style)
	e.open = open && l.date.swappable
	author, text := event.AuthorID(keyed.author), keyed.key
	if keyed.message != "" {
		author, text = "", "\x01service\x01"+keyed.message
	}
	e.id, e.ambiguous = l.days.next(e.at, line{l.date.key, clock(at.Clock), l.date.swappable, author, text})
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
			l.sent(&rec.header)
		}
	}
}

// sent is when the next message was sent. WhatsApp never prints a zone, so it is assumed, even where the user named one.
func (l *log) sent(h *header.Header) filekit.LocalTime {
	at := &l.records.at
	o, _ := l.reader.survey.orderOf(h.Style)
	if h.Stamp.Numbers != l.date.numbers || o != l.date.order {
		day, _ := o.Date(h.Stamp.Numbers) // a header has a date
		l.date = date{h.Stamp.Numbers, o, day, day.String(), day.Key(), day.Swappable()}
	}
	l.advance(l.date.day, h.Stamp)
	precision := event.PrecisionMinute
	if h.Style.Seconds {
		precision = event.PrecisionSecond
	}
	printed := l.date.civil.Time().Add(time.Duration(h.Stamp.Hour)*time.Hour + time.Duration(h.Stamp.Minute)*time.Minute +
		time.Duration(h.Stamp.Second)*time.Second)
	t := filekit.ReadLocal(printed, precision, l.zone)
	if at.Second && !t.Other.IsZero() {
		t.TakeOther()
	}
	if t.Later(at.Latest) {
		at.Latest = t.Instant
	}
	return t
}

// advance moves the day and the clock on. A clock that goes back within a day may have been set back, as in autumn.
func (l *log) advance(day string, s header.Stamp) {
	at := &l.records.at
	if day != at.Day {
		at.Day, at.Clock, at.Second = day, 0, false
	}
	now := s.Hour*60 + s.Minute + 1
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
