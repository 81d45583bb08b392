package jsonl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// keysOf returns the keys that a line of a kind may have.
func keysOf(kind string) (keys []string, known bool) {
	common := []string{"kind", "network", "account", "channel", "id", "author", "sent"}
	message := append(slices.Clone(common), "type", "text", "reply_to", "thread", "forward", "attachments", "mentions", "links",
		"hashtags", "poll", "service", "details", "edited", "order")
	switch kind {
	case "message", "edit":
		return message, true
	case "delete":
		return append(common, "reason", "order"), true
	case "reaction":
		return append(common, "target", "emoji", "removed", "order"), true
	case "reactions":
		return append(common, "target", "counts", "people", "complete"), true
	case "poll":
		return append(common, "target", "poll"), true
	case "membership":
		return append(common, "state", "by", "reason", "order"), true
	case "channel":
		return append(common, "name", "channel_type", "topic", "order"), true
	case "identity":
		return append(common, "username", "order"), true
	}
	return nil, false
}

// fill sets what depends on the kind: kind, body, revision, and the native id where the line has none.
func (r *parser) fill(e *event.Event, l *line) error {
	switch l.Kind {
	case "message", "edit":
		return r.message(e, l)
	case "delete":
		return deletion(e, l)
	case "reaction":
		return reaction(e, l)
	case "reactions":
		return r.reactions(e, l)
	case "poll":
		return poll(e, l)
	case "membership":
		return membership(e, l)
	case "channel":
		e.Kind, e.NativeID = event.KindChannel, event.NativeID(e.Channel)
		e.Body = &event.ChannelInfo{Name: l.Name, Type: l.ChannelType, Topic: l.Topic}
		return described(e, l, l.Name, l.ChannelType, l.Topic)
	}
	if l.Author.ID == "" {
		return errors.New("an identity needs an author")
	}
	e.Kind, e.NativeID = event.KindIdentity, event.NativeID(l.Author.ID)
	e.Body = &event.Identity{Username: l.Username}
	return described(e, l, l.Author.Name, l.Username)
}

func (r *parser) message(e *event.Event, l *line) (err error) {
	b := &event.Message{
		Type: l.Type, Text: l.Text, Thread: l.Thread, Attachments: l.Attachments, Links: l.Links, Hashtags: l.Hashtags,
		Poll: l.Poll, Details: l.Details,
	}
	if b.Type == "" {
		b.Type = event.TypeMessage
	}
	if !slices.Contains([]event.MessageType{event.TypeMessage, event.TypeAction, event.TypeService}, b.Type) {
		return fmt.Errorf("type %q is not known; there are message, action and service", b.Type)
	}
	edited, err := r.moment("edited", l.Edited)
	if err != nil {
		return err
	}
	b.Edited = edited.Instant
	if l.ReplyTo != nil {
		b.ReplyTo = &l.ReplyTo.Ref
	}
	if l.Forward != nil {
		f := &event.Forward{From: l.Forward.From.Person, Channel: l.Forward.Channel, NativeID: l.Forward.ID}
		if f.Sent, err = r.time("forward.sent", l.Forward.Sent); err != nil {
			return err
		}
		b.Forward = f
	}
	b.Mentions = people(l.Mentions)
	if s := l.Service; s != nil {
		b.Service = &event.Service{
			Action: s.Action, Native: s.Native, Members: people(s.Members), Target: s.Target, Text: s.Text,
		}
	}
	e.Kind, e.Body = event.KindMessage, b
	return r.number(e, l, b, edited.Changed())
}

// number sets the message's id and revision. edited is when, as revisions take it.
func (r *parser) number(e *event.Event, l *line, b *event.Message, edited time.Time) error {
	if l.Kind == "edit" && (e.NativeID == "" || b.Edited.IsZero() && l.Order == nil) {
		return errors.New("an edit needs the id of its message, and edited or order: else which state is later is not known")
	}
	switch {
	case l.Order != nil:
		e.Revision = event.RevisionSeq(*l.Order)
	case !b.Edited.IsZero():
		e.Revision = event.RevisionAt(edited)
	}
	if e.NativeID != "" {
		return nil
	}
	parts := []string{string(e.Namespace), string(e.Channel), string(b.Type), b.Text}
	if s := b.Service; s != nil && b.Text == "" { // what it reports is all that distinguishes it
		parts = append(parts, s.Action, s.Native, s.Text, string(s.Target))
		for _, p := range s.Members {
			parts = append(parts, string(p.ID))
		}
	}
	day, minute := printed(l.Sent)
	e.NativeID, r.again = r.Tally.Next(day, minute, l.Author.ID, strings.Join(parts, "\x1f"))
	return nil
}

func people(in []person) (out []event.Person) {
	for _, p := range in {
		out = append(out, p.Person)
	}
	return out
}

// change is the revision of something that changed at sent, or as the order-th change; empty if neither is known.
func change(e *event.Event, l *line) event.Revision {
	switch {
	case l.Order != nil:
		return event.RevisionSeq(*l.Order)
	case !e.Sent.IsZero():
		return event.RevisionAt(l.changed)
	}
	return ""
}

func deletion(e *event.Event, l *line) error {
	if e.NativeID == "" {
		return errors.New("a deletion needs the id of its message")
	}
	of := change(e, l)
	if of == "" {
		of = event.Unedited
	}
	e.Kind, e.Revision, e.Body = event.KindDeletion, event.RevisionDeleted(of), &event.Deletion{Reason: l.Reason}
	return nil
}

func reaction(e *event.Event, l *line) error {
	if l.Target == "" || l.Emoji == "" || l.Author.ID == "" {
		return errors.New("a reaction needs target, emoji and author")
	}
	e.Kind, e.Body = event.KindReaction, &event.Reaction{Target: l.Target, Emoji: l.Emoji, Removed: l.Removed}
	if e.NativeID == "" {
		e.NativeID = event.ReactionNative(l.Target, e.Author.Key(e.Source, e.Namespace), l.Emoji)
	}
	switch at := change(e, l); {
	case at != "":
		e.Revision = at
	case l.Removed:
		return errors.New("a reaction that was taken back needs sent or order: else which state is later is not known")
	}
	if l.Removed { // set and taken back at the same instant: it is gone
		e.Revision += ".removed"
	}
	return nil
}

func (r *parser) reactions(e *event.Event, l *line) (err error) {
	if l.Target == "" {
		return errors.New("reactions need a target")
	}
	b := &event.Reactions{Target: l.Target, Complete: l.Complete}
	parts := []string{"reactions", strconv.FormatBool(l.Complete)}
	for _, emoji := range slices.Sorted(maps.Keys(l.Counts)) {
		b.Counts = append(b.Counts, event.ReactionCount{Emoji: emoji, Count: l.Counts[emoji]})
		parts = append(parts, emoji, strconv.Itoa(l.Counts[emoji]))
	}
	for _, p := range l.People {
		at, err := r.time("people.sent", p.Sent)
		if err != nil {
			return err
		}
		b.People = append(b.People, event.ReactionPerson{Person: p.Person.Person, Emoji: p.Emoji, Sent: at})
		parts = append(parts, p.Emoji, string(p.Person.ID))
	}
	e.Kind, e.NativeID, e.Body = event.KindReactions, l.Target, b
	if at := change(e, l); at != "" {
		e.Revision = at
	}
	e.Revision += "." + event.Revision(event.Digest(parts...))
	return nil
}

// poll makes the results of a poll: of two the one of the later sent stands.
func poll(e *event.Event, l *line) error {
	if l.Target == "" || l.Poll == nil || e.Sent.IsZero() {
		return errors.New("the results of a poll need target, poll and sent")
	}
	results, err := producers.PollResults(l.Target, l.Poll, e.Sent, l.changed)
	if err != nil {
		return err
	}
	e.Kind, e.NativeID, e.Body, e.Revision = results.Kind, results.NativeID, results.Body, results.Revision
	return nil
}

// membership names the thing after the person: who comes and goes changes the state of one membership.
func membership(e *event.Event, l *line) error {
	states := []string{event.MemberJoined, event.MemberLeft, event.MemberBanned}
	if !slices.Contains(states, l.State) || l.Author.ID == "" {
		return fmt.Errorf("a membership needs an author and a state: %s", strings.Join(states, ", "))
	}
	at := change(e, l)
	if at == "" {
		return errors.New("a membership needs sent or order: else which state is later is not known")
	}
	if e.NativeID == "" {
		e.NativeID = event.NativeID(l.Author.ID)
	}
	e.Kind, e.Revision = event.KindMembership, at+"."+event.Revision(l.State)
	e.Body = &event.Membership{State: l.State, By: l.By.Person, Reason: l.Reason}
	return nil
}

// described sets the revision of a description, which is made of its content too: two may have the same time, or none.
func described(e *event.Event, l *line, content ...string) error {
	if at := change(e, l); at != "" {
		e.Revision = at
	}
	e.Revision += "." + event.Revision(event.Digest(content...))
	return nil
}
