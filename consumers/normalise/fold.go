package normalise

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// foldMessage returns the state of a message from all events about it, each once, in any order. With a base they are the current
// version of that row and the new events; base stands for all others. The results of a poll are always all there are.
func foldMessage(g *about, thing event.ThingID) (*messageRow, error) {
	events, base := g.events, g.base
	r := &messageRow{place: g.place, thing: thing, externalID: string(g.native)}
	base.carry(r)
	var current *item
	for i := range events {
		it := &events[i]
		r.witness(it, i == 0 && base == nil)
		switch it.Body.(type) {
		case *event.Deletion:
			r.deleted = true
			r.deletedAt = event.MergeInstant(r.deletedAt, it.Sent)
		case *event.Message, *event.Unparsed:
			r.sent, r.reading = event.MergeSent(r.sent, r.reading, it.Sent, it.Reading)
			if current == nil || event.CompareVersions(it.Event, current.Event) > 0 {
				current = it
			}
		}
	}
	if current == nil {
		return r, nil
	}
	return r, r.show(current, g)
}

// witness notes who saw the message and where it first stood.
func (r *messageRow) witness(it *item, first bool) {
	r.accounts = union(r.accounts, it.accounts)
	if first || it.incarnation < r.incarnation || it.incarnation == r.incarnation && it.position < r.position {
		r.incarnation, r.position = it.incarnation, it.position
	}
}

// show takes over what the current version says.
func (r *messageRow) show(current *item, g *about) error {
	base := g.base
	r.revision = string(current.Revision)
	author := authorOf(current, g.events)
	r.author, r.authorName = string(author.ID), author.Name
	if author.ID != "" {
		key := [16]byte(author.Key(r.source, r.namespace))
		r.authorKey = &key
	}
	if author.IsZero() && base != nil { // an older version names the author
		r.authorKey, r.author, r.authorName = base.authorKey, base.author, base.authorName
	}
	switch b := current.Body.(type) {
	case *event.Message:
		return r.showMessage(b, latestPoll(b.Poll, g.polls))
	case *event.Unparsed:
		return r.showUnparsed(current.Raw, b)
	}
	return nil
}

// authorOf returns the current version's author; an edit that names nobody keeps the latest one named.
func authorOf(current *item, events []item) event.Person {
	if !current.Author.IsZero() {
		return current.Author
	}
	latest := current
	for i := range events {
		it := &events[i]
		if it.Kind == event.KindMessage && !it.Author.IsZero() && (latest == current || event.CompareVersions(it.Event, latest.Event) > 0) {
			latest = it
		}
	}
	return latest.Author
}

func (r *messageRow) showMessage(m *event.Message, poll *event.Poll) error {
	kind := string(m.Type)
	switch m.Type {
	case event.TypeMessage, event.TypeAction, event.TypeService:
	default:
		kind = string(event.TypeMessage)
	}
	text := m.Text
	r.kind, r.text, r.edited = &kind, &text, m.Edited
	if m.ReplyTo != nil && r.isOwn(m.ReplyTo) {
		r.replyTo = ptr(string(m.ReplyTo.NativeID))
	}
	r.thread = ptr(string(m.Thread))
	if m.Service != nil {
		r.action = ptr(m.Service.Action)
	}
	r.links, r.hashtags, r.mentions = references(m)
	r.forwarded = m.Forward != nil
	for _, a := range m.Attachments {
		r.media = append(r.media, a.Kind)
	}
	return r.keepRest(m, poll)
}

// rest is what of a message has no column.
type rest struct {
	Forward *event.Forward    `json:"forward,omitempty"`
	Poll    *event.Poll       `json:"poll,omitempty"`
	Service *event.Service    `json:"service,omitempty"`
	Details map[string]string `json:"details,omitempty"`
	ReplyTo *event.Ref        `json:"reply_to,omitempty"` // where it is in another channel
}

// isOwn reports whether a message stands in the channel of this one: only there its id means anything.
func (r *messageRow) isOwn(ref *event.Ref) bool {
	return (ref.Channel == "" || ref.Channel == r.channel) && (ref.Namespace == "" || ref.Namespace == r.namespace)
}

func (r *messageRow) keepRest(m *event.Message, poll *event.Poll) error {
	var err error
	if len(m.Attachments) > 0 {
		if r.attachments, err = json.Marshal(m.Attachments); err != nil {
			return fmt.Errorf("encoding attachments: %w", err)
		}
	}
	k := rest{Forward: m.Forward, Poll: poll, Service: m.Service, Details: m.Details}
	if m.ReplyTo != nil && !r.isOwn(m.ReplyTo) {
		k.ReplyTo = m.ReplyTo
	}
	if reflect.ValueOf(k).IsZero() {
		return nil
	}
	if r.body, err = json.Marshal(k); err != nil {
		return fmt.Errorf("encoding the rest of a message: %w", err)
	}
	return nil
}

func (r *messageRow) showUnparsed(raw []byte, u *event.Unparsed) error {
	kind := string(event.KindUnparsed)
	text := clean(strings.ToValidUTF8(string(raw), "\uFFFD"))
	r.kind, r.text = &kind, &text
	body, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encoding why a record was not read: %w", err)
	}
	r.body = body
	return nil
}

// sameContent reports whether two copies of an event say the same, provenance aside.
func sameContent(a, b *event.Event) bool {
	if !sameInstant(a.Sent, b.Sent) || a.Author != b.Author || a.Reading != b.Reading {
		return false
	}
	x, errX := json.Marshal(a.Body)
	y, errY := json.Marshal(b.Body)
	return errX == nil && errY == nil && string(x) == string(y)
}

func sameInstant(a, b event.Instant) bool {
	at, bt := a.At, b.At
	a.At, b.At = time.Time{}, time.Time{}
	return a == b && at.Equal(bt)
}
