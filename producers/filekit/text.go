package filekit

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/jsonscan"
)

// byteOrderMark is what some programs write before UTF-8.
const byteOrderMark = "\ufeff"

// TrimMark returns the beginning of a file without a byte order mark.
func TrimMark(head []byte) []byte { return bytes.TrimPrefix(head, []byte(byteOrderMark)) }

// TrimHead returns the beginning of a file without a byte order mark and the white space that JSON allows.
func TrimHead(head []byte) []byte { return bytes.TrimLeft(TrimMark(head), " \t\r\n") }

// SkipMark passes a byte order mark at the start of a file, and reports whether there was one.
func SkipMark(w *jsonscan.Window) bool {
	if w.Offset() != 0 || !bytes.HasPrefix(w.Rest(), []byte(byteOrderMark)) {
		return false
	}
	w.Skip(len(byteOrderMark))
	return true
}

// FirstLine is the first line of a file, without a byte order mark and without its end.
func FirstLine(head []byte) []byte {
	line, _, _ := bytes.Cut(TrimMark(head), []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// ValidText is s as JSON can carry it.
func ValidText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Decoder decodes the records of one file, which may be of any charset.
type Decoder struct {
	*charset.Decoder
	Label string // the charset that the last record was in; empty: UTF-8
}

// Text returns a record as UTF-8, and notes what it was.
func (d *Decoder) Text(raw []byte) []byte {
	if d.Label = ""; utf8.Valid(raw) {
		return raw
	}
	var text string
	text, d.Label = d.Decode(raw)
	return []byte(text)
}

// Row decodes the cells of a row in place, and notes what they were.
func (d *Decoder) Row(cells []string) {
	if d.Label = ""; !validCells(cells) {
		d.Label = d.Cells(cells)
	}
}

// KeyCells are the cells of a row in the form that ids are made of, which does not depend on the charset; the cells themselves if they
// are UTF-8.
func KeyCells(cells []string) []string {
	if validCells(cells) {
		return cells
	}
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = charset.Key([]byte(c))
	}
	return out
}

func validCells(cells []string) bool {
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return false
		}
	}
	return true
}
