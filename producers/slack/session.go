package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
)

// session is one reading of a file.
type session struct {
	*archive
	*workspace
	state

	in     io.Closer
	scan   *jsonscan.Scanner
	chars  *charset.Decoder
	label  string           // in which charset the record at hand was read; empty: it is UTF-8
	before state            // as the record began whose events are in the queue
	queue  []event.Event    // of that record, not yet given out: one of channels.json makes as many as the channel has members
	tally  producers.Counts // of that record, until its first event is given out
	given  int64            // up to here bytes were counted

	events []event.Event
	counts producers.Counts
}

// Next reads on until a batch is full or the file ends.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.file.Path, err)
	}
	s.events, s.counts = make([]event.Event, 0, s.batch), producers.Counts{}
	for len(s.events) < s.batch && (len(s.queue) > 0 || !s.Complete) {
		if len(s.queue) > 0 {
			s.give()
			continue
		}
		if err := s.step(); err != nil {
			return producers.Batch{}, fmt.Errorf("reading %s, line %d: %w", s.file.Path, s.scan.Line(), err)
		}
	}
	st := s.here()
	s.counts.Bytes, s.given = st.Offset-s.given, st.Offset
	if len(s.events) == 0 && s.counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	cursor, err := json.Marshal(st)
	if err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	return producers.Batch{Events: s.events, Cursor: cursor, Counts: s.counts, Notices: s.notices()}, nil
}

// notices say what of a batch's records was taken from elsewhere than the lists of the export.
func (s *session) notices() (out []producers.Notice) {
	if s.counts.Read == 0 {
		return nil
	}
	switch {
	case s.options.Namespace != "" || s.home || s.content == logs:
	case s.Namespace == sourceName:
		out = append(out, producers.Notice{
			Code: "namespace-assumed", Text: "the export does not say which workspace it is of, and is kept as one called slack",
			Option: "--namespace", Count: s.counts.Read,
		})
	default:
		out = append(out, producers.Notice{
			Code: "namespace-derived", Text: "no list of users names the workspace; it is the one that most messages name",
			Option: "--namespace", Count: s.counts.Read,
		})
	}
	if s.content == days && s.options.Channel == "" && s.listed(s.workspace) == "" {
		out = append(out, producers.Notice{
			Code: "channel-from-path", Text: "no list of channels has this folder or file; the channel is called after it", Option: "--channel",
			Count: s.counts.Read,
		})
	}
	return out
}

// give moves events into the batch, as many as it has room for.
func (s *session) give() {
	if s.Done == 0 {
		s.counts.Add(s.tally)
	}
	n := min(s.batch-len(s.events), len(s.queue))
	s.events = append(s.events, s.queue[:n]...)
	s.Done += n
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.Done = 0
	}
}

// Close closes the file.
func (s *session) Close() error {
	if s.in == nil {
		return nil
	}
	err := s.in.Close()
	s.in = nil
	if err != nil {
		return fmt.Errorf("closing %s: %w", s.file.Path, err)
	}
	return nil
}

// step reads the next thing, whatever it is.
func (s *session) step() error {
	if s.content == logs {
		s.Complete = true
		return nil
	}
	c, ok := s.scan.Next()
	switch {
	case !ok:
		return s.ended()
	case !s.Begun:
		return s.begin(c)
	case s.Ended:
		return s.record(s.junk)
	case c == ',':
		s.scan.Skip(1)
		return nil
	case c == ']':
		s.scan.Skip(1)
		s.Ended = true
		return nil
	case c == '{':
		return s.record(s.sound)
	}
	return s.record(s.junk)
}

func (s *session) begin(c byte) error {
	if mark := byteOrderMark(); s.scan.Offset() == 0 && bytes.HasPrefix(s.scan.Rest(), mark) {
		s.scan.Skip(len(mark))
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
func (s *session) ended() error {
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

// sound reads what begins as a record does.
func (s *session) sound() jsonscan.Found { return s.scan.Value(true) }

// junk reads what should not be there, up to where a record may begin again.
func (s *session) junk() jsonscan.Found {
	return s.scan.Junk(true, "this is not where a record ends or begins")
}

// record reads one record and puts what it makes into the queue, except for what was given out before the cursor.
func (s *session) record(read func() jsonscan.Found) error {
	done := s.Done // not zero only for the first record after a cursor
	s.before = s.state
	s.before.Offset, s.before.Line, s.before.Indent, s.before.Done = s.scan.Offset(), s.scan.Line(), s.scan.Indent(), 0
	f := read()
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	raw := bytes.Clone(scrub(f.Raw))
	s.queue, s.tally = s.queue[:0], producers.Counts{Read: 1}
	why := f.Why
	if why == "" {
		var err error
		if why, err = s.understand(s.decode(raw), raw); err != nil {
			return err
		}
	}
	if why != "" {
		s.queue, s.label = s.queue[:0], ""
		if err := s.broken(f, why, raw); err != nil {
			return err
		}
	}
	if len(s.queue) == 0 {
		s.counts.Add(s.tally)
	}
	s.queue = s.queue[min(done, len(s.queue)):]
	return nil
}

// decode returns a record as UTF-8, and remembers what it was.
func (s *session) decode(raw []byte) []byte {
	if s.label = ""; utf8.Valid(raw) {
		return raw
	}
	text, label := s.chars.Decode(raw)
	s.label = label
	return []byte(text)
}

// understand makes events of a sound record, whose text is raw in UTF-8; why says that it cannot be done.
func (s *session) understand(text, raw []byte) (why string, err error) {
	switch s.content {
	case users:
		return s.user(text, raw)
	case channels:
		return s.channelRecord(text, raw)
	}
	return s.message(text, raw)
}

// keyed reads a record once more, as ids take it, if that is another form than its text.
func (s *session) keyed(raw []byte, into any) {
	if s.label != "" {
		_ = decode([]byte(charset.Key(raw)), into) // its text could be read, so what differs is within strings
	}
}

// broken keeps what could not be read. Its id is made of its bytes and of the record before it, so that a second export
// that is broken in the same place agrees.
func (s *session) broken(f jsonscan.Found, why string, raw []byte) error {
	s.tally.Unparsed++
	s.Broken++
	if f.Size > longest {
		why = fmt.Sprintf("%s: %d bytes, of which the first %d are kept", why, f.Size, len(f.Raw))
	}
	s.Complete = s.Complete || f.Cut
	return s.emit(event.Event{
		Channel:  s.Channel,
		NativeID: event.NativeID(event.Digest("unparsed", string(s.LastID), strconv.Itoa(s.Broken), string(raw))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: why, File: printable(s.file.Path), Line: s.before.Line, Offset: s.before.Offset},
		Raw:  raw,
	})
}

// emit seals an event and puts it into the queue.
func (s *session) emit(e event.Event) error {
	e.Source, e.Namespace, e.Account = sourceName, s.Namespace, s.options.Account
	if s.label != "" {
		e.Reading.Charset = s.label
	}
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	s.queue = append(s.queue, e)
	return nil
}

// understood notes the record that was read last.
func (s *session) understood(id event.NativeID) { s.LastID, s.Broken = id, 0 }
