package discord

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// mapping makes events of one message.
type mapping struct {
	*messages
	r      *record
	key    *record // as ids take it
	raw    []byte
	sent   event.Instant
	edited event.Instant
}

// emit puts the message into the batch, and what it shows of its reactions.
func (m *mapping) emit(ctx context.Context) error {
	m.times()
	body := &event.Message{Type: event.TypeMessage, Text: m.r.content, Edited: m.edited}
	m.refer(body)
	m.forward(body)
	m.service(body)
	for _, u := range m.r.mentions {
		body.Mentions = append(body.Mentions, u.person())
	}
	for _, l := range m.r.links {
		if !strings.Contains(body.Text, l) && !slices.Contains(body.Links, l) {
			body.Links = append(body.Links, l)
		}
	}
	if err := m.attach(ctx, body); err != nil {
		return err
	}
	m.remarks()
	body.Details = m.r.details
	e := event.Event{
		NativeID: event.NativeID(m.r.id), Author: m.r.author.person(), Kind: event.KindMessage, Revision: event.Unedited,
		Sent: m.sent, Body: body, Raw: m.raw,
	}
	if !m.edited.IsZero() {
		e.Revision = event.RevisionAt(producers.Unnamed(m.edited, m.Options.Zone))
	}
	if len(m.r.reactions) == 0 && m.exported.Later(m.sent) && !m.sent.IsZero() {
		e.Reading.AsOf = m.exported.At.UnixMilli()
	}
	if err := m.messages.emit(e); err != nil {
		return err
	}
	if m.observe != nil {
		m.show(e)
	}
	m.met(e.NativeID, m.sent)
	return m.reactions(e.NativeID)
}

// show is apart from emit, so that what nobody observes stays on the stack.
func (m *mapping) show(e event.Event) { m.observe(m.r, &e) }

func (u *user) person() event.Person {
	name := u.nickname
	if name == "" {
		name = u.name
	}
	return event.Person{ID: event.AuthorID(u.id), Name: name, Bot: u.bot}
}

// doubtful is how far a printed time may be from the one in the id before that is worth a remark.
const doubtful = time.Second

// times reads the message's times. The id holds the time at which it was given out, which stands in for one that is missing,
// and is noted beside one that is another.
func (m *mapping) times() {
	r := m.r
	m.sent, m.edited = m.clock.stamp(r.sent), m.clock.stamp(r.edited)
	if m.edited.IsZero() {
		r.note("edited", r.edited)
	}
	id := snowflakeTime(r.id)
	switch {
	case id.IsZero():
		if m.sent.IsZero() {
			r.note("timestamp", r.sent)
		}
	case m.sent.IsZero():
		m.sent = id
		r.note("timestamp", r.sent)
		r.note("timestamp_from", "id")
	case m.sent.At.Sub(id.At).Abs() >= doubtful:
		r.note("timestamp_of_id", id.At.Format(time.RFC3339Nano))
	case m.sent.Precision < id.Precision && m.sent.At.Equal(id.At): // a writer left the zeros out
		m.sent.Precision = id.Precision
	}
}

// refer notes which message this one is about.
func (m *mapping) refer(b *event.Message) {
	r := m.r
	if r.kind == "Reply" && r.ref.message == "" {
		r.note("reply_to", "unknown: the message is gone")
	}
	if !r.hasRef || r.kind == "ChannelPinnedMessage" {
		return
	}
	if r.ref.message == "" {
		r.note("reference_channel", r.ref.channel) // a thread that was begun, a channel that is followed
		return
	}
	channel := event.Channel(r.ref.channel)
	if channel == m.Where.Channel {
		channel = ""
	}
	crossposted := r.kind == "Default" && channel != ""
	if r.forwarded != nil || r.ref.kind == "Forward" || crossposted {
		b.Forward = &event.Forward{Channel: event.Channel(r.ref.channel), NativeID: event.NativeID(r.ref.message)}
		return
	}
	b.ReplyTo = &event.Ref{Channel: channel, NativeID: event.NativeID(r.ref.message)}
}

// forward takes the words of a forwarded message, which stand in a message without any of its own.
func (m *mapping) forward(b *event.Message) {
	f := m.r.forwarded
	if f == nil {
		return
	}
	if b.Forward == nil {
		b.Forward = new(event.Forward)
	}
	b.Forward.Sent = m.clock.stamp(f.sent)
	if b.Forward.Sent.IsZero() {
		b.Forward.Sent = snowflakeTime(string(b.Forward.NativeID))
	}
	m.r.note("forwarded_edited", f.edited)
	if b.Text == "" {
		b.Text = f.content
		return
	}
	m.r.note("forwarded_text", f.content)
}

// remarks keeps what has no place of its own.
func (m *mapping) remarks() {
	r := m.r
	if r.pinned {
		r.note("pinned", "true")
	}
	r.note("interaction", r.interaction)
	r.note("interaction_id", r.interactionID)
	if u := r.interactionUser; u != (user{}) {
		r.note("interaction_user_id", u.id)
		r.note("interaction_user", string(u.person().Name))
	}
	var custom []string
	for _, e := range r.emojis {
		if e.id != "" {
			custom = append(custom, e.sign())
		}
	}
	r.note("custom_emojis", strings.Join(custom, " "))
}

// sign is how an emoji is called: the character itself, or for a guild's own its name and id, since names come again.
func (e *emoji) sign() string {
	name := e.name
	if name == "" {
		name = e.code
	}
	if e.id == "" {
		return name
	}
	return name + ":" + e.id
}

// reactions puts into the batch what the export shows of the message's reactions. It was true when the export began: the
// exporter asks for them later. Where the file does not say when that was, the latest time known of the message is taken.
func (m *mapping) reactions(target event.NativeID) error {
	if len(m.r.reactions) == 0 {
		return nil
	}
	body := m.r.reacted(target)
	key := body
	if m.key != m.r {
		key = m.key.reacted(target)
	}
	at := m.sent
	for _, t := range [...]event.Instant{m.edited, m.exported} {
		if t.Later(at) {
			at = t
		}
	}
	read := event.Reading{}
	if !m.exported.IsZero() {
		read.AsOf = m.exported.At.UnixMilli()
	}
	return m.snapshot(body, key, at, read)
}

func (r *record) reacted(target event.NativeID) *event.Reactions {
	body := &event.Reactions{Target: target, Complete: true}
	for _, x := range r.reactions {
		emoji := x.emoji.sign()
		if emoji == "" {
			emoji = "unknown"
		}
		body.Counts = append(body.Counts, event.ReactionCount{Emoji: emoji, Count: int(x.count)})
		for _, u := range x.users {
			body.People = append(body.People, event.ReactionPerson{Person: u.person(), Emoji: emoji})
		}
		body.Complete = body.Complete && int(x.count) == len(x.users)
	}
	producers.NumberRepeats(body) // those without name and id
	return body
}

// service notes what a message of the network's own reports. The exporter prints those types as numbers that it has no word
// for; what is a number and still somebody's message is the answer to a command.
func (m *mapping) service(b *event.Message) {
	r := m.r
	switch r.kind {
	case "Default", "Reply", "":
		return
	case "20", "23":
		r.note("type", r.kind)
		return
	}
	s := &event.Service{Action: event.ActionOther, Native: r.kind}
	b.Type, b.Service = event.TypeService, s
	switch r.kind {
	case "GuildMemberJoin":
		s.Action = event.ActionJoin
	case "RecipientAdd", "RecipientRemove":
		m.recipient(s)
	case "ChannelPinnedMessage":
		s.Action, s.Target = event.ActionPin, event.NativeID(r.ref.message)
		if c := event.Channel(r.ref.channel); c != m.Where.Channel && c != "" {
			r.note("target_channel", string(c))
		}
	case "Call":
		s.Action = event.ActionCall
	case "ChannelNameChange":
		if name, ok := strings.CutPrefix(r.content, "Changed the channel name: "); ok {
			s.Action, s.Text = event.ActionTitle, name
		}
	}
}

// recipient notes who joined a group or left it. The exporter names them as mentioned.
func (m *mapping) recipient(s *event.Service) {
	own := false
	for _, u := range m.r.mentions {
		s.Members = append(s.Members, u.person())
		own = own || u.id == m.r.author.id
	}
	if own && len(s.Members) == 1 {
		s.Members = nil
	}
	switch {
	case m.r.kind == "RecipientAdd" && own:
		s.Action = event.ActionJoin
	case m.r.kind == "RecipientAdd":
		s.Action = event.ActionInvite
	case own:
		s.Action = event.ActionLeave
	default:
		s.Action = event.ActionKick
	}
}
