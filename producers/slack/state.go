package slack

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/filekit"
)

// state is all that a reader remembers; encoded, it is the cursor.
type state struct {
	filekit.Position
	Indent    int             `json:"indent,omitempty"`
	Namespace event.Namespace `json:"namespace"`
	Channel   event.Channel   `json:"channel,omitempty"`
	Begun     bool            `json:"begun,omitempty"` // the bracket that opens the list was passed
	Ended     bool            `json:"ended,omitempty"` // and the one that closes it
	Complete  bool            `json:"complete,omitempty"`
	Done      int             `json:"done,omitempty"` // events of the record at Offset that are in batches already
	filekit.Last
}

func (st state) valid() bool { return st.Valid() && st.Done >= 0 && st.Namespace != "" }

// here is the state after what is in batches: within a record, where that begins.
func (s *reader) here() state {
	if len(s.queue) > 0 {
		st := s.before
		st.Done = s.Done
		return st
	}
	st := s.state
	st.Position, st.Indent, st.Done = s.scanned(), s.scan.Indent(), 0
	return st
}

func (s *reader) scanned() filekit.Position {
	return filekit.Position{Offset: s.scan.Offset(), Line: s.scan.Line()}
}

// At implements filekit.Reader.
func (s *reader) At() filekit.Position { return s.here().Position }

// Cursor implements filekit.Reader.
func (s *reader) Cursor() any { return s.here() }
