package telegram

import (
	"bytes"
	"errors"
	"io"
)

const (
	// window is how much is read at a time.
	window = 256 << 10
	// longest is the longest record that is taken whole: the longest message has 4096 characters, so anything near it is a
	// record whose end is lost. The bus must take what an event of this size becomes.
	longest = 4 << 20
	// sampled is how much is kept of what is longer than longest.
	sampled = 64 << 10
)

// scanner finds where values begin and end in JSON that may be broken. It promises not to lose its place for longer than
// the record that is broken, as long as the file is laid out in lines, as the exporter does; and to hold no more than the
// longest record.
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

// found is a value, or what stands where one should be.
type found struct {
	raw  []byte // good until the scanner is used again
	why  string // what is wrong with it; empty if its ends are where they should be
	cut  bool   // the file ends in it
	size int64  // of all of it, where raw is only its beginning
}

// value reads the value that begins at the next byte, which next has found. inArray says where it stands, which decides
// what may follow it when its own end is lost.
func (s *scanner) value(inArray bool) found {
	return s.walk(&walker{indent: s.indent, inArray: inArray}, longest)
}

// pass reads a value and forgets it.
func (s *scanner) pass() found { return s.walk(&walker{indent: s.indent}, 0) }

// junk reads what should not be there, up to where a value may begin again.
func (s *scanner) junk(inArray bool) found {
	return s.walk(&walker{indent: s.indent, inArray: inArray, why: "this is not where a value ends or begins"}, longest)
}

func (s *scanner) walk(w *walker, limit int) found {
	i, done := 0, false
	for {
		var n int
		n, done = w.walk(s.buf[s.pos+i:])
		i += n
		if done {
			break
		}
		if i >= limit {
			if k := nextRecord(s.buf[s.pos:s.pos+i], w); limit > 0 && k > 0 {
				return s.take(k, "the record has no end", false)
			}
			return s.overlong(w, i, limit)
		}
		if !s.fill() {
			break
		}
	}
	if !done && !w.scalar {
		if k := nextRecord(s.buf[s.pos:s.pos+i], w); k > 0 {
			return s.take(k, "the record has no end", false)
		}
		return s.take(i, "the file ends in the middle of a record", true)
	}
	return s.take(i, w.why, false)
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

// overlong passes the rest of a value of which i bytes are longer than anything that is kept.
func (s *scanner) overlong(w *walker, i, limit int) found {
	f := found{why: w.why}
	if limit > 0 {
		f.why = "the record is longer than any message"
		f.raw = bytes.Clone(s.buf[s.pos : s.pos+sampled])
	}
	f.size = int64(i)
	s.skip(i)
	for {
		if !s.fill() {
			f.cut = true
			f.why = "the file ends in the middle of a record"
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

// nextRecord finds where the next message begins in a file without lines, where nothing else tells: the exporter and its
// imitators write the id first. Zero if there is none, or if lines tell.
func nextRecord(b []byte, w *walker) int {
	if w.pretty || !w.inArray || len(b) < 2 {
		return 0
	}
	return 1 + bytes.Index(b[1:], []byte(`{"id":`))
}

// walker follows one value byte by byte. What it remembers lets it go on in the next piece.
type walker struct {
	indent  int    // of the line on which the value begins
	inArray bool   // and not in an object
	why     string // what is wrong; while it is set, the walker only looks for a line where something else may begin
	open    bool   // the value is an object or an array, which opened
	pretty  bool   // its first line ends with the bracket, so its last line begins with the other, equally indented
	scalar  bool   // a number or a word, which ends where something else begins
	started bool
	quoted  bool
	escaped bool
	fresh   bool // nothing but blanks yet on this line
	opening bool // nothing but blanks yet after the first bracket
	comma   bool // the last byte but blanks was a comma
	depth   int
	arrays  uint64 // the innermost bracket is the lowest bit, set if it is an array's; enough for 64 of them
	column  int
}

// walk follows the value into b; it returns how much of b belongs to it, and whether it ended.
func (w *walker) walk(b []byte) (int, bool) {
	i := 0
	for i < len(b) {
		if w.quoted && !w.escaped && w.why == "" {
			if i += plain(b[i:]); i == len(b) {
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

// plain returns how many bytes of a string need no thought.
func plain(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c == '\n' {
			return i
		}
	}
	return len(b)
}

// step follows one byte; it reports whether the byte belongs to the value and whether the value ends with or before it.
func (w *walker) step(c byte) (take, done bool) {
	switch {
	case w.why != "":
		return w.lost(c)
	case w.quoted:
		return true, w.inString(c)
	case !w.started:
		return true, w.start(c)
	case w.scalar:
		end := c == ',' || c == '}' || c == ']' || c == '\n'
		return !end, end
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
	if first && w.overrun(c) {
		w.why, w.fresh = "the record has no end: something else begins before it", true
		return w.lost(c)
	}
	return true, w.bracket(c, first)
}

// overrun reports whether a line that begins with c cannot belong to the value, by where it begins.
func (w *walker) overrun(c byte) bool {
	switch {
	case w.column > w.indent:
		return false
	case !w.pretty:
		return w.inArray && c == '{'
	}
	return w.column < w.indent || w.depth > 1 || c != '}' && c != ']'
}

func (w *walker) start(c byte) (done bool) {
	w.started = true
	switch c {
	case '{', '[':
		w.depth, w.open, w.opening = 1, true, true
		if c == '[' {
			w.arrays = 1
		}
	case '"':
		w.quoted = true
	default:
		w.scalar = true
	}
	return false
}

func (w *walker) inString(c byte) (done bool) {
	switch {
	case c == '\n': // an exporter escapes it: a quotation mark was lost
		w.why, w.fresh, w.column = "a string has no end", true, 0
	case w.escaped:
		w.escaped = false
	case c == '\\':
		w.escaped = true
	case c == '"':
		w.quoted = false
		return w.depth == 0
	}
	return false
}

func (w *walker) bracket(c byte, first bool) (done bool) {
	comma := w.comma
	w.comma = c == ','
	switch c {
	case '"':
		w.quoted = true
	case '{', '[':
		if comma && w.arrays&1 == 0 {
			w.why = "the record has no end: another begins where a name should be"
			return false
		}
		w.depth++
		w.arrays <<= 1
		if c == '[' {
			w.arrays |= 1
		}
	case '}', ']':
		return w.closing(c, first)
	}
	return false
}

func (w *walker) closing(c byte, first bool) (done bool) {
	if w.depth < 64 && (c == ']') != (w.arrays&1 == 1) {
		w.why = "its brackets do not match"
		return false
	}
	w.depth--
	w.arrays >>= 1
	if w.depth > 0 {
		return false
	}
	if w.pretty && (!first || w.column != w.indent) {
		w.why = "the record ends before its last line"
		return false
	}
	return true
}

// lost looks for a line that is indented no more than the value was and begins as something that may follow it.
func (w *walker) lost(c byte) (take, done bool) {
	w.started = true
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
		own := w.column == w.indent && w.open // the value's last line
		return own, true
	case '{':
		return false, w.inArray
	case '"':
		return false, !w.inArray
	}
	return true, false
}
