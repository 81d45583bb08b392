package jsonexport

import (
	"context"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// mapping makes events of one message.
type mapping struct {
	*session
	r    *record
	key  *record // the same as content keys take it: r, unless the record is not UTF-8
	raw  []byte
	read event.Reading
	ns   event.Namespace
	id   event.NativeID
	at   filekit.LocalTime
}

// emit puts the message into the batch, and what it shows of its reactions.
func (m *mapping) emit(ctx context.Context) error {
	m.ns = m.namespace()
	if strings.HasPrefix(m.r.id, "-") && m.Chat.Shared() {
		if err := m.migrated(); err != nil {
			return err
		}
		m.ns = m.owner().Private()
		m.Notices.Add(export.MigratedGroup())
	}
	timed := m.r.unix != ""
	m.at = m.clock.Read(m.r.date, m.r.unix, m.Chat.Before)
	author := export.Person(m.r.fromID, m.r.from, timed)
	author.Bot = m.Chat.Type == "bot_chat" && event.Channel(author.ID) == m.Chat.Channel
	m.id = m.native(author)

	edited := m.editedAt()
	body, err := m.message(ctx, edited.Instant)
	if err != nil {
		return err
	}
	e := event.Event{
		Source: export.Source, Namespace: m.ns, Account: m.owner().Account(), Channel: m.Chat.Channel, NativeID: m.id, Author: author,
		Kind: event.KindMessage, Revision: event.Unedited, Sent: m.at.Instant, Reading: m.read, Body: body, Raw: m.raw,
	}
	if !edited.IsZero() {
		e.Revision = event.RevisionAt(edited.Changed())
	}
	if len(m.r.reactions) == 0 {
		e.Reading.AsOf = m.reactionsAsOf(latestOf(e.Sent, body.Edited))
	}
	if m.holdPoll(body.Poll) {
		body.Poll = body.Poll.WithoutResults()
	}
	if err := m.session.Emit(&e); err != nil {
		return err
	}
	if m.owner().Contradicted() && m.ns != export.Source {
		m.Notices.Add(export.OtherAccount(m.Account))
	}
	m.advance()
	if err := m.releasePolls(ctx); err != nil {
		return err
	}
	return m.reactions(edited)
}

// native is the message's id; for writers who leave it out, one made of the content.
func (m *mapping) native(author event.Person) event.NativeID {
	if m.r.id != "" {
		return event.NativeID(m.r.id)
	}
	printed := m.r.date
	if !m.at.IsZero() && printed == "" {
		printed = m.at.At.Format(export.LocalLayout)
	}
	day, clock, _ := strings.Cut(printed, "T")
	who := author.ID
	if who == "" {
		who = event.AuthorID(m.key.from)
	}
	id, again := m.Chat.Tally.Next(day, clock[:min(len(clock), len("15:04"))], who, m.key.text)
	if again {
		m.Counts.Ambiguous++
	}
	return id
}

// advance notes what later messages of the chat need to know of this one.
func (m *mapping) advance() {
	c := &m.session.Chat
	c.LastID, c.Broken = m.id, 0
	if m.at.IsZero() {
		return
	}
	c.Before = m.at.At
	if m.at.At.After(c.Latest) {
		c.Latest, c.Unnamed = m.at.At, m.at.Printed
	}
}

func (m *mapping) message(ctx context.Context, edited event.Instant) (*event.Message, error) {
	r := m.r
	b := &event.Message{Type: event.TypeMessage, Text: r.text, Links: r.links, Details: r.details, Edited: edited}
	if r.forwarded {
		b.Forward = m.forward()
	}
	m.reply(b)
	m.threads.add(r.id, b.Thread)
	for _, x := range r.mentions {
		b.Mentions = append(b.Mentions, export.Person(x.id, x.name, true))
	}
	b.Poll = r.poll.event()
	if err := m.attach(ctx, b); err != nil {
		return nil, err
	}
	switch {
	case r.kind == "service" || r.action != "":
		m.service(b)
	case r.kind == "unsupported":
		b.Type, b.Service = event.TypeService, &event.Service{Action: event.ActionOther, Native: "unsupported"}
	}
	m.noteAmbiguity(b)
	return b, nil
}

// noteAmbiguity notes what is not certain of the time, so that it is not lost with the field that cannot say it.
func (m *mapping) noteAmbiguity(b *event.Message) {
	note := func(key, value string) {
		if b.Details == nil {
			b.Details = map[string]string{}
		}
		b.Details[key] = value
	}
	if m.r.linksStated {
		note(event.DetailLinksStated, "true")
	}
	if !m.at.Other.IsZero() {
		note("sent_or", m.at.Other.Format(time.RFC3339))
	}
	if m.at.Skipped {
		note(producers.DetailSkippedHour, "true")
		m.Notices.Add(producers.SkippedHour(1))
	}
	if m.at.IsZero() && m.r.date+m.r.unix != "" {
		note("date", strings.TrimSpace(m.r.date+" "+m.r.unix))
	}
}

// editedAt is when the last edit was made; zero if there was none. Some old exports print the epoch on every message.
func (m *mapping) editedAt() filekit.LocalTime {
	if m.r.edited == "" && m.r.editedUnix == "" {
		return filekit.LocalTime{}
	}
	at := m.clock.Read(m.r.edited, m.r.editedUnix, m.at.At)
	if at.At.Year() <= 1970 {
		return filekit.LocalTime{}
	}
	return at
}

func (m *mapping) forward() *event.Forward {
	f := &event.Forward{From: export.Person(m.r.forwardID, m.r.forwardFrom, m.r.unix != "")}
	if strings.HasPrefix(string(f.From.ID), "channel") {
		f.Channel = event.Channel(f.From.ID)
	}
	return f
}

// reply notes which message this one answers. In a forum each message of a topic answers the message that opened it, if it
// answers no other: that is no reply.
func (m *mapping) reply(b *event.Message) {
	to := m.r.replyTo
	if to == "" || to == "0" {
		return
	}
	if m.r.replyPeer == "" && m.Chat.IsTopic(to) {
		b.Thread = event.NativeID(to)
		return
	}
	ref := &event.Ref{NativeID: event.NativeID(to)}
	if m.r.replyPeer != "" {
		ref.Channel = event.Channel(export.Peer(m.r.replyPeer, true))
	} else {
		b.Thread = m.threads.of(to)
	}
	n := m.namespaceOf(ref)
	if n == "" { // whose numbers these are is not known
		if b.Details == nil {
			b.Details = map[string]string{}
		}
		b.Details["reply_to"] = strings.TrimSpace(m.r.replyPeer + " " + to)
		return
	}
	if n != m.ns {
		ref.Namespace = n
	}
	if ref.Channel == m.Chat.Channel {
		ref.Channel = ""
	}
	b.ReplyTo = ref
}

// namespaceOf is the namespace in which the message referred to is numbered.
func (m *mapping) namespaceOf(ref *event.Ref) event.Namespace {
	shared := m.Chat.Shared()
	if ref.Channel != "" {
		shared = strings.HasPrefix(string(ref.Channel), "channel")
	}
	if shared && !strings.HasPrefix(string(ref.NativeID), "-") {
		return export.Source
	}
	return m.owner().Private()
}
