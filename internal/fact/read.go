package fact

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Reader reads batches one after another into the same memory. The zero value is ready; it is for one goroutine.
//
// Its fast path reads what our writer writes, in its order and without a space; of anything else it says that it cannot, and
// encoding/json decides. So it can be strict, and nothing is read or refused otherwise than encoding/json does (a test
// compares them).
type Reader struct {
	batch Batch
	lists Batch // its lists are those of earlier batches, to be reused by the next one

	// Chunks that times and lists of strings are cut from. What is cut is not used again.
	times []time.Time
	words []string

	s   string // the rest of what is to be read
	ok  bool
	out []byte // for strings with escapes
}

// Read reads a batch. The batch and its lists of facts are good until the next Read; the strings, times and lists of strings
// in them stay as they are.
func (r *Reader) Read(data []byte) (*Batch, error) {
	if r.readFast(data) {
		return &r.batch, nil
	}
	var b Batch
	if err := json.Unmarshal(data, &b); err != nil {
		if form := formOf(data); form > FormVersion { // it may have changed the type of any field
			return nil, newer(form)
		}
		return nil, fmt.Errorf("decoding facts: %w", err)
	}
	return &b, b.Check()
}

// Reset drops the batch that was read last, and keeps its buffers.
func (r *Reader) Reset() {
	r.batch.clearFacts()
	r.batch = Batch{}
}

// readFast reads a batch, or says that it cannot. All strings are parts of one copy, but for those with escapes.
func (r *Reader) readFast(data []byte) bool {
	if hasControl(data) || !utf8.Valid(data) {
		return false
	}
	r.Reset()
	r.s, r.ok = string(data), true
	r.readBatch(&r.batch)
	read := r.ok && r.s == ""
	r.s = ""
	return read
}

// hasControl says whether a byte is less than a space, eight of them at a time: a string may not hold one, and our writer
// puts none between strings.
func hasControl(b []byte) bool {
	const spaces, high = 0x2020202020202020, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if n := binary.LittleEndian.Uint64(b); (n-spaces)&^n&high != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// form reads the only form that there is yet.
func (r *Reader) form(key string) int {
	r.skip(key)
	r.skip(`1`) // a longer number is no comma
	return FormVersion
}

func readList[T any](r *Reader, key string, reused *[]T, one func(*Reader, *T)) []T {
	if !r.has(key) {
		return nil
	}
	list := (*reused)[:0]
	for {
		var zero T
		list = append(list, zero)
		one(r, &list[len(list)-1])
		if !r.has(`,`) {
			break
		}
	}
	r.skip(`]`)
	*reused = list
	return list
}

// has reads what comes next, if it is that.
func (r *Reader) has(next string) bool {
	if !r.ok || !strings.HasPrefix(r.s, next) {
		return false
	}
	r.s = r.s[len(next):]
	return true
}

// hasEither is has for a field that may be the first of its object: then no comma precedes it.
func (r *Reader) hasEither(next string, first *bool) bool {
	if *first {
		next = next[1:]
	}
	if !r.has(next) {
		return false
	}
	*first = false
	return true
}

func (r *Reader) skip(next string) {
	if !r.has(next) {
		r.ok = false
	}
}

// need reads a field, text one that may not be there.
func (r *Reader) need(key string) string {
	r.skip(key)
	return r.str()
}

func (r *Reader) text(key string) string {
	if !r.has(key) {
		return ""
	}
	return r.str()
}

func (r *Reader) number(key string, bits int) uint64 {
	r.skip(key)
	if !r.ok {
		return 0
	}
	digits := 0
	for digits < len(r.s) && '0' <= r.s[digits] && r.s[digits] <= '9' {
		digits++
	}
	if digits > 1 && r.s[0] == '0' {
		r.ok = false
		return 0
	}
	n, err := strconv.ParseUint(r.s[:digits], 10, bits)
	r.ok = err == nil
	r.s = r.s[digits:]
	return n
}

// chunkSize is how many times or strings are made at once.
const chunkSize = 128

// time reads a time, if it is there. In those encoding/json knows no escapes.
func (r *Reader) time(key string) *time.Time {
	if !r.has(key) {
		return nil
	}
	before := len(r.s)
	s := r.str()
	if len(r.times) == 0 {
		r.times = make([]time.Time, chunkSize)
	}
	t := &r.times[0]
	r.times = r.times[1:]
	r.ok = r.ok && before-len(r.s) == len(s)+len(`""`) && t.UnmarshalText([]byte(s)) == nil
	return t
}

// hash reads a hash, if it is there.
func (r *Reader) hash(key string) Hash {
	if !r.has(key) {
		return Hash{}
	}
	return r.hashValue()
}

func (r *Reader) hashValue() (h Hash) {
	s := r.str()
	r.ok = r.ok && h.UnmarshalText([]byte(s)) == nil
	return h
}

// list reads a list of at least one string, if it is there.
func (r *Reader) list(key string) []string {
	if !r.has(key) {
		return nil
	}
	start := len(r.words)
	for {
		if len(r.words) == cap(r.words) {
			list := r.words[start:]
			r.words = append(make([]string, 0, max(chunkSize, 2*len(list))), list...)
			start = 0
		}
		r.words = append(r.words, r.str())
		if !r.has(`,`) {
			break
		}
	}
	r.skip(`]`)
	return r.words[start:len(r.words):len(r.words)]
}

// str reads a string.
func (r *Reader) str() string {
	if !r.ok || r.s == "" || r.s[0] != '"' {
		r.ok = false
		return ""
	}
	s := r.s[1:]
	end := strings.IndexByte(s, '"')
	if end < 0 {
		r.ok = false
		return ""
	}
	if strings.IndexByte(s[:end], '\\') >= 0 {
		return r.unescape(s, end)
	}
	r.s = s[end+1:]
	return s[:end]
}

// unescape reads a string whose first quote, which may be an escaped one, is at end.
func (r *Reader) unescape(s string, end int) string {
	out := r.out[:0]
	for {
		if end < 0 { // the last quote was an escaped one
			if end = strings.IndexByte(s, '"'); end < 0 {
				r.ok = false
				return ""
			}
		}
		i := strings.IndexByte(s[:end], '\\')
		if i < 0 {
			r.s, r.out = s[end+1:], append(out, s[:end]...)
			return string(r.out)
		}
		c, size := escape(s[i:])
		if size == 0 {
			r.ok = false
			return ""
		}
		out = utf8.AppendRune(append(out, s[:i]...), c)
		s, end = s[i+size:], end-i-size
	}
}

// escape reads the escape at the beginning of s, and says how long it is. What our writer never writes, as half a surrogate,
// it leaves to encoding/json.
func escape(s string) (c rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unicodeEscape(s)
	}
	return 0, 0
}

func unicodeEscape(s string) (c rune, size int) {
	const length = len(`\u0000`)
	if len(s) < length {
		return 0, 0
	}
	n, err := strconv.ParseUint(s[2:length], 16, 16)
	if err != nil || utf16.IsSurrogate(rune(n)) {
		return 0, 0
	}
	return rune(n), length
}
