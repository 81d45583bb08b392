package discord

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// table reads a CSV file.
type table struct {
	output

	scan  *scanner
	cols  columns
	clock clock
	tally producers.Tally

	derived bool // the path alone says which channel it is of
	sibling *sibling
	taken   map[event.NativeID]struct{} // messages of the sibling that rows were
}

// At implements filekit.Reader.
func (t *table) At() filekit.Position { return t.scan.position() }

// Cursor implements filekit.Reader.
func (t *table) Cursor() any {
	t.Position = t.At()
	return &t.state
}

// Step reads the header, or a row.
func (t *table) Step(context.Context) error {
	if t.Complete {
		return io.EOF
	}
	if t.Location == atStart {
		return t.header()
	}
	at := t.At()
	cells, n, why := t.row()
	switch {
	case n == 0:
		if t.scan.Err() != nil {
			return t.scan.Err()
		}
		return t.finish()
	case why != "":
		return t.misread(n, why)
	case blank(cells):
		t.scan.Skip(n)
		return nil
	}
	raw := bytes.Clone(bytes.TrimRight(t.scan.Rest()[:n], "\r\n"))
	t.scan.Skip(n)
	t.Counts.Read++
	if t.derived {
		t.Notices.Add(fromPath())
	}
	return t.message(cells, raw, at)
}

func blank(cells []string) bool { return len(cells) == 1 && strings.TrimSpace(cells[0]) == "" }

// row looks at the next row, and leaves it unread: n is its length, or that of what is there in its place, 0 at the end.
func (t *table) row() (cells []string, n int, why string) {
	for {
		var whole bool
		cells, n, whole = parseRow(t.scan.Rest(), t.cols.delimiter, t.scan.EOF(), 0)
		switch {
		case whole && len(t.scan.Rest()) == 0:
			return nil, 0, ""
		case whole && t.unfinished(cells, t.scan.Rest()[:n]):
			return nil, n, "the file ends in the middle of a row"
		case whole && (t.cols.fits(cells) || blank(cells)):
			if !t.clock.read(filekit.ValidText(cell(cells, t.cols.date)), t.Before).ok && t.nextRow(t.scan.Rest()[1:n], true) >= 0 {
				return nil, n, "the row has taken in another"
			}
			return cells, n, ""
		case whole:
			return nil, n, fmt.Sprintf("the row has %d cells, not %d", len(cells), t.cols.width)
		case n >= filekit.MaxRecord:
			return nil, n, "the row is longer than any message"
		case !t.scan.Fill() && t.scan.EOF():
			if _, n, whole = parseRow(t.scan.Rest(), t.cols.delimiter, true, 0); !whole {
				return nil, n, "a cell has no end"
			}
		}
	}
}

// unfinished reports whether a row, which the file ends with, lacks the last of its cells: the delimiter before it stands.
func (t *table) unfinished(cells []string, row []byte) bool {
	end := bytes.TrimRight(row, "\r")
	return len(end) > 0 && row[0] == '"' && end[len(end)-1] == t.cols.delimiter && len(cells) == t.cols.width
}

// nextRow finds where in b a line begins that is a row at least as far as its date.
func (t *table) nextRow(b []byte, last bool) int {
	const enough = 512 // for an id, a name and a date
	for i := 0; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return -1
		}
		i += j + 1
		head := b[i:min(len(b), i+enough)]
		cells, _, whole := parseRow(head, t.cols.delimiter, last && len(head) == len(b)-i, t.cols.date+1)
		if whole && len(cells) == t.cols.date+1 && t.clock.read(filekit.ValidText(cells[t.cols.date]), t.Before).ok {
			return i
		}
	}
}

// misread keeps a row that cannot be read, up to where the next may begin: a row that lost a quotation mark may have taken in
// others.
func (t *table) misread(n int, why string) error {
	d := filekit.Damaged{Position: t.At(), Raw: t.scan.Rest()[:n], Size: int64(n), Reason: why}
	k := t.nextRow(d.Raw[1:], true)
	switch {
	case k >= 0:
		d.Size = int64(1 + k)
	case n >= filekit.MaxRecord || t.scan.Rest()[n-1] != '\n':
		d = t.scan.lost(why, t.nextRow)
		return errors.Join(t.scan.Err(), t.unparsed(d))
	}
	d.Raw = bytes.TrimRight(d.Raw[:d.Size], "\r\n")
	err := t.unparsed(d)
	t.scan.Skip(int(d.Size))
	return err
}

var errNoHeader = errors.New("this is no table of DiscordChatExporter: its first line does not name author, date and content")

// header reads the first line.
func (t *table) header() error {
	for bytes.IndexByte(t.scan.Rest(), '\n') < 0 && len(t.scan.Rest()) < window && t.scan.Fill() {
		continue
	}
	if t.scan.Err() != nil {
		return t.scan.Err()
	}
	filekit.SkipMark(t.scan.Window)
	line := filekit.FirstLine(t.scan.Rest())
	if t.cols, _ = parseHeader(line); !t.cols.readable() {
		return fault.AsFatal(errNoHeader)
	}
	t.Header, t.Location = string(jsonscan.ValidUTF8(line)), inRows
	t.scan.Skip(min(len(t.scan.Rest()), len(line)+len("\n")+cr(t.scan.Rest(), len(line))))
	return t.announce(event.Instant{})
}

// cr is 1 if the line of the given length ends in the manner of Windows.
func cr(b []byte, line int) int {
	if line < len(b) && b[line] == '\r' {
		return 1
	}
	return 0
}

// keyed is what of a row its content key is made of.
type keyed struct {
	at     printed
	author event.AuthorID
	text   string
}

// keyOf reads a row as its content key takes it.
func (t *table) keyOf(cells []string) keyed {
	cells = filekit.KeyCells(cells)
	return keyed{
		at: t.clock.read(cell(cells, t.cols.date), t.Before), author: t.authorOf(cells), text: t.textOf(cells),
	}
}

func (t *table) authorOf(cells []string) event.AuthorID {
	if id := cell(cells, t.cols.authorID); id != "" {
		return event.AuthorID(id)
	}
	return event.AuthorID(cell(cells, t.cols.author))
}

func (t *table) textOf(cells []string) string {
	return strings.ReplaceAll(cell(cells, t.cols.content), "\r\n", "\n")
}

// message makes events of a row.
func (t *table) message(cells []string, raw []byte, at filekit.Position) error {
	s := t.keyOf(cells)
	t.mark(s.at.day, at)
	id, again := t.tally.Next(s.at.day, s.at.minute, s.author, s.text)
	listed := cell(filekit.KeyCells(cells), t.cols.reactions)
	t.chars.Row(cells)
	if k, who, same := t.fromSibling(cells, s.at.Instant); k != nil {
		return t.joined(cells, raw, listed, k, who, same)
	}
	if again {
		t.Counts.Ambiguous++
	}
	if t.sibling != nil {
		t.Notices.Add(unjoined())
	}
	body := &event.Message{Type: event.TypeMessage, Text: t.textOf(cells), Attachments: attachments(cell(cells, t.cols.attachments))}
	if date := cell(cells, t.cols.date); !s.at.ok && date != "" {
		body.Details = map[string]string{"date": date}
	} else if key, value := s.at.Detail(); key != "" {
		body.Details = map[string]string{key: value}
	}
	if s.at.Skipped {
		t.Notices.Add(producers.SkippedHour(1))
	}
	err := t.emit(event.Event{
		NativeID: id, Author: t.author(t.authorOf(cells), cell(cells, t.cols.author)), Kind: event.KindMessage,
		Revision: event.Unedited, Sent: s.at.Instant, Body: body, Raw: raw,
	})
	if err != nil {
		return err
	}
	t.met(id, s.at.Instant)
	return t.reactions(id, cell(cells, t.cols.reactions), listed, s.at.Instant)
}

// fromSibling finds the message of the sibling that a row is.
func (t *table) fromSibling(cells []string, at event.Instant) (k *siblingMessage, who event.Person, same bool) {
	if t.sibling == nil || at.IsZero() {
		return nil, event.Person{}, false
	}
	if k, who, same = t.sibling.find(t.authorOf(cells), at, t.textOf(cells), t.taken); k != nil {
		t.taken[k.id] = struct{}{}
	}
	return k, who, same
}

// joined makes of a row the event that the sibling makes, as far as the row says it.
func (t *table) joined(cells []string, raw []byte, listed string, k *siblingMessage, who event.Person, same bool) error {
	t.Notices.Add(joined())
	e := event.Event{
		NativeID: k.id, Author: who, Kind: event.KindMessage, Revision: k.revision, Sent: k.sent, Raw: raw,
		Body: &event.Message{Type: k.kind, Text: t.textOf(cells), Edited: k.edited, Attachments: k.files, Service: k.service},
	}
	if !same { // an edit lies between the two exports: which came first is unknown
		e.Revision, e.Reading.Unversioned = event.Unedited, true
		e.Body = &event.Message{Type: k.kind, Text: t.textOf(cells), Attachments: k.files, Service: k.service}
	}
	if err := t.emit(e); err != nil {
		return err
	}
	t.met(k.id, k.sent)
	return t.reactions(k.id, cell(cells, t.cols.reactions), listed, k.sent)
}

// reactions puts into the batch what the table shows of the reactions to a message. key is the cell as ids take it.
func (t *table) reactions(id event.NativeID, list, key string, at event.Instant) error {
	if list == "" {
		return nil
	}
	counts := func(list string) *event.Reactions {
		r := &event.Reactions{Target: id, Counts: reactionCounts(list)}
		producers.NumberRepeats(r) // emoji of guilds stand here without their ids, and names come again
		return r
	}
	body := counts(list)
	if len(body.Counts) == 0 {
		return nil
	}
	keyed := body
	if key != list {
		keyed = counts(key)
	}
	return t.snapshot(body, keyed, at, event.Reading{})
}

// author names an identity. Discord's numbers are the same in all its channels; a name with four digits is known only to be
// that of the table.
func (t *table) author(id event.AuthorID, name string) event.Person {
	p := event.Person{ID: id, Name: name}
	if base, tag, ok := cutLast(name, "#"); ok && len(tag) == 4 && isNumber(tag) {
		p.Name = base
	}
	if isID(string(id)) && t.Where.Namespace != sourceName {
		p.Namespace = sourceName
	}
	return p
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// attachments takes apart a cell of addresses or paths with commas between them, which they may hold themselves.
func attachments(list string) (out []event.Attachment) {
	if list == "" {
		return nil
	}
	var places []string
	for _, p := range strings.Split(list, ",") {
		if last := len(places) - 1; last >= 0 && isURL(places[last]) && !isURL(strings.TrimSpace(p)) {
			places[last] += "," + p
			continue
		}
		places = append(places, strings.TrimSpace(p))
	}
	for _, p := range places {
		a := event.Attachment{Kind: fileKind("", p)}
		if isURL(p) {
			a.URL = p
			p, _, _ = strings.Cut(p, "?")
		} else {
			p = strings.ReplaceAll(p, `\`, "/")
			a.Path = p
		}
		_, a.Name, _ = cutLast("/"+p, "/")
		out = append(out, a)
	}
	return out
}

// reactionCounts takes apart "👍 (2),name (1)". What is not of that form is left to the raw row.
func reactionCounts(list string) (out []event.ReactionCount) {
	for list != "" {
		open := strings.Index(list, " (")
		if open < 0 {
			return out
		}
		shut := strings.IndexByte(list[open:], ')')
		if shut < 0 {
			return out
		}
		name, number := strings.Trim(list[:open], ", "), list[open+len(" ("):open+shut]
		if n := atoi(number); n > 0 && name != "" {
			out = append(out, event.ReactionCount{Emoji: name, Count: n})
		}
		list = list[open+shut+1:]
	}
	return out
}
