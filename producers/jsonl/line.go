package jsonl

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// line is a line as its writer sees it: schemas/event/jsonl.schema.json describes it. What a kind does not use must not be
// there, or the writer meant something else.
type line struct {
	Kind    string          `json:"kind"`
	Network event.Namespace `json:"network"`
	Account event.Account   `json:"account"`
	Channel event.Channel   `json:"channel"`
	ID      event.NativeID  `json:"id"`
	Author  person          `json:"author"`
	Sent    string          `json:"sent"`
	Order   *uint64         `json:"order"` // of the change, where it has no time

	Type        event.MessageType  `json:"type"`
	Text        string             `json:"text"`
	Edited      string             `json:"edited"`
	ReplyTo     *ref               `json:"reply_to"`
	Thread      event.NativeID     `json:"thread"`
	Forward     *forward           `json:"forward"`
	Attachments []event.Attachment `json:"attachments"`
	Mentions    []person           `json:"mentions"`
	Links       []string           `json:"links"`
	Hashtags    []string           `json:"hashtags"`
	Poll        *event.Poll        `json:"poll"`
	Service     *service           `json:"service"`
	Details     map[string]string  `json:"details"`

	Target   event.NativeID `json:"target"`
	Emoji    string         `json:"emoji"`
	Removed  bool           `json:"removed"`
	Counts   map[string]int `json:"counts"`
	People   []reacted      `json:"people"`
	Complete bool           `json:"complete"`

	State  string `json:"state"`
	By     person `json:"by"`
	Reason string `json:"reason"`

	Name        string `json:"name"`
	ChannelType string `json:"channel_type"`
	Topic       string `json:"topic"`
	Username    string `json:"username"`

	changed time.Time // Sent, as revisions take it
}

type forward struct {
	From    person         `json:"from"`
	Channel event.Channel  `json:"channel"`
	ID      event.NativeID `json:"id"`
	Sent    string         `json:"sent"`
}

type service struct {
	Action  string         `json:"action"`
	Native  string         `json:"native"`
	Members []person       `json:"members"`
	Target  event.NativeID `json:"target"`
	Text    string         `json:"text"`
}

type reacted struct {
	Person person `json:"person"`
	Emoji  string `json:"emoji"`
	Sent   string `json:"sent"`
}

// person is a name, or an object that has also an id.
type person struct{ event.Person }

// UnmarshalJSON reads a name as an id too: who has no other is known by it.
func (p *person) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		var name string
		if err := json.Unmarshal(b, &name); err != nil {
			return err
		}
		p.Person = event.Person{ID: event.AuthorID(name), Name: name}
		return nil
	}
	if err := json.Unmarshal(b, &p.Person, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	if p.ID == "" {
		p.ID = event.AuthorID(p.Name)
	}
	return nil
}

// ref is a message's id, or an object that has also a channel.
type ref struct{ event.Ref }

// UnmarshalJSON reads either.
func (r *ref) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, &r.NativeID)
	}
	var v struct {
		Network event.Namespace `json:"network"`
		Channel event.Channel   `json:"channel"`
		ID      event.NativeID  `json:"id"`
	}
	if err := json.Unmarshal(b, &v, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	r.Ref = event.Ref{Namespace: v.Network, Channel: v.Channel, NativeID: v.ID}
	if r.NativeID == "" {
		return errors.New("a reference has no id")
	}
	return nil
}

// event makes an event of a line, which may be an envelope.
func (r *parser) event(raw []byte) (*event.Event, error) {
	r.again, r.skipped, r.called = false, false, ""
	if utf8.Valid(raw) {
		return r.parse(raw, raw)
	}
	text, label := r.chars.Decode(raw)
	beside := &parser{archive: r.archive, position: position{Before: r.Before}} // the line is counted once
	key, err := r.parse([]byte(charset.Key(raw)), raw)
	if err != nil {
		return nil, err
	}
	e, err := beside.parse([]byte(text), raw)
	if err != nil {
		return nil, err
	}
	r.called = string(e.Channel)
	takeIDs(e, key)
	e.Reading.Charset = label
	if err := e.Seal(); err != nil {
		return nil, fmt.Errorf("the line says too little: %w", err)
	}
	return e, nil
}

// takeIDs gives an event all that is an id from the same line as ids take it: they are the same in every charset.
func takeIDs(e, key *event.Event) {
	e.Namespace, e.Channel, e.NativeID, e.Revision = key.Namespace, key.Channel, key.NativeID, key.Revision
	switch k := key.Body.(type) {
	case *event.Message:
		if b, ok := e.Body.(*event.Message); ok {
			takeRefs(b, k)
		}
	case *event.Reaction:
		if b, ok := e.Body.(*event.Reaction); ok {
			b.Target = k.Target
		}
	case *event.Reactions:
		if b, ok := e.Body.(*event.Reactions); ok {
			b.Target = k.Target
		}
	case *event.PollResults:
		if b, ok := e.Body.(*event.PollResults); ok {
			b.Target = k.Target
		}
	}
}

func takeRefs(b, key *event.Message) {
	b.Thread = key.Thread
	if b.ReplyTo != nil && key.ReplyTo != nil {
		b.ReplyTo = key.ReplyTo
	}
	if b.Forward != nil && key.Forward != nil {
		b.Forward.Channel, b.Forward.NativeID = key.Forward.Channel, key.Forward.NativeID
	}
	if b.Service != nil && key.Service != nil {
		b.Service.Target = key.Service.Target
	}
}

// parse makes an event of a line's text; raw is what is kept.
func (r *parser) parse(text, raw []byte) (*event.Event, error) {
	var members map[string]stdjson.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("reading the line: %w", err)
	}
	if _, envelope := members["v"]; envelope {
		e, err := event.Decode(text)
		if err != nil {
			return nil, err
		}
		e.Seen = time.Time{} // it will be seen anew
		return e, nil
	}
	var l line
	if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("reading the line: %w", err)
	}
	return r.make(&l, members, raw)
}

// detail says of a message what its printed time left open.
func (r *parser) detail(e *event.Event, sent filekit.LocalTime) {
	r.skipped = sent.Skipped && e.Kind == event.KindMessage
	m, ok := e.Body.(*event.Message)
	if !ok || sent.Other.IsZero() && !sent.Skipped {
		return
	}
	details := maps.Clone(m.Details)
	if details == nil {
		details = map[string]string{}
	}
	if sent.Skipped {
		details[producers.DetailSkippedHour] = "true"
	} else {
		details["sent_or"] = sent.Other.UTC().Format(time.RFC3339Nano)
	}
	m.Details = details
}

// make turns the line into a sealed event.
func (r *parser) make(l *line, members map[string]stdjson.RawMessage, raw []byte) (*event.Event, error) {
	if l.Kind == "" {
		l.Kind = "message"
	}
	allowed, known := keysOf(l.Kind)
	if !known {
		return nil, fmt.Errorf("kind %q is not known", l.Kind)
	}
	for key := range members {
		if !slices.Contains(allowed, key) {
			return nil, fmt.Errorf("a line of kind %q has no key %q; it has %s", l.Kind, key, strings.Join(allowed, ", "))
		}
	}
	sent, err := r.sent(l.Sent)
	if err != nil {
		return nil, err
	}
	e := &event.Event{
		Source: sourceName, Namespace: r.namespace(l.Network), Account: l.Account, Channel: l.Channel, NativeID: l.ID,
		Author: l.Author.Person, Revision: event.Unedited, Sent: sent.Instant, Raw: bytes.Clone(raw),
	}
	if e.Account == "" {
		e.Account = r.Options.Account
	}
	if e.Channel == "" && l.Kind != "identity" {
		e.Channel = r.Options.Channel
	}
	l.changed = sent.Changed()
	if err := r.fill(e, l); err != nil {
		return nil, err
	}
	r.detail(e, sent)
	if err := e.Seal(); err != nil {
		return nil, fmt.Errorf("the line says too little: %w", err)
	}
	return e, nil
}
