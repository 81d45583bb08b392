package filekit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Lines reads lines of any length, and buffers no more than a record may have.
type Lines struct {
	r   *bufio.Reader
	buf []byte
}

// readBuffer is how much is read at a time.
const readBuffer = 256 << 10

// NewLines returns the lines of a file.
func NewLines(r io.Reader) *Lines { return &Lines{r: bufio.NewReaderSize(r, readBuffer)} }

// Next returns a line without its end, cut to MaxSample if it is longer than MaxRecord, and how many bytes were read. The line is good
// until the next call. io.EOF comes alone.
func (l *Lines) Next() (line []byte, size int64, err error) {
	l.buf = l.buf[:0]
	for {
		piece, err := l.r.ReadSlice('\n')
		size += int64(len(piece))
		if size <= MaxRecord+1 {
			l.buf = append(l.buf, piece...)
		} else if len(l.buf) > MaxSample {
			l.buf = l.buf[:MaxSample]
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && size > 0, err == nil:
			return bytes.TrimRight(l.buf, "\r\n"), size, nil
		}
		return nil, size, err
	}
}
