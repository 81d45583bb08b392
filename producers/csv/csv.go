// Package csv reads any table of messages whose columns somebody has named: comma-separated or not, with a header or not.
//
// What the columns mean stands in a small YAML file beside the table: chat.csv.map.yaml for chat.csv, or mapping.yaml for all
// tables of a folder. Without it nothing is read, and the error shows a mapping made from the table's own header.
//
// It promises to hold one row at a time; to keep a row that it cannot read as it stands, with the reason; and ids that two
// readings with one mapping agree on. It does not join lines that a table without ids has twice in one minute with those of
// another export, and of a table without ids the rows of one day should stand together: of two equal ones that stand far
// apart only one is kept.
package csv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// sourceName is on every event, whatever network a mapping names: ids made here are not those of a network's own source.
const sourceName = "csv"

// batchSize is how many rows make a batch: the bus takes atomic batches up to 1000 events.
const batchSize = 500

// Definition describes the source.
func Definition() producers.Definition { return definition(batchSize) }

func definition(batch int) producers.Definition {
	return producers.Definition{
		Name:  sourceName,
		Title: "CSV",
		Doc: "Any table of messages, comma-separated or not, whose columns you name in a YAML file beside it: chat.csv.map.yaml " +
			"for chat.csv, or mapping.yaml for all tables of a folder. Without one the error shows a mapping made from the " +
			"table's header, ready to be corrected. Carries texts, authors, times and replies; no edits, deletions or " +
			"reactions. Without a column of ids messages are told apart by content. What the mapping leaves open may be said " +
			"by --namespace, --channel, --zone and --charset.",
		Can:        producers.Abilities{Archive: true},
		Recognise:  recognise,
		Unreadable: unreadable,
		Ordered:    func(producers.File) bool { return true },
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{file: f, options: o, batch: batch}, nil
		},
	}
}

// recognise is sure of what has a mapping, but for what another source is certain of. A table without one is no chat until
// somebody says so: exports are full of tables that people sent each other. Whoever names this source for it learns how to
// write a mapping.
func recognise(f producers.File) producers.Confidence {
	ext := strings.ToLower(path.Ext(f.Path))
	if !slices.Contains([]string{".csv", ".tsv", ".tab", ".txt", ".psv", ".dat"}, ext) || len(f.Head) == 0 || producers.Binary(f.Head) {
		return producers.No
	}
	if w, err := readMapping(f); err == nil && w.name != "" {
		return producers.Likely
	}
	return producers.No
}

// unreadable says of a table without a mapping how it gets one.
func unreadable(f producers.File) string {
	ext := strings.ToLower(path.Ext(f.Path))
	if ext != ".csv" && ext != ".tsv" || len(f.Head) == 0 || producers.Binary(f.Head) {
		return ""
	}
	return "a table whose columns nothing explains; name them in " + path.Base(f.Path) +
		".map.yaml beside it, of which --source csv makes a draft"
}

func byteOrderMark() []byte { return []byte("\xef\xbb\xbf") }

func firstLine(head []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(head, byteOrderMark()), []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'})
}

type archive struct {
	file    producers.File
	options producers.Options
	batch   int
}

// position is the cursor.
type position struct {
	Mapping string  `json:"mapping"` // of what was read: another mapping makes other events
	Offset  int64   `json:"offset"`
	Line    int     `json:"line"` // the next one's number, from 1
	Done    bool    `json:"done,omitempty"`
	Last    string  `json:"last,omitempty"`   // id of the last event that could be read
	Broken  int     `json:"broken,omitempty"` // rows since then that could not
	Days    []since `json:"days,omitempty"`   // those that the tally remembers, oldest first

	Before  time.Time `json:"before,omitzero"`   // when the row before was sent
	Falling bool      `json:"falling,omitempty"` // the youngest row comes first

	Announced []event.Channel `json:"announced,omitempty"` // those whose names are not UTF-8
}

// since is where a day began. The tally itself may have an entry for every row of two days, which is too much for a cursor:
// what it held is counted again from there.
type since struct {
	Day    string `json:"day"`
	Offset int64  `json:"offset"`
}

// Connect reads the mapping, holds it against the table's header, and goes to where the cursor points.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	at := position{Line: 1}
	if len(from) > 0 {
		if err := json.Unmarshal(from, &at); err != nil {
			return nil, fault.AsFatal(fmt.Errorf("reading the cursor of %s: %w", a.file.Path, err))
		}
		if at.Offset < 0 || at.Line < 1 {
			return nil, fault.AsFatal(fmt.Errorf("reading the cursor of %s: it points before the start", a.file.Path))
		}
	}
	if a.blank() { // without a row there is nothing that a mapping could be held against
		return &session{archive: a, plan: &plan{}, position: position{Line: 1, Done: true}}, nil
	}
	p, err := a.plan()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", a.file.Path, err)
	}
	if at.Mapping != p.digest || at.Done && a.file.Size > at.Offset { // read anew: all ids come out as before
		at = position{Line: 1, Mapping: p.digest}
	}
	if at.Offset > a.file.Size {
		return nil, fault.AsFatal(fmt.Errorf("going on in %s: %w", a.file.Path, errOtherFile))
	}
	start := at.Offset
	if len(at.Days) > 0 {
		start = min(start, at.Days[0].Offset)
	}
	in, err := producers.OpenAt(a.file, start)
	if err != nil {
		return nil, err
	}
	s := &session{archive: a, plan: p, position: at, in: in, rows: &rows{r: in, delimiter: p.delimiter, quote: p.quote}}
	if err := s.recount(ctx, start); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (a *archive) blank() bool {
	head := bytes.TrimPrefix(a.file.Head, byteOrderMark())
	return a.file.Size <= int64(len(a.file.Head)) && len(bytes.TrimSpace(head)) == 0
}

// plan is a mapping that fits the table.
func (a *archive) plan() (*plan, error) {
	if head := a.file.Head; bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, fault.AsFatal(errors.New("the table is UTF-16: save it as UTF-8"))
	}
	w, err := readMapping(a.file)
	if err != nil {
		return nil, err
	}
	if w.name == "" {
		return nil, fault.AsFatal(noMapping(a.file))
	}
	m, err := parseMapping(w.text)
	if err == nil {
		var p *plan
		if p, err = m.plan(a.file, a.options); err == nil {
			o := a.options
			p.named = w.at
			p.digest = event.Digest("mapping", string(w.text), string(o.Namespace), string(o.Channel), p.zone.String(), o.Charset)
			return p, nil
		}
	}
	return nil, fault.AsFatal(fmt.Errorf("the mapping %s: %w", w.name, err))
}

// printable is what a file says of itself, as text.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
