package slack

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	Offset    int64           `json:"offset"`
	Line      int             `json:"line"`
	Indent    int             `json:"indent,omitempty"`
	Namespace event.Namespace `json:"namespace"`
	Channel   event.Channel   `json:"channel,omitempty"`
	Begun     bool            `json:"begun,omitempty"` // the bracket that opens the list was passed
	Ended     bool            `json:"ended,omitempty"` // and the one that closes it
	Complete  bool            `json:"complete,omitempty"`
	Done      int             `json:"done,omitempty"`    // events of the record at Offset that were given out
	LastID    event.NativeID  `json:"last_id,omitempty"` // of the previous readable record
	Broken    int             `json:"broken,omitempty"`  // records since then that were not
}

func readCursor(c producers.Cursor) (state, error) {
	if len(c) == 0 {
		return state{Line: 1}, nil
	}
	var st state
	if err := json.Unmarshal(c, &st); err != nil {
		return state{}, fmt.Errorf("reading the cursor of a Slack export: %w", err)
	}
	if st.Offset < 0 || st.Line < 1 || st.Done < 0 || st.Namespace == "" {
		return state{}, errors.New("reading the cursor of a Slack export: it points outside of the file")
	}
	return st, nil
}

// here is the state after what was given out: within a record, where that begins.
func (s *session) here() state {
	if len(s.queue) > 0 {
		st := s.before
		st.Done = s.Done
		return st
	}
	st := s.state
	st.Offset, st.Line, st.Indent, st.Done = s.scan.Offset(), s.scan.Line(), s.scan.Indent(), 0
	return st
}
