// Package jsonl reads the project's own line format, which any other tool can write: one JSON object a line, described in
// schemas/event/jsonl.md. It also reads the envelopes that travel on the bus, so that what was exported can come back.
//
// It promises that a line is either understood to its last key or kept as it stands: a key that is not known is more often
// a mistake than something to pass over.
package jsonl

import (
	"bytes"
	"context"
	"path"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// sourceName is on every event, whatever network a line names: ids made here are not those of a network's own source.
const sourceName = "jsonl"

// Definition describes the source.
func Definition() producers.Definition { return definition(filekit.BatchSize) }

func definition(batch int) producers.Definition {
	return producers.Definition{
		Name:  sourceName,
		Title: "JSON Lines",
		Doc: "The project's own format, one JSON object a line, which any other tool can write; the least is channel, author, " +
			"text and sent. Carries everything that an event can. Envelopes from the bus are read too.",
		Can:        producers.Abilities{Archive: true, Edits: true, Deletions: true, Reactions: true},
		Recognise:  recognise,
		Unreadable: unreadable,
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{filekit.Archive{File: f, Options: o, BatchSize: batch}}, nil
		},
	}
}

// recognise reads the first line. The name alone says little: many tools call their own formats .jsonl.
func recognise(f producers.File) producers.Confidence {
	first, _, whole := bytes.Cut(filekit.TrimHead(f.Head), []byte{'\n'})
	if !bytes.HasPrefix(first, []byte("{")) {
		return producers.No
	}
	ext := strings.ToLower(path.Ext(f.Path))
	ours := ext == ".jsonl" || ext == ".ndjson"
	a := &archive{filekit.Archive{File: f}}
	chars, err := a.NewDecoder()
	if err != nil {
		return producers.No // not without the name of a charset
	}
	p := parser{archive: a, chars: chars}
	if _, err := p.event(first); err == nil {
		if ours {
			return producers.Certain
		}
		return producers.Likely
	}
	if ours && (!whole || bytes.Contains(first, []byte(`"channel"`))) {
		return producers.Likely // its first line is broken, or longer than the head
	}
	return producers.No
}

// unreadable says of lines in another tool's words what the words are that are read.
func unreadable(f producers.File) string {
	ext := strings.ToLower(path.Ext(f.Path))
	head := filekit.TrimHead(f.Head)
	if ext != ".jsonl" && ext != ".ndjson" || !bytes.HasPrefix(head, []byte("{")) {
		return ""
	}
	return "lines of JSON in another tool's words; a line that is read has channel, author, text and sent"
}

type archive struct{ filekit.Archive }

// position is the cursor.
type position struct {
	Offset int64           `json:"offset"`
	Line   int             `json:"line"` // lines read so far
	Done   bool            `json:"done,omitempty"`
	Last   string          `json:"last,omitempty"`   // id of the last event that could be parsed
	Broken int             `json:"broken,omitempty"` // lines since then that could not
	Tally  producers.Tally `json:"tally,omitzero"`
	Before time.Time       `json:"before,omitzero"` // when the last line's message was sent

	Announced []event.Channel `json:"announced,omitempty"` // those whose names are not UTF-8
}

func (p position) valid() bool { return p.Offset >= 0 && p.Line >= 0 }

// Connect opens the file and goes to where the cursor points.
func (a *archive) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	at, err := filekit.DecodeCursor(a.File, from, position{}, position.valid)
	if err != nil {
		return nil, err
	}
	chars, err := a.NewDecoder()
	if err != nil {
		return nil, err
	}
	in, err := producers.OpenAt(a.File, at.Offset)
	if err != nil {
		return nil, err
	}
	r := &reader{parser: parser{archive: a, position: at, chars: chars}, Output: a.NewOutput(), lines: filekit.NewLines(in)}
	return filekit.NewSession(a.File, in, &r.Output, r), nil
}
