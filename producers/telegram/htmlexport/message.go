package htmlexport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// furthestDay is the lowest number that a date between messages has: they count down from -1, and a messenger that is
// some decades old has not more days. The numbers of a migrated group's messages are far below.
const furthestDay = -100_000

// message is a message of a page on its way to becoming an event.
type message struct {
	*session
	decodedMessage
	id   event.NativeID
	ns   event.Namespace
	at   filekit.LocalTime
	body *event.Message
}

var errNoNumber = errors.New("the message has no number")

// message puts a message into the batch, and what the page shows of its reactions.
func (p *session) message(ctx context.Context, s decodedMessage) error {
	root, raw := s.root, s.raw
	id, ok := strings.CutPrefix(root.Attr("id"), "message")
	if !ok || !export.IsNumber(strings.TrimPrefix(id, "-")) {
		return p.unparsed(raw, errNoNumber.Error())
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return p.unparsed(raw, errNoNumber.Error())
	}
	service := root.Is("service")
	if service && n < 0 && n >= furthestDay {
		p.Day, p.Previous = serviceText(root), previous{}
		return nil
	}
	p.Counts.Read++
	s.raw = bytes.Clone(raw)
	m := message{
		session: p, decodedMessage: s, id: event.NativeID(strconv.FormatInt(n, 10)), ns: p.namespace(), body: &event.Message{Type: event.TypeMessage},
	}
	if n < 0 && p.shared() {
		if err := p.migrated(); err != nil {
			return err
		}
		m.ns = p.owner().Private()
		p.Notices.Add(export.MigratedGroup())
	}
	if service {
		return m.service(ctx)
	}
	return m.userMessage(ctx)
}

// migrated is called for each message of the basic group that the chat was before.
func (p *session) migrated() error {
	if p.owner().Private() == "" {
		return export.Nameless(p.File, export.ErrMigrated(p.Chat.Name))
	}
	if p.Chat.Old {
		return nil
	}
	p.Chat.Old = true
	return p.emitChannel(p.owner().Private(), event.Instant{})
}

// service keeps a service message.
func (m *message) service(ctx context.Context) error {
	m.Previous = previous{}
	text := serviceText(m.root)
	s := readSentence(text)
	if s.Text != text {
		m.detail("text", text)
	}
	if to := linked(m.root); s.Native == "pin_message" {
		s.Target = to.NativeID
	}
	if s.Native == "topic_created" {
		m.Chat.AddTopic(string(m.id))
	}
	if photo := m.root.Find("userpic_link"); photo != nil {
		if err := m.file(ctx, event.Attachment{Kind: "photo"}, photo.Attr("href")); err != nil {
			return err
		}
	}
	m.body.Type, m.body.Service = event.TypeService, s
	m.at.Instant = m.days().instant()
	return m.seal(event.Person{})
}

// userMessage makes an event of a message of a person.
func (m *message) userMessage(ctx context.Context) error {
	body := m.root.Child("body")
	if body == nil {
		body = m.root
	}
	title := titleAttr(body.Child("date"))
	m.at, m.Zone = m.readDate(title)
	author := m.author(body)
	if f := forwardedBody(body); f != nil {
		m.forward(f)
		body = f
	} else {
		m.Previous.Forwarded = event.Forward{}
	}
	if err := m.reply(ctx, body.Child("reply_to")); err != nil {
		return err
	}
	if err := m.attach(ctx, body); err != nil {
		return err
	}
	for c := body.First; c != nil; c = c.Next {
		if c.Tag == "div" && c.Is("text") {
			m.text(c)
		}
	}
	if s := body.Child("signature").Words(); s != "" {
		m.detail("author", s)
	}
	m.noteAmbiguity(title)
	results, err := m.pollResults(ctx)
	if err != nil {
		return err
	}
	if err := m.seal(author); err != nil {
		return err
	}
	if results != nil {
		if err := m.emit(*results); err != nil {
			return err
		}
	}
	return m.reactions()
}

// titleAttr is the title of an element; empty if there is none.
func titleAttr(e *markup.Element) string {
	if e == nil {
		return ""
	}
	return e.Attr("title")
}

func (m *message) readDate(title string) (filekit.LocalTime, string) {
	at, zone := readTitle(m.clock, title, m.Chat.Before)
	if zone == "" {
		zone = m.Zone
	}
	return at, zone
}

func (m *message) noteAmbiguity(title string) {
	switch {
	case m.at.Skipped:
		m.detail(producers.DetailSkippedHour, "true")
		m.Notices.Add(producers.SkippedHour(1))
	case strings.Contains(title, " UTC") && m.clock.Zone == nil && !m.at.IsZero():
		m.Notices.Add(export.WinterOffset())
	}
	if !m.at.Other.IsZero() {
		m.detail("sent_or", m.at.Other.Format(time.RFC3339))
	}
	if m.at.IsZero() && title != "" {
		m.detail("date", title)
	}
}

func (m *message) detail(key, value string) {
	if m.body.Details == nil {
		m.body.Details = map[string]string{}
	}
	m.body.Details[key] = value
}

// seal seals the message.
func (m *message) seal(author event.Person) error {
	err := m.emit(event.Event{
		Namespace: m.ns, NativeID: m.id, Author: author, Kind: event.KindMessage, Revision: event.Unedited,
		Sent: m.at.Instant, Reading: event.Reading{Unversioned: true, Charset: m.charset}, Body: m.body, Raw: m.raw,
	})
	if err != nil {
		return err
	}
	if producers.IsByName(m.Chat.Channel) {
		if m.Listed {
			m.Notices.Add(export.ListedByName())
		} else {
			m.Notices.Add(export.ChatByName())
		}
	}
	before := m.Chat.Before
	m.advance(m.id, m.at)
	if m.at.Precision == event.PrecisionDay { // no ground to choose between the two passes of an hour
		m.Chat.Before = before
	}
	return nil
}

// author is who wrote it: of a message that is joined to the one before, the same person.
func (m *message) author(body *markup.Element) event.Person {
	if name := body.Child("from_name"); name != nil {
		m.Previous.From, m.Previous.Via = withoutBot(name.Words("date"))
		m.Previous.FromKey = m.fromKey()
	} else if !m.root.Is("joined") {
		m.Previous.From, m.Previous.FromKey, m.Previous.Via = "", "", ""
	}
	if m.Previous.Via != "" {
		m.detail("via_bot", m.Previous.Via)
	}
	return m.named(m.Previous.From, cmp.Or(m.Previous.FromKey, m.Previous.From))
}

// fromKey is the author's name as ids have it; empty where that is as it is.
func (m *message) fromKey() string {
	if m.key == nil {
		return ""
	}
	body := m.key.Child("body")
	if body == nil {
		body = m.key
	}
	key, _ := withoutBot(body.Child("from_name").Words("date"))
	return key
}

// named is a person of whom only the name is known. The id keeps namesakes of other chats apart, and is shorter than any
// of Telegram's own, so that of two copies of a message JSON's author is kept.
func (p *session) named(name, key string) event.Person {
	if name == "" || name == export.DeletedAccount {
		return event.Person{}
	}
	return event.Person{ID: event.AuthorID("name:" + event.Digest("name", string(p.Chat.Channel), key)[:16]), Name: name}
}

// withoutBot parts a name from the bot that helped to write the message.
func withoutBot(name string) (who, bot string) {
	i := strings.LastIndex(name, " via @")
	if i < 0 || strings.ContainsAny(name[i+len(" via "):], " \t") {
		return name, ""
	}
	return strings.TrimRight(name[:i], " "), name[i+len(" via "):]
}

func forwardedBody(body *markup.Element) *markup.Element {
	for c := body.First; c != nil; c = c.Next {
		if c.Tag != "" && c.Is("forwarded") && c.Is("body") {
			return c
		}
	}
	return nil
}

// forward notes where the message was forwarded from: if the page does not repeat it, from where the one before it was.
func (m *message) forward(f *markup.Element) {
	name := f.Child("from_name")
	if name == nil {
		if from := m.Previous.Forwarded.From; from != (event.Person{}) {
			m.body.Forward = &event.Forward{From: from}
		} else {
			m.body.Forward = &event.Forward{}
		}
		return
	}
	shown, date := datedName(name)
	from, via := withoutBot(shown)
	if via != "" {
		m.detail("via_bot", via)
	}
	if from == export.DeletedAccount {
		from = ""
	}
	m.body.Forward = &event.Forward{From: export.Person("", from, true)}
	if sent, _ := readTitle(m.clock, date, time.Time{}); !sent.IsZero() {
		m.body.Forward.Sent = sent.Instant
	}
	m.Previous.Forwarded = *m.body.Forward
}

// reply notes which message this one answers; of one in another chat the page says only that.
func (m *message) reply(ctx context.Context, e *markup.Element) error {
	if e == nil {
		return nil
	}
	to := linked(e)
	switch {
	case to.NativeID == "":
		m.detail("reply_to", e.Words())
	case to.Channel != "" && to.Channel != m.Chat.Channel:
		if m.ns != export.Source {
			to.Namespace = export.Source
		}
		m.body.ReplyTo = &to
	case m.Chat.IsTopic(string(to.NativeID)):
		m.body.Thread = to.NativeID
		m.threaded()
	default:
		topic := m.Threads[to.NativeID]
		if topic == "" {
			var err error
			if topic, err = m.topicElsewhere(ctx, e, to.NativeID); err != nil {
				return err
			}
		}
		m.body.Thread = topic
		m.threaded()
		if topic == to.NativeID {
			return nil
		}
		m.body.ReplyTo = &event.Ref{NativeID: to.NativeID}
		if n := m.namespaceOf(to.NativeID); n != m.ns && n != "" {
			m.body.ReplyTo.Namespace = n
		}
	}
	return nil
}

// threaded notes in which topic the message is, for those that answer it.
func (m *message) threaded() {
	if m.body.Thread == "" {
		return
	}
	if m.Threads == nil || len(m.Threads) >= maxThreads {
		m.Threads = map[event.NativeID]event.NativeID{}
	}
	m.Threads[m.id] = m.body.Thread
}

// maxThreads bounds the cursor; a page has a thousand messages.
const maxThreads = 4096

// namespaceOf is where the message of a number is numbered.
func (p *session) namespaceOf(id event.NativeID) event.Namespace {
	if p.shared() && strings.HasPrefix(string(id), "-") {
		return p.owner().Private()
	}
	return p.namespace()
}

// linked is the message that an element links to: one of this chat, in this file or another, or one of a channel that the link
// names. Zero if there is none, or if it is in a chat that the link does not name.
func linked(e *markup.Element) event.Ref {
	if e == nil {
		return event.Ref{}
	}
	for c := range e.All() {
		if to := readLink(c.Attr("href")); to.NativeID != "" {
			return to
		}
	}
	return event.Ref{}
}

func readLink(href string) event.Ref {
	file, to, within := strings.Cut(href, "#go_to_message")
	if !within {
		rest, ok := strings.CutPrefix(href, "https://t.me/c/")
		channel, last, both := strings.Cut(rest, "/")
		if !ok || !both || !export.IsNumber(channel) {
			return event.Ref{}
		}
		to = last[strings.LastIndexByte(last, '/')+1:] // of a topic's message, the topic is between
		if i := strings.IndexByte(to, '?'); i >= 0 {
			to = to[:i]
		}
		if !export.IsNumber(to) {
			return event.Ref{}
		}
		return event.Ref{Channel: event.Channel("channel" + channel), NativeID: event.NativeID(to)}
	}
	n, err := strconv.ParseInt(to, 10, 64)
	if err != nil || strings.Contains(file, "/") { // a page of another folder is of another chat
		return event.Ref{}
	}
	return event.Ref{NativeID: event.NativeID(strconv.FormatInt(n, 10))}
}
