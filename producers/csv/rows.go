package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/agrichat/agrichat/producers/filekit"
)

const (
	window = 64 << 10
	// longest is the longest row that is taken whole: anything near it has lost a quotation mark.
	longest = 1 << 20
	// sampled is how much is kept of a line that is longer than longest.
	sampled = 64 << 10
)

// row is one row as read.
type row struct {
	cells []string
	size  int  // with the line end
	open  bool // it ends within a cell that has no second quotation mark
	odd   bool // a quotation mark within a quoted cell is neither doubled nor at its end
}

// parseRow takes apart the row that b begins with. Unless last says that the file ends with b, a row that reaches its end is
// not whole: then size is 0.
func parseRow(b []byte, delimiter, quote byte, last bool) (r row) {
	i := 0
	for {
		text, n, whole := r.cell(b[i:], delimiter, quote, last)
		if !whole {
			return row{open: r.open}
		}
		r.cells = append(r.cells, text)
		i += n
		switch {
		case i < len(b) && b[i] == delimiter:
			i++
			continue
		case i < len(b) && b[i] == '\r':
			i++
		}
		if i < len(b) && b[i] == '\n' {
			i++
		}
		r.size = i
		return r
	}
}

// cell reads a cell up to what ends it.
func (r *row) cell(b []byte, delimiter, quote byte, last bool) (text string, n int, whole bool) {
	if len(b) > 0 && quote != 0 && b[0] == quote {
		return r.quotedCell(b, delimiter, quote, last)
	}
	n = bytes.IndexByte(b, '\n')
	ended := n >= 0
	if !ended {
		n = len(b)
	}
	if i := bytes.IndexByte(b[:n], delimiter); i >= 0 {
		return string(b[:i]), i, true
	}
	if n > 0 && b[n-1] == '\r' {
		n--
	}
	return string(b[:n]), n, ended || last
}

func (r *row) quotedCell(b []byte, delimiter, quote byte, last bool) (text string, n int, whole bool) {
	var out strings.Builder
	for i := 1; ; {
		j := bytes.IndexByte(b[i:], quote)
		if j < 0 {
			r.open = last
			return string(b), len(b), last
		}
		out.Write(b[i : i+j])
		i += j + 1
		switch rest := b[i:]; {
		case len(rest) == 0:
			return out.String(), i, last
		case rest[0] == delimiter, rest[0] == '\n', bytes.HasPrefix(rest, []byte("\r\n")), last && string(rest) == "\r":
			return out.String(), i, true
		case string(rest) == "\r":
			return "", 0, false
		case rest[0] == quote:
			i++
		default:
			r.odd = true
		}
		out.WriteByte(quote)
	}
}

// rows cuts a table into rows.
type rows struct {
	r         io.Reader
	delimiter byte
	quote     byte
	buf       []byte
	eof       bool
}

// parsedRow is what next found.
type parsedRow struct {
	row
	raw []byte // without the line end; good until the next call
	why string // it could not be read
}

// skipMark passes the byte order mark that a table may begin with.
func (r *rows) skipMark() (n int, err error) {
	if !r.eof && len(r.buf) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	rest := filekit.TrimMark(r.buf)
	n = len(r.buf) - len(rest)
	r.buf = rest
	return n, nil
}

// next reads the next row; io.EOF after the last. Of a row that has lost a quotation mark only the first line is taken: the
// others may be rows.
func (r *rows) next(width int) (parsedRow, error) {
	for {
		if r.eof && len(r.buf) == 0 {
			return parsedRow{}, io.EOF
		}
		got := parseRow(r.buf, r.delimiter, r.quote, r.eof)
		switch {
		case got.size == 0 && !r.eof && len(r.buf) < longest:
			if err := r.fill(); err != nil {
				return parsedRow{}, err
			}
			continue
		case got.size == 0, got.size > longest, got.open:
			return r.line("a quotation mark has no second, or the row is longer than any message")
		}
		raw := r.buf[:got.size]
		lines := bytes.Count(bytes.TrimRight(raw, "\r\n"), []byte{'\n'})
		if n := len(got.cells); n == width+1 && got.cells[width] == "" { // a delimiter after the last
			got.cells = got.cells[:width]
		}
		switch {
		case len(got.cells) == 1 && strings.TrimSpace(got.cells[0]) == "":
		case len(got.cells) != width && lines > 0, got.odd && lines > 0:
			return r.line("a quotation mark has no second, or is not doubled")
		case len(got.cells) != width:
			return r.take(got, fmt.Sprintf("the row has %d cells, not %d", len(got.cells), width))
		}
		return r.take(got, "")
	}
}

func (r *rows) take(got row, why string) (parsedRow, error) {
	raw := r.buf[:got.size]
	r.buf = r.buf[got.size:]
	return parsedRow{row: got, raw: bytes.TrimRight(raw, "\r\n"), why: why}, nil
}

// line takes the first line alone. Of one without measure only the beginning is kept.
func (r *rows) line(why string) (parsedRow, error) {
	kept, size := bytes.Clone(r.buf[:min(len(r.buf), sampled)]), 0
	for {
		n := bytes.IndexByte(r.buf, '\n') + 1
		if n == 0 && r.eof {
			n = len(r.buf)
		}
		if n > 0 && size+n <= longest { // still in one piece
			return r.take(row{size: n}, why)
		}
		if n > 0 || r.eof {
			r.buf, size = r.buf[n:], size+n
			why = fmt.Sprintf("the line has %d bytes, more than any message: the first %d are kept", size, len(kept))
			return parsedRow{row: row{size: size}, raw: kept, why: why}, nil
		}
		r.buf, size = r.buf[len(r.buf):], size+len(r.buf)
		if err := r.fill(); err != nil {
			return parsedRow{}, err
		}
	}
}

// fill reads on, twice as much the longer the row is: it is taken apart anew each time.
func (r *rows) fill() error {
	old := len(r.buf)
	more := max(window, old)
	if cap(r.buf)-old < more {
		r.buf = append(make([]byte, 0, old+2*more), r.buf...)
	}
	n, err := io.ReadFull(r.r, r.buf[old:old+more])
	r.buf = r.buf[:old+n]
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.eof = true
	case err != nil:
		return err
	}
	return nil
}
