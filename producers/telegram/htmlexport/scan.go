package htmlexport

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/producers/filekit"
)

// messageTag is how each message of an HTML export begins. It cannot be in a text: there, brackets are escaped.
const (
	MessageTag = `<div class="message `
	serviceTag = MessageTag + "service"
)

// pageWindow is how much of a page is read at a time.
const pageWindow = 64 << 10

// scanner cuts a page where messages begin, so that one that is broken costs no other. What it returns is good until it reads on.
type scanner struct {
	r       io.Reader
	buf     []byte
	storage []byte // the buffer that buf is a part of
	at      int64  // of buf in the file
	line    int
	eof     bool
}

// next returns what is before the next message, or before the end of the file, and leaves it unread. whole is false if
// it is longer than any message: then it is only the beginning.
func (p *scanner) next() (raw []byte, whole bool, err error) {
	for from := 1; ; {
		if from <= len(p.buf) {
			if i := bytes.Index(p.buf[from:], []byte(MessageTag)); i >= 0 {
				return p.buf[:from+i], true, nil
			}
		}
		switch {
		case p.eof:
			return p.buf, true, nil
		case len(p.buf) >= filekit.MaxRecord:
			return p.buf, false, nil
		}
		from = max(1, len(p.buf)-len(MessageTag)+1)
		if err := p.fill(); err != nil {
			return nil, false, err
		}
	}
}

// last reports whether the file has nothing more than n bytes from here.
func (p *scanner) last(n int) bool { return p.eof && n == len(p.buf) }

func (p *scanner) fill() error {
	old := len(p.buf)
	if cap(p.buf)-old < pageWindow {
		if len(p.storage) < old+pageWindow {
			p.storage = make([]byte, 2*(old+pageWindow))
		}
		p.buf = p.storage[:copy(p.storage, p.buf)]
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

// advance goes past n bytes.
func (p *scanner) advance(n int) {
	p.line += bytes.Count(p.buf[:n], []byte{'\n'})
	p.at += int64(n)
	p.buf = p.buf[n:]
}

// seek goes to where a tag is, or to the end of the file, without counting lines.
func (p *scanner) seek(tag string) error {
	for {
		if i := bytes.Index(p.buf, []byte(tag)); i >= 0 {
			p.discard(i)
			return nil
		}
		if p.eof {
			p.discard(len(p.buf))
			return nil
		}
		p.discard(max(0, len(p.buf)-len(tag)+1))
		if err := p.fill(); err != nil {
			return err
		}
	}
}

// discard goes past n bytes without counting lines.
func (p *scanner) discard(n int) {
	p.at += int64(n)
	p.buf = p.buf[n:]
}

// reset begins another file.
func (p *scanner) reset(r io.Reader) {
	p.r, p.buf, p.at, p.line, p.eof = r, p.storage[:0], 0, 1, false
}

// skip goes to where the next message begins, however far that is.
func (p *scanner) skip() error {
	for {
		raw, whole, err := p.next()
		if err != nil {
			return err
		}
		if whole {
			p.advance(len(raw))
			return nil
		}
		p.advance(len(raw) - len(MessageTag)) // of which the beginning may be at the end
	}
}
