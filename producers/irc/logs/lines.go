package logs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/agrichat/agrichat/producers"
)

// line is one line of a file with its end, or a piece of one that is too long. A message of several lines is one.
type line struct {
	bytes []byte // good until the next line is read
	whole bool   // it ends here
	first int    // how many of the bytes are the first line, with its end
	count int    // lines that end here
}

// text is the line without its end, in memory of its own.
func (l line) text() []byte {
	return bytes.Clone(producers.TrimEnd(l.bytes))
}

// parts returns the first line of text and those after it.
func (l line) parts(text []byte) (first, more []byte) {
	if l.first >= len(l.bytes) {
		return text, nil
	}
	return producers.TrimEnd(text[:l.first]), text[l.first:]
}

// maxLine is far above what IRC sends (512 bytes and tags), and far below what a message on the bus may hold.
const maxLine = 256 << 10

type lines struct {
	r          *bufio.Reader
	buf        []byte // a message of several lines
	pushedBack *line  // that was read to see whether it belongs to the message before
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine)} }

// next returns the next line, or io.EOF alone.
func (l *lines) next() (line, error) {
	if l.pushedBack != nil {
		out := *l.pushedBack
		l.pushedBack = nil
		return out, nil
	}
	out, err := l.one()
	if err != nil || !out.whole || !inColumns(out.bytes) {
		return out, err
	}
	return l.message(out)
}

func (l *lines) one() (line, error) {
	b, err := l.r.ReadSlice('\n')
	switch {
	case err == nil:
		return line{b, true, len(b), 1}, nil
	case errors.Is(err, bufio.ErrBufferFull):
		return line{b, false, len(b), 0}, nil
	case errors.Is(err, io.EOF) && len(b) > 0:
		return line{b, true, len(b), 1}, nil
	}
	return line{}, err
}

const (
	mostFurther  = 100 // lines of a message; servers allow a few dozen
	peekedBytes  = 40  // enough for a time and what follows it
	columnsDated = len("2006-01-02 15:04")
)

// message adds the lines after the first that begin with no time: WeeChat writes a message of several lines as it is.
func (l *lines) message(out line) (line, error) {
	holding := false
	for out.bytes[len(out.bytes)-1] == '\n' && out.count <= mostFurther {
		if !holding && l.r.Buffered() < peekedBytes { // looking ahead moves what is in the buffer
			l.buf, holding = append(l.buf[:0], out.bytes...), true
			out.bytes = l.buf
		}
		if head, _ := l.r.Peek(peekedBytes); !isFurther(head) { // an error will come again
			return out, nil
		}
		if !holding {
			l.buf, holding = append(l.buf[:0], out.bytes...), true
		}
		more, err := l.one()
		if err != nil {
			return line{}, err
		}
		if !more.whole || len(l.buf)+len(more.bytes) > maxLine {
			l.pushedBack = &more
			break
		}
		l.buf = append(l.buf, more.bytes...)
		out.bytes, out.count = l.buf, out.count+1
	}
	return out, nil
}

// inColumns reports whether a line begins with a date and has columns, as WeeChat writes.
func inColumns(b []byte) bool {
	return isDated(b) && bytes.IndexByte(b, '\t') > 0
}

func isDated(b []byte) bool {
	return len(b) > columnsDated && digit(b[0]) && digit(b[3]) && b[4] == '-' && b[7] == '-' && (b[10] == ' ' || b[10] == 'T') &&
		digit(b[11]) && b[13] == ':'
}

// isFurther reports whether a line that begins like this belongs to the message before it.
func isFurther(head []byte) bool {
	if len(head) == 0 || isDated(head) {
		return false
	}
	text := string(head)
	if _, _, timed := takeStamp(text); timed || strings.HasPrefix(text, "=== ") {
		return false
	}
	first, _, _ := strings.Cut(text, "\n")
	_, isHeader := parseHeader(first)
	return !isHeader
}
