package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// messageTag is how each message of an HTML export begins. It cannot stand in a text: there, brackets are escaped.
const (
	messageTag = `<div class="message `
	serviceTag = messageTag + "service"
)

// pageWindow is how much of a page is read at a time.
const pageWindow = 64 << 10

// pieces cuts a page where messages begin, so that one that is broken costs no other. What it returns is good until it reads on.
type pieces struct {
	r    io.Reader
	buf  []byte
	room []byte // in which buf stands
	at   int64  // of buf in the file
	line int
	eof  bool
}

// next returns what stands before the next message, or before the end of the file, and leaves it unread. whole is false if
// it is longer than any message: then it is only the beginning.
func (p *pieces) next() (raw []byte, whole bool, err error) {
	for from := 1; ; {
		if from <= len(p.buf) {
			if i := bytes.Index(p.buf[from:], []byte(messageTag)); i >= 0 {
				return p.buf[:from+i], true, nil
			}
		}
		switch {
		case p.eof:
			return p.buf, true, nil
		case len(p.buf) >= longest:
			return p.buf, false, nil
		}
		from = max(1, len(p.buf)-len(messageTag)+1)
		if err := p.fill(); err != nil {
			return nil, false, err
		}
	}
}

// last reports whether the file has nothing more than n bytes from here.
func (p *pieces) last(n int) bool { return p.eof && n == len(p.buf) }

func (p *pieces) fill() error {
	old := len(p.buf)
	if cap(p.buf)-old < pageWindow {
		if len(p.room) < old+pageWindow {
			p.room = make([]byte, 2*(old+pageWindow))
		}
		p.buf = p.room[:copy(p.room, p.buf)]
	}
	n, err := io.ReadAtLeast(p.r, p.buf[old:old+pageWindow], 1)
	p.buf = p.buf[:old+n]
	if errors.Is(err, io.EOF) {
		p.eof = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading on after byte %d: %w", p.at+int64(old), err)
	}
	return nil
}

// pass goes past n bytes.
func (p *pieces) pass(n int) {
	p.line += bytes.Count(p.buf[:n], []byte{'\n'})
	p.at += int64(n)
	p.buf = p.buf[n:]
}

// seek goes to where a tag stands, or to the end of the file, without counting lines.
func (p *pieces) seek(tag string) error {
	for {
		if i := bytes.Index(p.buf, []byte(tag)); i >= 0 {
			p.drop(i)
			return nil
		}
		if p.eof {
			p.drop(len(p.buf))
			return nil
		}
		p.drop(max(0, len(p.buf)-len(tag)+1))
		if err := p.fill(); err != nil {
			return err
		}
	}
}

// drop goes past n bytes without counting lines.
func (p *pieces) drop(n int) {
	p.at += int64(n)
	p.buf = p.buf[n:]
}

// again begins another file.
func (p *pieces) again(r io.Reader) {
	p.r, p.buf, p.at, p.line, p.eof = r, p.room[:0], 0, 1, false
}

// skip goes to where the next message begins, however far that is.
func (p *pieces) skip() error {
	for {
		raw, whole, err := p.next()
		if err != nil {
			return err
		}
		if whole {
			p.pass(len(raw))
			return nil
		}
		p.pass(len(raw) - len(messageTag)) // of which the beginning may stand at the end
	}
}
