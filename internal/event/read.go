package event

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// The fast path reads what our writer writes, in its order and without a space; of anything else it says that it cannot, and
// encoding/json decides. So it can be strict, and nothing is read or refused otherwise than encoding/json does (a test compares
// them). The fields are read by generated code (codec_gen.go).

// fastDecoder reads one envelope. Its strings are parts of one copy.
type fastDecoder struct {
	s    string // the envelope up to the raw form
	pos  int
	last bool // no raw form follows: the envelope ends behind the body
	ok   bool // everything so far is what the writer writes
	id   string
}

// rawKey begins the raw form in an envelope. Inside a string its quotes would be escaped.
const rawKey = `,"raw":"`

// decodeFast returns nil for what it cannot read.
func decodeFast(b []byte, raw bool) (e *Event, id string) {
	head, tail := b, []byte(nil)
	// Looking from the front is ten times as fast. A body that has such a key too is left to encoding/json.
	if i := bytes.Index(b, []byte(rawKey)); i >= 0 {
		head, tail = b[:i], b[i+len(rawKey)-1:]
	}
	r := &fastDecoder{s: string(head), last: tail == nil, ok: true}
	e = &Event{}
	r.envelope(e)
	if r.last {
		r.skip(`}`)
	}
	if !r.ok || r.pos != len(r.s) {
		return nil, ""
	}
	if tail != nil && !readRaw(e, tail, raw || e.Kind == KindUnparsed) {
		return nil, ""
	}
	return e, r.id
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

func (r *fastDecoder) envelope(e *Event) {
	r.skip(`{"v":1`) // a longer number is no comma
	r.id = r.need(`,"id":`)
	r.header(e)
	r.skip(`,"body":`)
	if r.ok {
		e.Body = r.body(e.Kind)
	}
}

// body reads a plain message itself. Anything else there must be one JSON value, up to the end of the envelope.
func (r *fastDecoder) body(k Kind) Body {
	start := r.pos
	if k == KindMessage {
		m := &Message{}
		r.message(m)
		if r.ok {
			return m
		}
		r.ok = true
	}
	r.pos = len(r.s)
	if r.last {
		r.pos--
	}
	if r.pos <= start {
		r.ok = false
		return nil
	}
	b, err := DecodeBody(k, []byte(r.s[start:r.pos]))
	r.ok = err == nil
	return b
}

func (r *fastDecoder) precision(key string) Precision {
	name := r.need(key)
	for p, n := range precisionNames {
		if n == name {
			return Precision(p)
		}
	}
	r.ok = false
	return PrecisionNone
}

// number reads a field that may not be there and is a whole number.
func (r *fastDecoder) number(key string) int64 {
	if !r.has(key) {
		return 0
	}
	return r.int()
}

func (r *fastDecoder) int() int64 {
	if !r.ok {
		return 0
	}
	rest := r.s[r.pos:]
	n := 0
	for n < len(rest) && (isDigit(rest[n]) || n == 0 && rest[0] == '-') {
		n++
	}
	v, err := strconv.ParseInt(rest[:n], 10, 64)
	if digits := strings.TrimPrefix(rest[:n], "-"); err != nil || len(digits) > 1 && digits[0] == '0' {
		r.ok = false
		return 0
	}
	r.pos += n
	return v
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// time reads a time. In those encoding/json knows no escapes.
func (r *fastDecoder) time() (t time.Time) {
	start := r.pos
	s := r.str()
	r.ok = r.ok && r.pos-start == len(s)+len(`""`) && t.UnmarshalText([]byte(s)) == nil
	return t
}

// skip reads what must come next.
func (r *fastDecoder) skip(next string) {
	if !r.has(next) {
		r.ok = false
	}
}

// has reads what comes next, if it is that.
func (r *fastDecoder) has(next string) bool {
	if !r.ok || !strings.HasPrefix(r.s[r.pos:], next) {
		return false
	}
	r.pos += len(next)
	return true
}

// hasEither is has for a field that may be the first of its object: then no comma precedes it.
func (r *fastDecoder) hasEither(next string, first *bool) bool {
	if *first {
		next = next[1:]
	}
	if !r.has(next) {
		return false
	}
	*first = false
	return true
}

// text reads a field that may not be there.
func (r *fastDecoder) text(key string) string {
	if !r.has(key) {
		return ""
	}
	return r.str()
}

// need reads a field that must be there.
func (r *fastDecoder) need(key string) string {
	r.skip(key)
	return r.str()
}

// str reads a string.
func (r *fastDecoder) str() string {
	if !r.ok {
		return ""
	}
	rest := r.s[r.pos:]
	n, escapes, ok := stringEnd(rest)
	if !ok {
		r.ok = false
		return ""
	}
	r.pos += n
	inner := rest[1 : n-1]
	if !utf8.ValidString(inner) {
		r.ok = false
		return ""
	}
	if escapes == 0 {
		return inner
	}
	out, ok := unescape(make([]byte, 0, len(inner)), inner)
	r.ok = ok
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
	start := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		i++ // there is one more: stringEnd has seen it
		c, more, ok := escaped(s, i)
		if !ok {
			return nil, false
		}
		out = utf8.AppendRune(out, c)
		i += more
		start = i + 1
	}
	return append(out, s[start:]...), true
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
