package jsonexport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// source is a file of JSON and how to read it.
type source struct {
	file    producers.File
	options producers.Options
	batch   int
}

// New makes a source of a file.
func New(f producers.File, o producers.Options, batch int) producers.Source {
	return &source{file: f, options: o, batch: batch}
}

// Connect opens the file and goes to where the cursor points.
func (a *source) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := readCursor(from)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	chars, err := charset.NewDecoder(a.options.Charset, a.file.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	r, err := producers.OpenAt(a.file, st.Offset)
	if err != nil {
		return nil, err
	}
	leads := chars.Leads(a.file.Head)
	s := &session{
		source: a, state: st, whole: st.Offset == 0, in: r, scan: newScanner(r, leads, st.Offset, st.Line, st.Indent),
		clock: export.Clock{Zone: a.options.Zone}, media: export.OpenFolder(a.file), dec: newDecoder(), chars: chars,
	}
	s.ahead = ahead{file: a.file, leads: leads, dec: s.dec, chars: chars}
	return s, nil
}

// level is where in the file's structure the next byte stands.
type level string

const (
	atStart    level = ""
	inRoot     level = "root"     // the outermost object, which may itself be a chat
	inSection  level = "section"  // "chats" or "left_chats"
	inList     level = "list"     // the array of chats in it
	inChat     level = "chat"     // a chat in that array
	inMessages level = "messages" // of the chat, or of the root
	atEnd      level = "end"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	Offset   int64         `json:"offset"`
	Line     int           `json:"line"`
	Indent   int           `json:"indent,omitempty"`
	Level    level         `json:"place,omitempty"`
	InList   bool          `json:"in_list,omitempty"` // the chat is one of an account's
	Account  event.Account `json:"account,omitempty"` // as the file names it
	Complete bool          `json:"complete,omitempty"`
	Chat     export.Chat   `json:"chat,omitzero"`
}

func readCursor(c producers.Cursor) (state, error) {
	st := state{Line: 1}
	if len(c) == 0 {
		return st, nil
	}
	if err := json.Unmarshal(c, &st); err != nil {
		return state{}, fmt.Errorf("reading the cursor of a Telegram export: %w", err)
	}
	if st.Offset < 0 || st.Line < 1 {
		return state{}, errors.New("reading the cursor of a Telegram export: it points before the start of the file")
	}
	return st, nil
}

func (s *session) cursor() (producers.Cursor, error) {
	st := s.state
	st.Offset, st.Line, st.Indent = s.scan.Offset(), s.scan.Line(), s.scan.Indent()
	b, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("writing the cursor: %w", err)
	}
	return b, nil
}
