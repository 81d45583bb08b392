package projection

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// FoldMessage returns the state of a message from all events about it, each once, in any order. With a base they are the current
// version of that row and the new events; base summarises all others. The results of a poll are always all there are.
func FoldMessage(g *Group, thing event.ThingID) (*MessageRow, error) {
	events, base := g.Events, g.Base
	r := &MessageRow{ChannelRef: g.ChannelRef, Thing: thing, ExternalID: string(g.NativeID)}
	base.copyTo(r)
	var current *PendingEvent
	for i := range events {
		it := &events[i]
		r.addProvenance(it, i == 0 && base == nil)
		switch it.Body.(type) {
		case *event.Deletion:
			r.Deleted = true
			r.DeletedAt = event.MergeInstant(r.DeletedAt, it.Sent)
		case *event.Message, *event.Unparsed:
			r.Sent, r.reading = event.MergeSent(r.Sent, r.reading, it.Sent, it.Reading)
			if current == nil || event.CompareVersions(it.Event, current.Event) > 0 {
				current = it
			}
		}
	}
	if current == nil {
		return r, nil
	}
	return r, r.showVersion(current, g)
}

// addProvenance adds who collected the message and its lowest position.
func (r *MessageRow) addProvenance(it *PendingEvent, first bool) {
	r.Accounts = union(r.Accounts, it.Accounts)
	if first || it.Incarnation < r.Incarnation || it.Incarnation == r.Incarnation && it.Position < r.Position {
		r.Incarnation, r.Position = it.Incarnation, it.Position
	}
}

// showVersion takes over what the current version says.
func (r *MessageRow) showVersion(current *PendingEvent, g *Group) error {
	base := g.Base
	r.Revision = string(current.Revision)
	author := authorOf(current, g.Events)
	r.Author, r.AuthorName = string(author.ID), author.Name
	if author.ID != "" {
		key := [16]byte(author.Key(r.Source, r.Namespace))
		r.AuthorKey = &key
	}
	if author.IsZero() && base != nil { // an older version names the author
		r.AuthorKey, r.Author, r.AuthorName = base.AuthorKey, base.Author, base.AuthorName
	}
	switch b := current.Body.(type) {
	case *event.Message:
		return r.showMessage(b, latestPoll(b.Poll, g.Polls))
	case *event.Unparsed:
		return r.showUnparsed(current.Raw, b)
	}
	return nil
}

// authorOf returns the current version's author; an edit without an author keeps the latest one named.
func authorOf(current *PendingEvent, events []PendingEvent) event.Person {
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

func (r *MessageRow) showMessage(m *event.Message, poll *event.Poll) error {
	kind := string(m.Type)
	switch m.Type {
	case event.TypeMessage, event.TypeAction, event.TypeService:
	default:
		kind = string(event.TypeMessage)
	}
	text := m.Text
	r.Kind, r.Text, r.Edited = &kind, &text, m.Edited
	if m.ReplyTo != nil && r.isOwn(m.ReplyTo) {
		r.ReplyTo = ptr(string(m.ReplyTo.NativeID))
	}
	r.Thread = ptr(string(m.Thread))
	if m.Service != nil {
		r.Action = ptr(m.Service.Action)
	}
	r.Links, r.Hashtags, r.Mentions = references(m)
	r.Forwarded = m.Forward != nil
	for _, a := range m.Attachments {
		r.Media = append(r.Media, a.Kind)
	}
	return r.setBody(m, poll)
}

// messageBody is what of a message has no column.
type messageBody struct {
	Forward *event.Forward    `json:"forward,omitempty"`
	Poll    *event.Poll       `json:"poll,omitempty"`
	Service *event.Service    `json:"service,omitempty"`
	Details map[string]string `json:"details,omitempty"`
	ReplyTo *event.Ref        `json:"reply_to,omitempty"` // where it is in another channel
}

// isOwn reports whether a message is in the channel of this one: only there its id means anything.
func (r *MessageRow) isOwn(ref *event.Ref) bool {
	return (ref.Channel == "" || ref.Channel == r.Channel) && (ref.Namespace == "" || ref.Namespace == r.Namespace)
}

func (r *MessageRow) setBody(m *event.Message, poll *event.Poll) error {
	var err error
	if len(m.Attachments) > 0 {
		if r.Attachments, err = json.Marshal(m.Attachments); err != nil {
			return fmt.Errorf("encoding attachments: %w", err)
		}
	}
	k := messageBody{Forward: m.Forward, Poll: poll, Service: m.Service, Details: m.Details}
	if m.ReplyTo != nil && !r.isOwn(m.ReplyTo) {
		k.ReplyTo = m.ReplyTo
	}
	if reflect.ValueOf(k).IsZero() {
		return nil
	}
	if r.Body, err = json.Marshal(k); err != nil {
		return fmt.Errorf("encoding the rest of a message: %w", err)
	}
	return nil
}

func (r *MessageRow) showUnparsed(raw []byte, u *event.Unparsed) error {
	kind := string(event.KindUnparsed)
	text := Clean(strings.ToValidUTF8(string(raw), "\uFFFD"))
	r.Kind, r.Text = &kind, &text
	body, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encoding why a record was not read: %w", err)
	}
	r.Body = body
	return nil
}
