package event

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// The quick reader reads what our writer writes, in its order and without a space; of anything else it says that it cannot,
// and encoding/json decides. So it can be strict, and nothing is read or refused otherwise than encoding/json does (a test
// compares them).

// quick reads one envelope. Its strings are parts of one copy.
type quick struct {
	s     string // the envelope up to the raw form
	pos   int
	first bool // no field of the object was read yet: none stands behind a comma
	last  bool // no raw form follows: the envelope ends behind the body
	ok    bool
	id    string
}

// rawKey begins the raw form in an envelope. Inside a string its quotes would be escaped.
const rawKey = `,"raw":"`

// readQuick returns nil for what it cannot read.
func readQuick(b []byte, raw bool) (e *Event, id string) {
	head, tail := b, []byte(nil)
	// Looking from the front is ten times as fast. A body that has such a key too is left to encoding/json.
	if i := bytes.Index(b, []byte(rawKey)); i >= 0 {
		head, tail = b[:i], b[i+len(rawKey)-1:]
	}
	q := &quick{s: string(head), last: tail == nil, ok: true}
	e = &Event{}
	q.envelope(e)
	if q.last {
		q.end()
	}
	if !q.ok || q.pos != len(q.s) {
		return nil, ""
	}
	if tail != nil && !readRaw(e, tail, raw || e.Kind == KindUnparsed) {
		return nil, ""
	}
	return e, q.id
}

func readRaw(e *Event, tail []byte, want bool) bool {
	n, escapes, ok := stringEnd(tail)
	if !ok || len(tail) != n+1 || tail[n] != '}' {
		return false
	}
	inner := tail[1 : n-1]
	switch {
	case !want || len(inner) == 0:
	case !utf8.Valid(inner):
		return false
	case escapes > 0:
		e.Raw, ok = unescape(make([]byte, 0, len(inner)), inner)
	default:
		e.Raw = bytes.Clone(inner)
	}
	return ok
}

func (q *quick) envelope(e *Event) {
	q.begin()
	if !q.has(`"v":1`) { // a longer number is no comma
		q.ok = false
		return
	}
	q.id = q.need(`"id":`)
	e.Source, e.Namespace = Source(q.need(`"source":`)), Namespace(q.need(`"namespace":`))
	e.Account, e.Channel = Account(q.text(`"account":`)), Channel(q.text(`"channel":`))
	e.NativeID = NativeID(q.need(`"native_id":`))
	if q.has(`"author":`) {
		q.person(&e.Author)
	}
	e.Kind, e.Revision = Kind(q.need(`"kind":`)), Revision(q.need(`"revision":`))
	if q.has(`"sent":`) {
		q.instant(&e.Sent)
	}
	if q.has(`"seen":`) {
		e.Seen = q.time()
	}
	if q.has(`"reading":`) {
		q.reading(&e.Reading)
	}
	if !q.has(`"body":`) {
		q.ok = false
	}
	if q.ok {
		e.Body = q.body(e.Kind)
	}
}

// body reads a plain message itself. Whatever else stands there must be one JSON value, up to the end of the envelope.
func (q *quick) body(k Kind) Body {
	start := q.pos
	if k == KindMessage {
		m := &Message{}
		q.message(m)
		if q.ok {
			return m
		}
		q.ok = true
	}
	q.pos = len(q.s)
	if q.last {
		q.pos--
	}
	if q.pos <= start {
		q.ok = false
		return nil
	}
	b, err := DecodeBody(k, []byte(q.s[start:q.pos]))
	q.ok = err == nil
	return b
}

func (q *quick) message(m *Message) {
	q.begin()
	m.Type, m.Text = MessageType(q.need(`"type":`)), q.text(`"text":`)
	if q.has(`"edited":`) {
		q.instant(&m.Edited)
	}
	if q.has(`"reply_to":`) {
		m.ReplyTo = &Ref{}
		q.begin()
		m.ReplyTo.Namespace, m.ReplyTo.Channel = Namespace(q.text(`"namespace":`)), Channel(q.text(`"channel":`))
		m.ReplyTo.NativeID = NativeID(q.need(`"native_id":`))
		q.end()
	}
	m.Thread = NativeID(q.text(`"thread":`))
	q.end()
}

func (q *quick) person(p *Person) {
	q.begin()
	p.Namespace, p.ID, p.Name = Namespace(q.text(`"namespace":`)), AuthorID(q.text(`"id":`)), q.text(`"name":`)
	p.Bot = q.has(`"bot":true`)
	q.end()
}

func (q *quick) instant(i *Instant) {
	q.begin()
	if !q.has(`"at":`) {
		q.ok = false
	}
	i.At = q.time()
	precision, known := q.need(`"precision":`), false
	for p, n := range precisionNames {
		if n == precision {
			i.Precision, known = Precision(p), true
		}
	}
	i.Zone, i.Assumed = q.text(`"zone":`), q.has(`"assumed":true`)
	q.ok = q.ok && known
	q.end()
}

func (q *quick) reading(r *Reading) {
	q.begin()
	r.ZoneNamed = q.number(`"zone_named":`)
	if q.has(`"printed":`) {
		q.begin()
		if q.ok = q.ok && strings.HasPrefix(q.s[q.pos:], `"at":`); q.ok {
			r.Printed.At = q.number(`"at":`)
		}
		r.Printed.Zone, r.Printed.ZoneNamed = q.need(`"zone":`), q.number(`"zone_named":`)
		q.end()
	}
	r.EditedNamed, r.ForwardNamed = q.number(`"edited_named":`), q.number(`"forward_named":`)
	r.DateGuessed = q.has(`"date_guessed":true`)
	r.Charset = q.text(`"charset":`)
	r.CharsetNamed = q.number(`"charset_named":`)
	r.Unversioned = q.has(`"unversioned":true`)
	r.Differs, r.AsOf, r.Swapped = q.has(`"differs":true`), q.number(`"as_of":`), q.has(`"swapped":true`)
	q.end()
}

// number reads a field that may not be there and is a whole number.
func (q *quick) number(key string) int64 {
	if !q.has(key) {
		return 0
	}
	n := 0
	for q.pos+n < len(q.s) && (isDigit(q.s[q.pos+n]) || n == 0 && q.s[q.pos] == '-') {
		n++
	}
	v, err := strconv.ParseInt(q.s[q.pos:q.pos+n], 10, 64)
	if digits := strings.TrimPrefix(q.s[q.pos:q.pos+n], "-"); err != nil || len(digits) > 1 && digits[0] == '0' {
		q.ok = false
		return 0
	}
	q.pos += n
	return v
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// time reads a time. In those encoding/json knows no escapes.
func (q *quick) time() (t time.Time) {
	start := q.pos
	s := q.str()
	q.ok = q.ok && q.pos-start == len(s)+len(`""`) && t.UnmarshalText([]byte(s)) == nil
	return t
}

// begin reads the start of an object, end its end. An object is a field's value, so behind it comes a comma.
func (q *quick) begin() { q.skip('{'); q.first = true }
func (q *quick) end()   { q.skip('}'); q.first = false }

func (q *quick) skip(c byte) {
	if q.ok = q.ok && q.pos < len(q.s) && q.s[q.pos] == c; q.ok {
		q.pos++
	}
}

// has reads a key, if it is the next one.
func (q *quick) has(key string) bool {
	if !q.ok {
		return false
	}
	rest := q.s[q.pos:]
	comma := 0
	if !q.first {
		if len(rest) == 0 || rest[0] != ',' {
			return false
		}
		comma = 1
	}
	if !strings.HasPrefix(rest[comma:], key) {
		return false
	}
	q.pos += comma + len(key)
	q.first = false
	return true
}

// text reads a field that may not be there.
func (q *quick) text(key string) string {
	if !q.has(key) {
		return ""
	}
	return q.str()
}

func (q *quick) need(key string) string {
	if !q.has(key) {
		q.ok = false
		return ""
	}
	return q.str()
}

// str reads a string.
func (q *quick) str() string {
	if !q.ok {
		return ""
	}
	rest := q.s[q.pos:]
	n, escapes, ok := stringEnd(rest)
	if !ok {
		q.ok = false
		return ""
	}
	q.pos += n
	inner := rest[1 : n-1]
	if !utf8.ValidString(inner) {
		q.ok = false
		return ""
	}
	if escapes == 0 {
		return inner
	}
	out, ok := unescape(make([]byte, 0, len(inner)), inner)
	q.ok = ok
	return string(out)
}

// stringEnd returns where a JSON string ends, quotes included, and how many escapes are in it.
func stringEnd[S string | []byte](s S) (n, escapes int, ok bool) {
	if len(s) == 0 || s[0] != '"' {
		return 0, 0, false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1, escapes, true
		case c == '\\':
			i++
			escapes++
		case c < ' ':
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// unescape appends what a string means. Half a surrogate is left to encoding/json.
func unescape[S string | []byte](out []byte, s S) ([]byte, bool) {
	begun := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		out = append(out, s[begun:i]...)
		i++ // there is one more: stringEnd has seen it
		r, more, ok := escaped(s, i)
		if !ok {
			return nil, false
		}
		out = utf8.AppendRune(out, r)
		i += more
		begun = i + 1
	}
	return append(out, s[begun:]...), true
}

// escaped reads the escape whose letter is at i, and says how many bytes it has behind the letter.
func escaped[S string | []byte](s S, i int) (r rune, more int, ok bool) {
	switch c := s[i]; c {
	case '"', '\\', '/':
		return rune(c), 0, true
	case 'b':
		return '\b', 0, true
	case 'f':
		return '\f', 0, true
	case 'n':
		return '\n', 0, true
	case 'r':
		return '\r', 0, true
	case 't':
		return '\t', 0, true
	case 'u':
		return unicodeEscape(s, i)
	}
	return 0, 0, false
}

func unicodeEscape[S string | []byte](s S, i int) (r rune, more int, ok bool) {
	if r, ok = hex4(s, i+1); !ok {
		return 0, 0, false
	}
	if !utf16.IsSurrogate(r) {
		return r, 4, true
	}
	if i+6 >= len(s) || s[i+5] != '\\' || s[i+6] != 'u' {
		return 0, 0, false
	}
	low, ok := hex4(s, i+7)
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0, false
	}
	return r, 10, true
}

func hex4[S string | []byte](s S, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[i:i+4]), 16, 16)
	return rune(n), err == nil
}
