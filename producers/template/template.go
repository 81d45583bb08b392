// Package template is a connector to begin a new one from. It reads a small format, one message a line, whose columns have tabs between:
//
//	2024-05-01 12:00	vera	the beans came up
//
// The format has what makes most formats hard: times without a zone, no ids, text of any charset, and lines that are damaged. No user sees
// it, since producers/all does not name it. producers/README.md says what to change.
package template

import (
	"bytes"
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

const (
	sourceName = "template"
	extension  = ".talk"
	layout     = "2006-01-02 15:04"
)

// Definition describes the source.
func Definition() producers.Definition { return definition(filekit.BatchSize) }

func definition(batch int) producers.Definition {
	return producers.Definition{
		Name:  sourceName,
		Title: "Template",
		Doc:   "Lines of time, author and text with tabs between. Carries no ids, edits or reactions; name the zone of its times.",
		Can:   producers.Abilities{Archive: true},
		Recognise: func(f producers.File) producers.Confidence {
			if _, why := parse(filekit.FirstLine(f.Head)); why != "" || path.Ext(f.Path) != extension {
				return producers.No
			}
			return producers.Certain
		},
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{filekit.Archive{File: f, Options: o, BatchSize: batch}}, nil
		},
	}
}

type archive struct{ filekit.Archive }

// state is the cursor: all that the next session needs to make the same events.
type state struct {
	filekit.Position                  // of the next line
	Counted          filekit.Position `json:"counted"` // content keys are the same if lines are counted from here on
	filekit.Last
	Before time.Time `json:"before,omitzero"` // when the last message was sent
}

// Connect opens the file, counts again what content keys depend on, and so comes to where the cursor points.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := filekit.DecodeCursor(a.File, from, state{Position: filekit.Start(), Counted: filekit.Start()}, state.Valid)
	if err != nil {
		return nil, err
	}
	chars, err := a.NewDecoder()
	if err != nil {
		return nil, err
	}
	in, err := producers.OpenAt(a.File, st.Counted.Offset)
	if err != nil {
		return nil, err
	}
	r := &reader{archive: a, Output: a.NewOutput(), chars: chars, lines: filekit.NewLines(in)}
	r.Position, r.days.Anchor = st.Counted, st.Counted
	err = filekit.Replay(ctx, a.File, st.Offset, func() int64 { return r.Offset }, func() error {
		_, err := r.next()
		return err
	})
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	r.state = st
	return filekit.NewSession(a.File, in, &r.Output, r), nil
}

// reader reads the lines of one file.
type reader struct {
	*archive
	filekit.Output
	state
	chars *filekit.Decoder
	lines *filekit.Lines
	days  filekit.Days[filekit.Position]
}

// At implements filekit.Reader.
func (r *reader) At() filekit.Position { return r.Position }

// Cursor implements filekit.Reader.
func (r *reader) Cursor() any {
	r.Counted = r.days.Anchor
	return &r.state
}

// line is what stands in one line.
type line struct {
	at        filekit.Position
	raw       []byte
	fields    []string
	why       string // it could not be parsed
	id        event.NativeID
	ambiguous bool // an equal line came before in its minute
}

// next reads a line and gives it its content key, which is made of what the file has, before any charset is assumed.
func (r *reader) next() (line, error) {
	raw, size, err := r.lines.Next()
	if err != nil {
		return line{}, err
	}
	l := line{at: r.Position, raw: filekit.TrimMark(raw)}
	r.Offset, r.Line = r.Offset+size, r.Line+1
	if l.fields, l.why = parse(l.raw); l.why == "" {
		key := filekit.KeyCells(l.fields)
		day, minute, _ := strings.Cut(key[0], " ")
		l.id, l.ambiguous = r.days.Next(l.at, day, minute, event.AuthorID(key[1]), key[2])
	}
	return l, nil
}

// parse takes a line apart; why says what is wrong with it.
func parse(raw []byte) (fields []string, why string) {
	if fields = strings.SplitN(string(raw), "\t", 3); len(fields) < 3 {
		return nil, "the line has fewer than three columns"
	}
	if _, err := time.Parse(layout, fields[0]); err != nil {
		return nil, "the line does not begin with a time"
	}
	return fields, ""
}

// Step implements filekit.Reader.
func (r *reader) Step(context.Context) error {
	l, err := r.next()
	switch {
	case err != nil:
		return err
	case len(bytes.TrimSpace(l.raw)) == 0:
		return nil
	case l.why != "":
		return r.emit(r.Unparsed(filekit.Damaged{Position: l.at, Raw: l.raw, Reason: l.why}, &r.Last))
	}
	r.Counts.Read++
	if l.ambiguous {
		r.Counts.Ambiguous++
	}
	r.Parsed(l.id)
	return r.emit(r.message(l))
}

func (r *reader) message(l line) event.Event {
	author := event.AuthorID(filekit.KeyCells(l.fields)[1])
	r.chars.Row(l.fields)
	printed, _ := time.Parse(layout, l.fields[0]) // parse has seen to it
	sent := filekit.ReadLocal(printed, event.PrecisionMinute, r.Options.Zone)
	if sent.At.Before(r.Before.Truncate(time.Minute)) && !sent.Other.IsZero() {
		sent.TakeOther() // the second pass of an hour that comes twice
	}
	r.Before = sent.At
	body := &event.Message{Type: event.TypeMessage, Text: l.fields[2]}
	if key, value := sent.Detail(); key != "" {
		body.Details = map[string]string{key: value}
	}
	if sent.Skipped {
		r.Notices.Add(producers.SkippedHour(1))
	}
	return event.Event{
		NativeID: l.id, Author: event.Person{ID: author, Name: l.fields[1]}, Kind: event.KindMessage, Revision: event.Unedited,
		Sent: sent.Instant, Reading: event.Reading{Charset: r.chars.Label}, Body: body, Raw: bytes.Clone(l.raw),
	}
}

// emit says whose and where an event is, and adds it to the batch. What the user says counts more than the path.
func (r *reader) emit(e event.Event) error {
	e.Source, e.Namespace, e.Account, e.Channel = sourceName, r.Options.Namespace, r.Options.Account, r.Options.Channel
	if e.Namespace == "" {
		e.Namespace = sourceName
	}
	if e.Channel == "" {
		e.Channel = event.Channel(charset.Key([]byte(strings.TrimSuffix(path.Base(r.File.Path), extension))))
	}
	return r.Emit(&e)
}
