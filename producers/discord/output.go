package discord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// output is what both formats make: events of one channel, and a cursor.
type output struct {
	*archive
	state

	chars *charset.Decoder
	label string // in which charset the record at hand was read; empty: it is UTF-8

	events  []event.Event
	counts  producers.Counts
	notices producers.Notices
}

func (o *output) begin() {
	o.events, o.counts, o.notices = make([]event.Event, 0, o.batch+4), producers.Counts{}, nil
}

// decode returns a record as UTF-8, and remembers what it was.
func (o *output) decode(raw []byte) []byte {
	if o.label = ""; utf8.Valid(raw) {
		return raw
	}
	text, label := o.chars.Decode(raw)
	o.label = label
	return []byte(text)
}

// done makes a batch of what came since begin; false if nothing did.
func (o *output) done(offset int64, line int) (producers.Batch, bool, error) {
	o.counts.Bytes = offset - o.Offset
	o.Offset, o.Line = offset, line
	if len(o.events) == 0 && o.counts == (producers.Counts{}) {
		return producers.Batch{}, false, nil
	}
	cursor, err := json.Marshal(&o.state)
	if err != nil {
		return producers.Batch{}, false, fmt.Errorf("writing the cursor: %w", err)
	}
	return producers.Batch{Events: o.events, Cursor: cursor, Counts: o.counts, Notices: o.notices}, true, nil
}

// emit seals an event and puts it into the batch.
func (o *output) emit(e event.Event) error {
	e.Source, e.Namespace, e.Account, e.Channel = sourceName, o.Where.Namespace, o.options.Account, o.Where.Channel
	if e.Namespace == "" {
		e.Namespace = sourceName
	}
	if o.label != "" {
		e.Reading.Charset = o.label
	}
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	o.events = append(o.events, e)
	return nil
}

// found is a piece of the file that is no message.
type found struct {
	raw    []byte
	why    string
	cut    bool  // the file ends in it
	size   int64 // of all of it, where raw is only its beginning
	offset int64
	line   int
}

// broken keeps what could not be read. Its id is made of its bytes and of the message before it, so that a second export that
// is broken in the same place agrees.
func (o *output) broken(f found) error {
	o.counts.Read++
	o.counts.Unparsed++
	o.Broken++
	o.label = ""
	if f.size > int64(len(f.raw)) && f.size > longest {
		f.why = fmt.Sprintf("%s: %d bytes, of which the first %d are kept", f.why, f.size, len(f.raw))
	}
	return o.emit(event.Event{
		NativeID: event.NativeID(event.Digest("unparsed", string(o.LastID), strconv.Itoa(o.Broken), string(f.raw))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{
			Reason: f.why, File: strings.ToValidUTF8(o.file.Path, "\uFFFD"), Line: f.line, Offset: f.offset,
		},
		Raw: bytes.Clone(f.raw),
	})
}

// met notes what later messages need to know of this one.
func (o *output) met(id event.NativeID, at event.Instant) {
	o.LastID, o.Broken = id, 0
	if at.IsZero() {
		return
	}
	o.Before = at.At
	if at.Later(o.Latest) {
		o.Latest = at
	}
}

// announce says what the channel is called: at the start as of no time, at the end as of the latest message.
func (o *output) announce(at event.Instant) error {
	w := &o.Where
	info := event.ChannelInfo{Name: w.Name, Type: kindOf(w.Type), Topic: w.about()}
	revision := event.Unedited
	if !at.IsZero() {
		revision = event.RevisionAt(producers.Unnamed(at, o.options.Zone))
	}
	key := w
	if w.Keyed != nil {
		key = w.Keyed
	}
	o.label = w.Charset
	e := event.Event{
		NativeID: event.NativeID(w.Channel), Kind: event.KindChannel, Sent: at, Body: &info,
		Revision: revision + "." + event.Revision(event.Digest(key.Name, kindOf(key.Type), key.about())),
	}
	switch {
	case w.Bytes != nil:
		e.Raw = w.Bytes
	case w.Raw != "":
		e.Raw = []byte(w.Raw)
	}
	return o.emit(e)
}

// finish says once more what the channel is called, which is known to have been true at its latest message.
func (o *output) finish() error {
	o.Complete = true
	if o.Latest.IsZero() || o.Where.Channel == "" {
		return nil
	}
	return o.announce(o.Latest)
}

// snapshot says what the export shows of the reactions to a message, which was true at the given time. key is the body as ids take it.
func (o *output) snapshot(body, key *event.Reactions, at event.Instant, read event.Reading) error {
	parts := []string{"reactions"}
	for _, c := range key.Counts {
		parts = append(parts, c.Emoji, strconv.Itoa(c.Count))
	}
	for _, p := range key.People {
		parts = append(parts, p.Emoji, string(p.Person.ID), p.Person.Name)
	}
	revision := event.Unedited
	if !at.IsZero() {
		revision = event.RevisionAt(producers.Unnamed(at, o.options.Zone))
	}
	return o.emit(event.Event{
		NativeID: body.Target, Kind: event.KindReactions, Sent: at, Reading: read, Body: body,
		Revision: revision + "." + event.Revision(event.Digest(parts...)),
	})
}
