package slack

import (
	"bytes"
	"errors"
	"io"
)

const (
	// window is how much is read at a time: most days of most channels are smaller.
	window = 64 << 10
	// longest is the longest record that is taken whole: the longest message has 40,000 characters, which stand in it twice
	// or three times and may be escaped, so anything near this is a record whose end is lost. The bus must take what an event
	// of this size becomes.
	longest = 4 << 20
	// sampled is how much is kept of what is longer than longest.
	sampled = 64 << 10
)

// scanner finds where records begin and end in a list of JSON that may be broken. It promises not to lose its place for
// longer than the record that is broken, as long as the file is laid out in lines, as Slack does, or begins each record as
// Slack does; and to hold no more than the longest record.
type scanner struct {
	r      io.Reader
	buf    []byte
	pos    int   // buf[pos:] is unread
	base   int64 // where buf begins in the file
	line   int   // of buf[pos], from 1
	indent int   // of that line
	fresh  bool  // nothing but blanks came yet on that line
	err    error // of the reader, io.EOF apart
	eof    bool
}

func newScanner(r io.Reader, offset int64, line, indent int) *scanner {
	return &scanner{r: r, buf: make([]byte, 0, window), base: offset, line: line, indent: indent}
}

func (s *scanner) offset() int64 { return s.base + int64(s.pos) }

// fill reads more; it reports whether there was any.
func (s *scanner) fill() bool {
	if s.eof {
		return false
	}
	if s.pos > 0 {
		n := copy(s.buf, s.buf[s.pos:])
		s.base += int64(s.pos)
		s.buf, s.pos = s.buf[:n], 0
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	for range 100 { // as many empty reads as bufio bears
		n, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+n]
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	s.eof, s.err = true, io.ErrNoProgress
	return false
}

// next passes white space and returns the byte that follows, unread; false at the end.
func (s *scanner) next() (byte, bool) {
	for {
		for s.pos < len(s.buf) {
			switch c := s.buf[s.pos]; c {
			case '\n':
				s.line++
				s.indent, s.fresh = 0, true
			case ' ', '\t':
				if s.fresh {
					s.indent++
				}
			case '\r':
			default:
				s.fresh = false
				return c, true
			}
			s.pos++
		}
		if !s.fill() {
			return 0, false
		}
	}
}

// skip passes n bytes that are in the buffer.
func (s *scanner) skip(n int) {
	b := s.buf[s.pos : s.pos+n]
	s.pos += n
	last := bytes.LastIndexByte(b, '\n')
	if last < 0 {
		return
	}
	s.line += bytes.Count(b, []byte{'\n'})
	rest := b[last+1:]
	s.indent = len(rest) - len(bytes.TrimLeft(rest, " \t"))
	s.fresh = s.indent == len(rest)
}

// found is a record, or what stands where one should be.
type found struct {
	raw  []byte // good until the scanner is used again
	why  string // what is wrong with it; empty if its ends are where they should be
	cut  bool   // the file ends in it
	size int64  // of all of it, where raw is only its beginning
}

// record reads the object that begins at the next byte, which next has found.
func (s *scanner) record() found { return s.walk(&walker{indent: s.indent}) }

// junk reads what should not be there, up to where a record may begin again.
func (s *scanner) junk() found {
	return s.walk(&walker{indent: s.indent, why: "this is not where a record ends or begins"})
}

func (s *scanner) walk(w *walker) found {
	i, done := 0, false
	for {
		var n int
		n, done = w.walk(s.buf[s.pos+i:])
		i += n
		if done || i >= longest || !s.fill() {
			break
		}
	}
	if done {
		return s.take(i, w.why, false)
	}
	if k := nextRecord(s.buf[s.pos : s.pos+i]); k > 0 {
		return s.take(k, "the record has no end", false)
	}
	if i >= longest {
		return s.overlong(w, i)
	}
	return s.take(i, "the file ends in the middle of a record", true)
}

func (s *scanner) take(n int, why string, cut bool) found {
	raw := s.buf[s.pos : s.pos+n]
	s.skip(n)
	raw = bytes.TrimRight(raw, " \t\r\n")
	if why != "" {
		raw = bytes.TrimRight(raw, ", \t\r\n")
	}
	return found{raw: raw, why: why, cut: cut, size: int64(n)}
}

// overlong passes the rest of a record of which i bytes are longer than anything that is kept.
func (s *scanner) overlong(w *walker, i int) found {
	f := found{why: "the record is longer than any message", raw: bytes.Clone(s.buf[s.pos : s.pos+sampled]), size: int64(i)}
	s.skip(i)
	for {
		if !s.fill() {
			f.cut, f.why = true, "the file ends in the middle of a record"
			return f
		}
		n, done := w.walk(s.buf[s.pos:])
		s.skip(n)
		f.size += int64(n)
		if done {
			return f
		}
	}
}

// nextRecord finds where the next record begins where no line tells; zero if there is none.
func nextRecord(b []byte) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(",{"))
		if i < 0 {
			return 0
		}
		from += i + 1
		if beginsRecord(b[from:]) {
			return from
		}
	}
}

// beginsRecord reports whether b begins as a record of Slack's does: within, nothing else does.
func beginsRecord(b []byte) bool {
	for _, first := range [...]string{`{"client_msg_id":`, `{"subtype":`, `{"id":"U`, `{"id":"W`, `{"id":"C`, `{"id":"G`, `{"id":"D`} {
		if bytes.HasPrefix(b, []byte(first)) {
			return true
		}
	}
	b = b[1:min(len(b), 256)]
	if end := bytes.IndexAny(b, "{}[]"); end >= 0 {
		b = b[:end]
	}
	return bytes.Contains(b, []byte(`"type":"message"`))
}

// walker follows one record byte by byte. What it remembers lets it go on in the next piece.
type walker struct {
	indent  int    // of the line on which the record begins
	why     string // what is wrong; while it is set, the walker only looks for a line where a record may begin
	pretty  bool   // its first line ends with the brace, so its last line begins with the other, equally indented
	flat    bool   // it has lines, which are not indented and tell nothing
	opening bool   // nothing but blanks yet after the first brace
	inside  bool   // the first line within it came
	quoted  bool
	escaped bool
	fresh   bool // nothing but blanks yet on this line
	depth   int
	column  int
}

// walk follows the record into b; it returns how much of b belongs to it, and whether it ended.
func (w *walker) walk(b []byte) (int, bool) {
	i := 0
	for i < len(b) {
		if w.quoted && !w.escaped && w.why == "" {
			if i += plainBytes(b[i:]); i == len(b) {
				break
			}
		}
		take, done := w.step(b[i])
		if take {
			i++
		}
		if done {
			return i, true
		}
	}
	return i, false
}

// plainBytes returns how many bytes of a string need no thought.
func plainBytes(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c == '\n' {
			return i
		}
	}
	return len(b)
}

// step follows one byte; it reports whether the byte belongs to the record and whether the record ends with or before it.
func (w *walker) step(c byte) (take, done bool) {
	switch {
	case w.why != "":
		return w.lost(c)
	case w.quoted:
		w.inString(c)
		return true, false
	case c == '\n':
		w.pretty = w.pretty || w.opening
		w.opening, w.fresh, w.column = false, true, 0
		return true, false
	case c == ' ' || c == '\t' || c == '\r':
		w.column++
		return true, false
	}
	first := w.fresh
	w.fresh, w.opening = false, false
	if first && !w.inside {
		w.inside = true
		w.flat = w.column <= w.indent && c == '"'
	}
	if first && w.overrun(c) {
		w.why, w.fresh = "the record has no end: something else begins before it", true
		return w.lost(c)
	}
	return true, w.bracket(c, first)
}

// overrun reports whether a line that begins with c cannot belong to the record, by where it begins.
func (w *walker) overrun(c byte) bool {
	switch {
	case w.flat || w.column > w.indent:
		return false
	case !w.pretty:
		return c == '{'
	}
	return w.column < w.indent || w.depth > 1 || c != '}'
}

func (w *walker) inString(c byte) {
	switch {
	case c == '\n': // Slack escapes it: a quotation mark was lost
		w.why, w.fresh, w.column = "a string has no end", true, 0
	case w.escaped:
		w.escaped = false
	case c == '\\':
		w.escaped = true
	case c == '"':
		w.quoted = false
	}
}

func (w *walker) bracket(c byte, first bool) (done bool) {
	switch c {
	case '"':
		w.quoted = true
	case '{', '[':
		w.opening = w.depth == 0
		w.depth++
	case '}', ']':
		if w.depth--; w.depth > 0 {
			return false
		}
		if w.pretty && !w.flat && (!first || w.column != w.indent) {
			w.why = "the record ends before its last line"
			return false
		}
		return true
	}
	return false
}

// lost looks for a line that is indented no more than the record was and begins as something that may follow it.
func (w *walker) lost(c byte) (take, done bool) {
	switch {
	case c == '\n':
		w.fresh, w.column = true, 0
		return true, false
	case !w.fresh:
		return true, false
	case c == ' ' || c == '\t' || c == '\r':
		w.column++
		return true, false
	}
	w.fresh = false
	if w.column > w.indent {
		return true, false
	}
	switch c {
	case '}', ']':
		own := w.column == w.indent && c == '}' // the record's last line
		return own, true
	case '{':
		return false, true
	}
	return true, false
}
