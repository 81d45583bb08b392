package discord

import (
	"bytes"
	"strings"
)

// columns says where in a row things stand; -1 for what the table does not have.
type columns struct {
	delimiter                                               byte
	width                                                   int // of a row, without an empty cell after the last delimiter
	authorID, author, date, content, attachments, reactions int
}

// parseHeader reads a table's first line. ok says that it is one that the exporter writes.
func parseHeader(line []byte) (c columns, ok bool) {
	c = columns{delimiter: ',', authorID: -1, author: -1, date: -1, content: -1, attachments: -1, reactions: -1}
	for _, d := range []byte{';', '\t'} {
		if bytes.Count(line, []byte{d}) > bytes.Count(line, []byte{c.delimiter}) {
			c.delimiter = d
		}
	}
	cells, _, _ := parseRow(line, c.delimiter, true, 0)
	for i, name := range cells {
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "" {
			c.width = i + 1
		}
		switch name {
		case "authorid":
			c.authorID = i
		case "author":
			c.author = i
		case "date":
			c.date = i
		case "content":
			c.content = i
		case "attachments":
			c.attachments = i
		case "reactions":
			c.reactions = i
		}
	}
	return c, c.readable() && c.attachments >= 0 && c.reactions >= 0
}

// readable reports whether there is enough to make messages of.
func (c *columns) readable() bool { return c.author >= 0 && c.date >= 0 && c.content >= 0 }

// fits reports whether a row has the cells that the header promises. The tables of 2019 have a delimiter after the last.
func (c *columns) fits(cells []string) bool {
	return len(cells) == c.width || len(cells) == c.width+1 && cells[c.width] == ""
}

func cell(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return cells[i]
}

// parseRow takes apart the row that b begins with: its cells and its length with the line end. It is not whole if b ends in
// it and last does not say that the file does too, or if a quotation mark has no second. With most, no more cells than that
// are looked at. A quotation mark that neither ends a cell nor is doubled is taken as it stands.
func parseRow(b []byte, delimiter byte, last bool, most int) (cells []string, n int, whole bool) {
	i := 0
	for {
		text, size, whole := parseCell(b[i:], delimiter, last)
		if !whole {
			return cells, len(b), false
		}
		cells = append(cells, text)
		i += size
		switch {
		case most > 0 && len(cells) == most:
			return cells, i, true
		case i == len(b):
			return cells, i, last
		case b[i] == delimiter:
			i++
			continue
		}
		if j := bytes.IndexByte(b[i:], '\n'); j >= 0 {
			return cells, i + j + 1, true
		}
		return cells, len(b), last
	}
}

// parseCell returns a cell's text and its length up to what ends it: a delimiter, a line end, or the end of b.
func parseCell(b []byte, delimiter byte, last bool) (text string, n int, whole bool) {
	if len(b) == 0 || b[0] != '"' {
		n = len(b)
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			n = i
		}
		ended := n < len(b)
		if i := bytes.IndexByte(b[:n], delimiter); i >= 0 {
			return string(b[:i]), i, true
		}
		if ended && n > 0 && b[n-1] == '\r' {
			n--
		}
		return string(b[:n]), n, ended || last
	}
	doubled := false
	for i := 1; ; i++ {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return "", len(b), false
		}
		switch i += j; {
		case endsCell(b[i+1:], delimiter):
			text = string(b[1:i])
			if doubled {
				text = strings.ReplaceAll(text, `""`, `"`)
			}
			return text, i + 1, last || i+1 < len(b) && string(b[i+1:]) != "\r"
		case b[i+1] == '"':
			doubled = true
			i++
		}
	}
}

func endsCell(b []byte, delimiter byte) bool {
	return len(b) == 0 || b[0] == delimiter || b[0] == '\n' || b[0] == '\r' && (len(b) == 1 || b[1] == '\n')
}
