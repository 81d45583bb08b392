package jsonexport

import (
	"context"
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// source is a file of JSON and how to read it.
type source struct{ filekit.Archive }

// New makes a source of a file, which is read in batches of so many events.
func New(f producers.File, o producers.Options, batch int) producers.Source {
	return &source{filekit.Archive{File: f, Options: o, BatchSize: batch}}
}

// Connect opens the file and goes to where the cursor points.
func (a *source) Connect(ctx context.Context, from producers.Cursor) (_ producers.Session, err error) {
	st, err := filekit.DecodeCursor(a.File, from, state{Line: 1}, func(st state) bool { return st.Offset >= 0 && st.Line >= 1 })
	if err != nil {
		return nil, err
	}
	chars, err := a.NewDecoder()
	if err != nil {
		return nil, err
	}
	in, err := producers.OpenAt(a.File, st.Offset)
	if err != nil {
		return nil, err
	}
	leads := chars.Leads(a.File.Head)
	s := &session{
		source: a, Output: a.NewOutput(), state: st, whole: st.Offset == 0, scan: newScanner(in, leads, st.Offset, st.Line, st.Indent),
		clock: export.Clock{Zone: a.Options.Zone}, media: export.OpenFolder(a.File), dec: newDecoder(), chars: chars.Decoder,
	}
	s.ahead = ahead{file: a.File, leads: leads, dec: s.dec, chars: s.chars}
	file := s.media.CloseWith(in)
	if len(s.Chat.Topics) > 0 && s.Chat.Start.Offset > 0 && s.Level == inMessages {
		if s.threads, err = s.ahead.threads(ctx, &s.Chat, st.Offset); err != nil {
			return nil, errors.Join(fmt.Errorf("reading %s: %w", a.File.Path, err), file.Close())
		}
	}
	return filekit.NewSession(a.File, file, &s.Output, s), nil
}

// level is where in the file's structure the next byte is.
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

// leave is called after the bracket that closes an object.
func (s *state) leave() {
	switch s.Level {
	case inSection:
		s.Level = inRoot
	case inChat:
		s.Level, s.Chat = inList, export.Chat{}
	default:
		s.Level = atEnd
	}
}
