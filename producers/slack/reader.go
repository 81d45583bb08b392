package slack

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// reader reads the records of one file.
type reader struct {
	*archive
	*workspace
	filekit.Output
	state

	scan    *jsonscan.Scanner
	chars   *filekit.Decoder
	assumed []producers.Notice // of every record
	before  state              // as the record began whose events are in the queue
	queue   []event.Event      // of that record, not yet in a batch: one of channels.json makes as many as the channel has members
}

// Step implements filekit.Reader.
func (s *reader) Step(context.Context) error {
	switch {
	case len(s.queue) > 0:
		s.dequeue()
		return nil
	case s.Complete || s.content == logs:
		return io.EOF
	}
	return s.next()
}

// dequeue moves events into the batch, as many as fit.
func (s *reader) dequeue() {
	n := min(s.BatchSize-len(s.Events), len(s.queue))
	s.Events = append(s.Events, s.queue[:n]...)
	s.Done += n
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.Done = 0
	}
}

// next reads the next thing, whatever it is.
func (s *reader) next() error {
	c, ok := s.scan.Next()
	switch {
	case !ok:
		return s.ended()
	case !s.Begun:
		return s.begin(c)
	case s.Ended:
		return s.record(s.garbage)
	case c == ',':
		s.scan.Skip(1)
		return nil
	case c == ']':
		s.scan.Skip(1)
		s.Ended = true
		return nil
	case c == '{':
		return s.record(s.value)
	}
	return s.record(s.garbage)
}

func (s *reader) begin(c byte) error {
	if filekit.SkipMark(s.scan.Window) {
		return nil
	}
	if c != '[' {
		return fault.AsFatal(fmt.Errorf("this is no file of a Slack export: it begins with %q, not with a bracket", c))
	}
	s.scan.Skip(1)
	s.Begun = true
	return nil
}

// ended is called where the file has no more bytes.
func (s *reader) ended() error {
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	if s.Ended {
		s.Complete = true
		return nil
	}
	return s.record(func() jsonscan.Found {
		return jsonscan.Found{Cut: true, Why: "the file ends before its last bracket: the export was interrupted"}
	})
}

// value reads what begins as a record does.
func (s *reader) value() jsonscan.Found { return s.scan.Value(true) }

// garbage reads what should not be there, up to where a record may begin again.
func (s *reader) garbage() jsonscan.Found {
	return s.scan.Junk(true, "this is not where a record ends or begins")
}

// record reads one record and puts what it makes into the queue, but for what was in batches before the cursor.
func (s *reader) record(read func() jsonscan.Found) error {
	done := s.Done // not zero only for the first record after a cursor
	s.before = s.state
	s.before.Position, s.before.Indent, s.before.Done = s.scanned(), s.scan.Indent(), 0
	f := read()
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	raw := bytes.Clone(scrub(f.Raw))
	s.queue = s.queue[:0]
	why := f.Why
	if why == "" {
		var err error
		if why, err = s.parse(s.chars.Text(raw), raw); err != nil {
			return err
		}
	}
	if why != "" {
		f.Why = why
		if err := s.damaged(f, raw); err != nil {
			return err
		}
	} else if done == 0 {
		s.Counts.Read++
	}
	if done == 0 {
		for _, n := range s.assumed {
			s.Notices.Add(n)
		}
	}
	s.queue = s.queue[min(done, len(s.queue)):]
	return nil
}

// parse makes events of a record, whose text is raw in UTF-8; why says that it cannot be done.
func (s *reader) parse(text, raw []byte) (why string, err error) {
	switch s.content {
	case users:
		return s.user(text, raw)
	case channels:
		return s.channelRecord(text, raw)
	}
	return s.message(text, raw)
}

// keyed reads a record once more, as ids take it, if that is another form than its text.
func (s *reader) keyed(raw []byte, into any) {
	if s.chars.Label != "" {
		_ = decode([]byte(charset.Key(raw)), into) // its text could be read, so what differs is within strings
	}
}

// damaged keeps what could not be parsed; raw is without tokens.
func (s *reader) damaged(f jsonscan.Found, raw []byte) error {
	s.queue, s.chars.Label = s.queue[:0], ""
	s.Complete = s.Complete || f.Cut
	d := filekit.DamagedJSON(f, s.before.Position)
	d.Reason, d.Raw, d.Size = d.Describe(), raw, 0
	e := s.Unparsed(d, &s.Last)
	e.Channel = s.Channel
	return s.emit(e)
}

// emit seals an event and puts it into the queue.
func (s *reader) emit(e event.Event) error {
	e.Source, e.Namespace, e.Account = sourceName, s.Namespace, s.Options.Account
	if s.chars.Label != "" {
		e.Reading.Charset = s.chars.Label
	}
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	s.queue = append(s.queue, e)
	return nil
}

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
func (s *reader) At() filekit.Position {
	if len(s.queue) > 0 {
		return s.before.Position
	}
	return s.scanned()
}

// Cursor implements filekit.Reader.
func (s *reader) Cursor() any { return s.here() }

const (
	// window is how much is read at a time: most days of most channels are smaller.
	window = 64 << 10
)

func newScanner(r io.Reader, leads func(byte) bool, offset int64, line, indent int) *jsonscan.Scanner {
	return jsonscan.NewScanner(jsonscan.NewWindow(r, window, offset, line, indent), &jsonscan.Policy{
		Longest: filekit.MaxRecord, Sampled: filekit.MaxSample, Next: nextRecord, Objects: true, Flat: true, Leads: leads,
	})
}

// nextRecord finds where the next record begins where no line end does; zero if there is none.
func nextRecord(b []byte, _ bool) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(",{"))
		if i < 0 {
			return 0
		}
		from += i + 1
		if beginsRecord(b[from:]) {
			return from
		}
	}
}

// beginsRecord reports whether b begins as a record of Slack's does: within, nothing else does.
func beginsRecord(b []byte) bool {
	for _, first := range [...]string{`{"client_msg_id":`, `{"subtype":`, `{"id":"U`, `{"id":"W`, `{"id":"C`, `{"id":"G`, `{"id":"D`} {
		if bytes.HasPrefix(b, []byte(first)) {
			return true
		}
	}
	b = b[1:min(len(b), 256)]
	if end := bytes.IndexAny(b, "{}[]"); end >= 0 {
		b = b[:end]
	}
	return bytes.Contains(b, []byte(`"type":"message"`))
}
