package discord

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/filekit"
)

// messages reads a JSON file.
type messages struct {
	output

	in       io.Closer
	scan     *scanner
	dec      *decoder
	clock    clock
	sidecars *filekit.Sidecars

	exported event.Instant // state.Exported

	observe func(r *record, e *event.Event) // nil: nobody does
}

// At implements filekit.Reader.
func (s *messages) At() filekit.Position { return s.scan.position() }

// Cursor implements filekit.Reader.
func (s *messages) Cursor() any {
	s.Position = s.At()
	return &s.state
}

// Step reads the next thing, whatever it is.
func (s *messages) Step(ctx context.Context) error {
	if s.Complete {
		return io.EOF
	}
	c, ok := s.scan.Next()
	if !ok {
		return s.ended()
	}
	switch s.Location {
	case atStart:
		return s.open(c)
	case inRoot:
		return s.member(c)
	case inMessages:
		return s.messageOrEnd(ctx, c)
	}
	return s.lost("something follows the last bracket", nothing) // after the end
}

func nothing([]byte, bool) int { return -1 }

// ended is called where the file has no more bytes.
func (s *messages) ended() error {
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	if s.Location == atEnd {
		return s.compare()
	}
	err := s.unparsed(filekit.Damaged{Position: s.At(), Reason: "the file ends before its last bracket: the export was interrupted"})
	return errors.Join(err, s.finish())
}

// compare holds what was read against what the file says that it has, which is its last word.
func (s *messages) compare() error {
	if promised, err := strconv.Atoi(s.Promised); err == nil && promised != s.Messages {
		err := s.unparsed(filekit.Damaged{
			Position: s.At(), Reason: fmt.Sprintf("the file says that it has %d messages, and has %d", promised, s.Messages),
			Raw: []byte(s.Promised),
		})
		if err != nil {
			return err
		}
	}
	return s.finish()
}

func (s *messages) open(c byte) error {
	if filekit.SkipMark(s.scan.Window) {
		return nil
	}
	if c != '{' {
		return fault.AsFatal(fmt.Errorf("this is no export of Discord: it begins with %q, not with a brace", c))
	}
	s.scan.Skip(1)
	s.Location = inRoot
	return nil
}

// lost keeps what cannot be read, up to where find finds something.
func (s *messages) lost(why string, find func([]byte, bool) int) error {
	d := s.scan.lost(why, find)
	if s.scan.Err() != nil {
		return s.scan.Err()
	}
	if s.Location == inMessages {
		s.Messages++
	}
	if err := s.unparsed(d); err != nil || !d.Cut {
		return err
	}
	return s.finish()
}

// member reads one member of the outermost object.
func (s *messages) member(c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
		return nil
	case '}':
		s.scan.Skip(1)
		s.Location = atEnd
		return nil
	case '{': // found again after a preamble that is broken
		return s.enter()
	case ']':
		s.scan.Skip(1)
		return nil
	case '"':
	default:
		return s.lost("this is not where a member begins", nextRecord)
	}
	key, why := s.scan.value()
	if why != "" {
		return s.lost(why, nextRecord)
	}
	name := s.dec.text(key)
	s.scan.Skip(len(key))
	c, ok := s.scan.Next()
	if ok && c != ':' {
		return s.lost("a name has no value", nextRecord)
	}
	if ok {
		s.scan.Skip(1)
		c, ok = s.scan.Next()
	}
	if !ok {
		return s.ended()
	}
	return s.valueOf(name, c)
}

func (s *messages) valueOf(name string, c byte) error {
	if name == "messages" && c == '[' {
		s.scan.Skip(1)
		return s.enter()
	}
	raw, why := s.scan.value()
	if why != "" {
		return s.lost(why, nextRecord)
	}
	switch name {
	case "guild", "channel":
		s.about(name, raw)
	case "exportedAt":
		s.Exported = s.dec.text(raw)
		s.exported = s.clock.stamp(s.Exported)
	case "messageCount":
		s.Promised = s.dec.text(raw)
	}
	s.scan.Skip(len(raw))
	return nil
}

// aboutKept is how much of what a file says of its channel is kept raw: a name and a topic have 1124 characters at most.
const aboutKept = 16 << 10

// about takes what the file says of the guild or the channel.
func (s *messages) about(name string, raw []byte) {
	w := &s.Where
	text := s.chars.Text(raw)
	if s.chars.Label != "" && w.Keyed == nil {
		key := *w
		w.Bytes, w.Charset, w.Keyed = []byte(w.Raw), s.chars.Label, &key
	}
	if line := `"` + name + `": ` + string(raw) + "\n"; len(w.Raw)+len(w.Bytes)+len(line) < aboutKept {
		if w.Keyed != nil {
			w.Raw, w.Bytes = "", append(w.Bytes, line...)
		} else {
			w.Raw += line
		}
	}
	if w.Keyed != nil {
		s.aboutInto(w.Keyed, name, []byte(charset.Key(raw)))
	}
	s.aboutInto(w, name, text)
}

func (s *messages) aboutInto(w *where, name string, text []byte) {
	s.dec.Reset(text)
	_ = s.dec.Object(func(key []byte) error { // what cannot be read is not known
		value, err := s.dec.Text()
		switch name + "." + string(key) {
		case "guild.id":
			w.GuildID = value
		case "guild.name":
			w.Guild = value
		case "channel.id":
			w.Channel = event.Channel(value)
		case "channel.type":
			w.Type = value
		case "channel.category":
			w.Parent = value
		case "channel.name":
			w.Name = value
		case "channel.topic":
			w.Topic = value
		}
		return err
	})
}

var errNoChannel = errors.New("the file does not say which channel its messages are of: name its id with --channel")

// enter is called where the messages begin.
func (s *messages) enter() error {
	if s.Where.Channel == "" {
		s.Where.Channel = s.Options.Channel
	}
	if s.Where.Channel == "" {
		return fault.AsFatal(errNoChannel)
	}
	s.Where.Namespace = sourceName
	s.Location = inMessages
	return s.announce(event.Instant{})
}

func (s *messages) messageOrEnd(ctx context.Context, c byte) error {
	switch c {
	case ',':
		s.scan.Skip(1)
		return nil
	case ']':
		s.scan.Skip(1)
		s.Location = inRoot
		return nil
	case '{':
		return s.message(ctx)
	}
	return s.lost("this is not where a message begins", nextRecord)
}

// message reads one message. A record that lost its end may have taken in the next one: reading goes on there.
func (s *messages) message(ctx context.Context) error {
	raw, why := s.scan.value()
	if why != "" {
		return s.lost(why, nextRecord)
	}
	if swallowed(raw) {
		return s.misread(len(raw), "the record has no end: it has taken in another")
	}
	r, err := s.dec.record(s.chars.Text(raw))
	if err != nil {
		return s.misread(len(raw), err.Error())
	}
	raw = bytes.Clone(raw)
	s.scan.Skip(len(raw))
	s.Counts.Read++
	s.Messages++
	m := mapping{messages: s, r: r, key: r, raw: raw}
	if s.chars.Label != "" {
		if m.key, err = s.dec.record([]byte(charset.Key(raw))); err != nil {
			m.key = r
		}
	}
	return m.emit(ctx)
}

// swallowed reports whether a record holds the beginning of another, or ends with the end of the file's own.
func swallowed(raw []byte) bool {
	if bytes.Contains(raw[max(0, len(raw)-overlap/8):], []byte(`"messageCount"`)) {
		return true
	}
	for i := 1; i < len(raw); i++ {
		j := bytes.IndexByte(raw[i:], '{')
		if j < 0 {
			return false
		}
		if i += j; beginsMessage(raw[i+1:]) {
			return true
		}
	}
	return false
}

// misread keeps a record of n bytes that its end was found of, or up to where another begins in it or behind it.
func (s *messages) misread(n int, why string) error {
	for len(s.scan.Rest()) < n+overlap && s.scan.Fill() { // what follows the list marks its end
		continue
	}
	rest := s.scan.Rest()
	if k := nextRecord(rest[1:min(len(rest), n+overlap)], true); k >= 0 && 1+k < n {
		n = 1 + k
	}
	s.Messages++
	err := s.unparsed(filekit.Damaged{Position: s.At(), Raw: bytes.TrimRight(rest[:n], ", \t\r\n"), Size: int64(n), Reason: why})
	if err != nil {
		return err
	}
	s.scan.Skip(n)
	return s.scan.Err()
}
