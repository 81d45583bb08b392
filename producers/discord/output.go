package discord

import (
	"strconv"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// output is what both formats make: events of one channel, and a cursor.
type output struct {
	*archive
	filekit.Output
	state
	chars *filekit.Decoder
}

// emit seals an event of the channel and puts it into the batch.
func (o *output) emit(e event.Event) error {
	e.Source, e.Namespace, e.Account, e.Channel = sourceName, o.Where.Namespace, o.Options.Account, o.Where.Channel
	if e.Namespace == "" {
		e.Namespace = sourceName
	}
	if o.chars.Label != "" {
		e.Reading.Charset = o.chars.Label
	}
	return o.Emit(&e)
}

// unparsed keeps what could not be read.
func (o *output) unparsed(d filekit.Damaged) error {
	o.chars.Label = ""
	return o.emit(o.Unparsed(d, &o.Last))
}

// met notes what later messages need to know of this one.
func (o *output) met(id event.NativeID, at event.Instant) {
	o.Parsed(id)
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
		revision = event.RevisionAt(producers.Unnamed(at, o.Options.Zone))
	}
	key := w
	if w.Keyed != nil {
		key = w.Keyed
	}
	o.chars.Label = w.Charset
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
		revision = event.RevisionAt(producers.Unnamed(at, o.Options.Zone))
	}
	return o.emit(event.Event{
		NativeID: body.Target, Kind: event.KindReactions, Sent: at, Reading: read, Body: body,
		Revision: revision + "." + event.Revision(event.Digest(parts...)),
	})
}
