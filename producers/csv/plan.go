package csv

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// plan is what a mapping comes to for one table.
type plan struct {
	digest    string // of all that ids and bodies depend on
	namespace event.Namespace
	delimiter byte
	quote     byte // 0: none
	header    bool
	width     int // of every row
	channel   location
	id        location
	author    location
	name      location
	text      location
	reply     location
	times     []int
	layout    layout
	zone      *time.Location
	chars     *filekit.Decoder

	zoneNamed, charsetNamed bool  // by the mapping
	overruled               bool  // the mapping names another zone or charset than the user did for the import
	named                   int64 // when the mapping was written, in Unix milliseconds
}

// location is where a row has a value: in a column, or everywhere the same; neither if column is -1 and value is empty.
type location struct {
	column int
	value  string
}

func (p location) named() bool { return p.column >= 0 || p.value != "" }

func (p location) in(cells []string) string {
	if p.column >= 0 && p.column < len(cells) {
		return cells[p.column]
	}
	return p.value
}

// plan holds the mapping against the table's first row, and says of all that is wrong with it at once.
func (m *mapping) plan(f producers.File, o producers.Options) (*plan, error) {
	p := &plan{namespace: event.Namespace(m.Namespace), header: m.Header == nil || *m.Header}
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	note(m.signs(p, f))
	note(m.charsetOf(p, f, o))
	h := readHeader(f.Head, p)
	note(h.err)
	p.width = len(h.cells)
	if p.namespace == "" {
		p.namespace = o.Namespace
	}
	if p.namespace == "" {
		note(errors.New("namespace: name the network whose table this is, for example \"our-forum\", or give --namespace"))
	}
	channel := m.Channel
	if !channel.named() {
		channel.Value = string(o.Channel)
	}
	for _, x := range []struct {
		key      string
		from     field
		to       *location
		required string
	}{
		{"channel", channel, &p.channel, "name a column, or the one channel that all rows are of (channel: {value: general}), or give --channel"},
		{"text", m.Text, &p.text, "name the column that holds the messages"},
		{"id", m.ID, &p.id, ""},
		{"author", m.Author, &p.author, ""},
		{"author_name", m.AuthorName, &p.name, ""},
		{"reply_to", m.ReplyTo, &p.reply, ""},
	} {
		var err error
		*x.to, err = h.location(x.key, x.from)
		if err == nil && !x.to.named() && x.required != "" {
			err = fmt.Errorf("%s: %s", x.key, x.required)
		}
		note(err)
	}
	for key, f := range map[string]field{"id": m.ID, "text": m.Text, "reply_to": m.ReplyTo} {
		if f.Value != "" {
			note(fmt.Errorf("%s: it is not the same in every row: name a column", key))
		}
	}
	if !m.Author.named() && !m.AuthorName.named() {
		note(errors.New("author: name the column that says who wrote it, by id (author) or by name (author_name)"))
	}
	if m.ReplyTo.named() && !m.ID.named() {
		note(errors.New("reply_to: it names messages by their ids, so map id as well"))
	}
	note(m.times(p, h, o))
	p.overruled = p.charsetNamed && o.Charset != "" && !same(m.Charset, o.Charset) ||
		p.zoneNamed && o.Zone != nil && p.zone.String() != o.Zone.String()
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return p, nil
}

// same reports whether two names are of one charset.
func same(a, b string) bool {
	_, a, errA := charset.Lookup(a)
	_, b, errB := charset.Lookup(b)
	return errA == nil && errB == nil && a == b
}

// signs finds out what stands between cells and around them.
func (m *mapping) signs(p *plan, f producers.File) error {
	var err error
	p.delimiter, p.quote = guessDelimiter(f), '"'
	if m.Delimiter != "" {
		p.delimiter, err = sign("delimiter", m.Delimiter)
	}
	if m.Quote != nil {
		if *m.Quote == "none" || *m.Quote == "" {
			p.quote = 0
			return err
		}
		quote, errQuote := sign("quote", *m.Quote)
		p.quote = quote
		err = errors.Join(err, errQuote)
	}
	if err == nil && p.quote == p.delimiter {
		err = errors.New("quote: it is the delimiter too")
	}
	return err
}

func sign(key, s string) (byte, error) {
	switch s {
	case "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	case "tab", `\t`:
		return '\t', nil
	case "pipe":
		return '|', nil
	}
	if len(s) != 1 || s == "\n" || s == "\r" || s[0] >= 0x80 {
		return ',', fmt.Errorf("%s: %q is not one sign of ASCII: there are comma, semicolon, tab, pipe, or any other single one", key, s)
	}
	return s[0], nil
}

// guessDelimiter is the sign that the first line has most of.
func guessDelimiter(f producers.File) byte {
	if strings.EqualFold(path.Ext(f.Path), ".tsv") {
		return '\t'
	}
	line, best := filekit.FirstLine(f.Head), byte(',')
	for _, d := range []byte{';', '\t', '|'} {
		if bytes.Count(line, []byte{d}) > bytes.Count(line, []byte{best}) {
			best = d
		}
	}
	return best
}

// header is the first row.
type header struct {
	cells []string
	names bool // the cells are names
	err   error
}

func readHeader(head []byte, p *plan) header {
	head = filekit.TrimMark(head)
	r := parseRow(head, p.delimiter, p.quote, true)
	h := header{cells: r.cells, names: p.header}
	if n := len(h.cells); n > 1 && h.cells[n-1] == "" && p.header { // a delimiter after the last
		h.cells = h.cells[:n-1]
	}
	_ = p.chars.Cells(h.cells) // names are no part of an event
	for i, c := range h.cells {
		h.cells[i] = strings.TrimSpace(c)
	}
	if r.open {
		h.err = errors.New("header: the table's first row has a quotation mark without its second")
	}
	return h
}

// location finds a column by its name, or else by its number.
func (h header) location(key string, f field) (location, error) {
	if f.Column == "" {
		return location{-1, f.Value}, nil
	}
	i, err := h.column(f.Column)
	if err != nil {
		return location{-1, ""}, fmt.Errorf("%s: %w", key, err)
	}
	return location{i, ""}, nil
}

func (h header) column(name string) (int, error) {
	found := -1
	if h.names {
		for i, c := range h.cells {
			if c != name {
				continue
			}
			if found >= 0 {
				return 0, fmt.Errorf("columns %d and %d are both called %q: name one by its number", found+1, i+1, name)
			}
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	n, err := strconv.Atoi(name)
	switch {
	case err == nil && n >= 1 && n <= len(h.cells):
		return n - 1, nil
	case err == nil:
		return 0, fmt.Errorf("there is no column %d: the first row has %d", n, len(h.cells))
	case !h.names:
		return 0, fmt.Errorf("%q is no number, and without a header columns have only numbers, from 1 to %d", name, len(h.cells))
	}
	return 0, fmt.Errorf("the table has no column %q: it has %s", name, strings.Join(quoted(h.cells), ", "))
}

func quoted(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strconv.Quote(c)
	}
	return out
}

func (m *mapping) times(p *plan, h header, o producers.Options) error {
	if len(m.Time.Column) == 0 {
		return errors.New("time: name the column that says when, and how it is written (time: {column: date, layout: \"%Y-%m-%d %H:%M\"})")
	}
	var wrong []error
	for _, c := range m.Time.Column {
		i, err := h.column(c)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("time: %w", err))
		}
		p.times = append(p.times, i)
	}
	var err error
	if p.layout, err = parseLayout(m.Time.Layout); err != nil {
		wrong = append(wrong, fmt.Errorf("time: %w", err))
	}
	p.zone = o.Zone
	if p.zoneNamed = m.Time.Zone != ""; p.zoneNamed {
		if p.zone, err = time.LoadLocation(m.Time.Zone); err != nil || m.Time.Zone == "Local" {
			wrong = append(wrong, fmt.Errorf("time: zone %q is not known: name one as Europe/Berlin is named, or UTC", m.Time.Zone))
		}
	}
	if p.zone == nil {
		p.zone = time.UTC
	}
	return errors.Join(wrong...)
}

// charsetOf finds the charset of rows that are not UTF-8; it is guessed if nobody names one.
func (m *mapping) charsetOf(p *plan, f producers.File, o producers.Options) (err error) {
	name := m.Charset
	if p.charsetNamed = name != ""; !p.charsetNamed {
		name = o.Charset
	}
	p.chars = &filekit.Decoder{}
	if name != "" {
		_, full, err := charset.Lookup(name)
		if err != nil {
			p.chars.Decoder, _ = charset.NewDecoder("", nil)
			return err
		}
		if strings.HasPrefix(full, "utf-16") { // such a file came here as UTF-8
			name = ""
		}
	}
	p.chars.Decoder, err = charset.NewDecoder(name, f.Open)
	return err
}
