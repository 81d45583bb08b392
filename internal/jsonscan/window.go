package jsonscan

import (
	"bytes"
	"errors"
	"io"
)

// Window is the piece of a file that is being looked at.
type Window struct {
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

// NewWindow returns a window of the given size on what r reads. It grows while nothing is skipped. r is at the given
// offset, line and indentation of the file; the reader is not closed.
func NewWindow(r io.Reader, size int, offset int64, line, indent int) *Window {
	return &Window{r: r, buf: make([]byte, 0, size), base: offset, line: line, indent: indent}
}

// Offset is where the first unread byte is in the file.
func (w *Window) Offset() int64 { return w.base + int64(w.pos) }

// Line is the line of the first unread byte, from 1.
func (w *Window) Line() int { return w.line }

// Indent is how many blanks that line begins with, as far as it is read.
func (w *Window) Indent() int { return w.indent }

// Err is what reading failed with; nil at the end of the file.
func (w *Window) Err() error { return w.err }

// EOF reports whether nothing comes after what is unread.
func (w *Window) EOF() bool { return w.eof }

// Rest is what was read and not yet passed. It is good until Next or Fill is called.
func (w *Window) Rest() []byte { return w.buf[w.pos:] }

// Fill reads more; it reports whether there was any. What is unread moves to the front.
func (w *Window) Fill() bool {
	if w.eof {
		return false
	}
	if w.pos > 0 {
		w.base += int64(w.pos)
		w.buf, w.pos = w.buf[:copy(w.buf, w.buf[w.pos:])], 0
	}
	if len(w.buf) == cap(w.buf) {
		w.buf = append(make([]byte, 0, 2*cap(w.buf)), w.buf...)
	}
	for range 100 { // as many empty reads as bufio allows
		n, err := w.r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if err != nil {
			w.eof = true
			if !errors.Is(err, io.EOF) {
				w.err = err
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	w.eof, w.err = true, io.ErrNoProgress
	return false
}

// Next passes white space and returns the byte that follows, unread; false at the end.
func (w *Window) Next() (byte, bool) {
	for {
		for w.pos < len(w.buf) {
			switch c := w.buf[w.pos]; c {
			case '\n':
				w.line++
				w.indent, w.fresh = 0, true
			case ' ', '\t':
				if w.fresh {
					w.indent++
				}
			case '\r':
			default:
				w.fresh = false
				return c, true
			}
			w.pos++
		}
		if !w.Fill() {
			return 0, false
		}
	}
}

// Skip passes n bytes of Rest.
func (w *Window) Skip(n int) {
	b := w.buf[w.pos : w.pos+n]
	w.pos += n
	lines := bytes.Count(b, []byte{'\n'})
	if lines == 0 {
		return
	}
	w.line += lines
	rest := b[bytes.LastIndexByte(b, '\n')+1:]
	w.indent = len(rest) - len(bytes.TrimLeft(rest, " \t"))
	w.fresh = w.indent == len(rest)
}
