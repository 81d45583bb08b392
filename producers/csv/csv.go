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
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// sourceName is on every event, whatever network a mapping names: ids made here are not those of a network's own source.
const sourceName = "csv"

// Definition describes the source.
func Definition() producers.Definition { return definition(filekit.BatchSize) }

func definition(batch int) producers.Definition {
	return producers.Definition{
		Name:  sourceName,
		Title: "CSV",
		Doc: "Any table of messages, comma-separated or not, whose columns you name in a YAML file beside it: chat.csv.map.yaml " +
			"for chat.csv, or mapping.yaml for all tables of a folder. Without one the error shows a mapping made from the " +
			"table's header, ready to be corrected. Carries texts, authors, times and replies; no edits, deletions or " +
			"reactions. Without a column of ids messages are distinguished by content. What the mapping leaves open may be given " +
			"by --namespace, --channel, --zone and --charset.",
		Can:        producers.Abilities{Archive: true},
		Recognise:  recognise,
		Unreadable: unreadable,
		Ordered:    func(producers.File) bool { return true },
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{filekit.Archive{File: f, Options: o, BatchSize: batch}}, nil
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

type archive struct{ filekit.Archive }

// Connect reads the mapping, holds it against the table's header, and goes to where the cursor points.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	at, err := filekit.DecodeCursor(a.File, from, position{Position: filekit.Start()}, position.Valid)
	if err != nil {
		return nil, err
	}
	r := &reader{archive: a, Output: a.NewOutput()}
	if a.blank() { // without a row there is nothing that a mapping could be held against
		r.plan, r.position = &plan{}, position{Position: filekit.Start(), Done: true}
		return filekit.NewSession(a.File, nil, &r.Output, r), nil
	}
	if r.plan, err = a.plan(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", a.File.Path, err)
	}
	if at.Mapping != r.digest || at.Done && a.File.Size > at.Offset { // read anew: all ids come out as before
		at = position{Position: filekit.Start(), Mapping: r.digest}
	}
	if at.Offset > a.File.Size {
		return nil, filekit.Changed(a.File)
	}
	start := at.Offset
	if len(at.Days) > 0 {
		start = min(start, at.Days[0].Offset)
	}
	in, err := producers.OpenAt(a.File, start)
	if err != nil {
		return nil, err
	}
	r.position, r.rows = at, &rows{r: in, delimiter: r.delimiter, quote: r.quote}
	if err := r.recount(ctx, start); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return filekit.NewSession(a.File, in, &r.Output, r), nil
}

func (a *archive) blank() bool {
	head := filekit.TrimMark(a.File.Head)
	return a.File.Size <= int64(len(a.File.Head)) && len(bytes.TrimSpace(head)) == 0
}

// plan is a mapping that fits the table.
func (a *archive) plan() (*plan, error) {
	if head := a.File.Head; bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, fault.AsFatal(errors.New("the table is UTF-16: save it as UTF-8"))
	}
	w, err := readMapping(a.File)
	if err != nil {
		return nil, err
	}
	if w.name == "" {
		return nil, fault.AsFatal(noMapping(a.File))
	}
	m, err := parseMapping(w.text)
	if err == nil {
		var p *plan
		if p, err = m.plan(a.File, a.Options); err == nil {
			o := a.Options
			p.named = w.at
			p.digest = event.Digest("mapping", string(w.text), string(o.Namespace), string(o.Channel), p.zone.String(), o.Charset)
			return p, nil
		}
	}
	return nil, fault.AsFatal(fmt.Errorf("the mapping %s: %w", w.name, err))
}
