package telegram

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
)

// deleted is what the exporter calls everybody whose account is no more.
const deleted = "Deleted Account"

// furthestDay is the lowest number that a date between messages has: they count down from -1, and a messenger that is
// some decades old has not more days. The numbers of a migrated group's messages are far below.
const furthestDay = -100_000

// pageMessage is a message of a page on its way to becoming an event.
type pageMessage struct {
	*page
	shown
	id   event.NativeID
	ns   event.Namespace
	at   moment
	body *event.Message
}

var errNoNumber = errors.New("the message has no number")

// message puts a message into the batch, and what the page shows of its reactions.
func (p *page) message(ctx context.Context, s shown) error {
	root, raw := s.root, s.raw
	id, ok := strings.CutPrefix(root.attr("id"), "message")
	if !ok || !isNumber(strings.TrimPrefix(id, "-")) {
		return p.broken(raw, errNoNumber.Error())
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return p.broken(raw, errNoNumber.Error())
	}
	service := root.is("service")
	if service && n < 0 && n >= furthestDay {
		p.Day, p.Said = serviceText(root), speakers{}
		return nil
	}
	p.counts.Read++
	s.raw = bytes.Clone(raw)
	m := pageMessage{
		page: p, shown: s, id: event.NativeID(strconv.FormatInt(n, 10)), ns: p.namespace(), body: &event.Message{Type: event.TypeMessage},
	}
	if n < 0 && p.shared() {
		if err := p.migrated(); err != nil {
			return err
		}
		m.ns = p.private()
		p.notices.add(migratedGroup())
	}
	if service {
		return m.service(ctx)
	}
	return m.ordinary(ctx)
}

// migrated is called for each message of the basic group that the chat was before.
func (p *page) migrated() error {
	if p.private() == "" {
		return nameless(p.file, errMigrated(p.Chat.Name))
	}
	if p.Chat.Old {
		return nil
	}
	p.Chat.Old = true
	return p.announce(p.private(), event.Instant{})
}

// service keeps what the network said.
func (m *pageMessage) service(ctx context.Context) error {
	m.Said = speakers{}
	said := serviceText(m.root)
	s := readSentence(said)
	if s.Text != said {
		m.detail("text", said)
	}
	if to := linked(m.root); s.Native == "pin_message" {
		s.Target = to.NativeID
	}
	if s.Native == "topic_created" {
		m.Chat.addTopic(string(m.id))
	}
	if photo := m.root.find("userpic_link"); photo != nil {
		if err := m.file(ctx, event.Attachment{Kind: "photo"}, photo.attr("href")); err != nil {
			return err
		}
	}
	m.body.Type, m.body.Service = event.TypeService, s
	m.at.Instant = m.day()
	return m.done(event.Person{})
}

// ordinary makes an event of what somebody said.
func (m *pageMessage) ordinary(ctx context.Context) error {
	body := m.root.child("body")
	if body == nil {
		body = m.root
	}
	title := body.child("date").title()
	m.at, m.Zone = m.readDate(title)
	author := m.author(body)
	if f := forwardedBody(body); f != nil {
		m.forward(f)
		body = f
	} else {
		m.Said.Forwarded = event.Forward{}
	}
	if err := m.reply(ctx, body.child("reply_to")); err != nil {
		return err
	}
	if err := m.attach(ctx, body); err != nil {
		return err
	}
	for c := body.first; c != nil; c = c.next {
		if c.tag == "div" && c.is("text") {
			m.text(c)
		}
	}
	if s := body.child("signature").words(); s != "" {
		m.detail("author", s)
	}
	m.doubts(title)
	results, err := m.pollResults(ctx)
	if err != nil {
		return err
	}
	if err := m.done(author); err != nil {
		return err
	}
	if results != nil {
		if err := m.emit(*results); err != nil {
			return err
		}
	}
	return m.reactions()
}

func (e *element) title() string {
	if e == nil {
		return ""
	}
	return e.attr("title")
}

func (m *pageMessage) readDate(title string) (moment, string) {
	at, zone := m.clock.readTitle(title, m.Chat.Before)
	if zone == "" {
		zone = m.Zone
	}
	return at, zone
}

func (m *pageMessage) doubts(title string) {
	switch {
	case m.at.skipped:
		m.detail(producers.DetailSkippedHour, "true")
		m.notices.add(producers.SkippedHour(1))
	case strings.Contains(title, " UTC") && m.clock.zone == nil && !m.at.IsZero():
		m.notices.add(winterOffset())
	}
	if !m.at.other.IsZero() {
		m.detail("sent_or", m.at.other.Format(time.RFC3339))
	}
	if m.at.IsZero() && title != "" {
		m.detail("date", title)
	}
}

func (m *pageMessage) detail(key, value string) {
	if m.body.Details == nil {
		m.body.Details = map[string]string{}
	}
	m.body.Details[key] = value
}

// done seals the message.
func (m *pageMessage) done(author event.Person) error {
	err := m.emit(event.Event{
		Namespace: m.ns, NativeID: m.id, Author: author, Kind: event.KindMessage, Revision: event.Unedited,
		Sent: m.at.Instant, Reading: event.Reading{Unversioned: true, Charset: m.charset}, Body: m.body, Raw: m.raw,
	})
	if err != nil {
		return err
	}
	if producers.IsByName(m.Chat.Channel) {
		if m.Listed {
			m.notices.add(listedByName())
		} else {
			m.notices.add(chatByName())
		}
	}
	before := m.Chat.Before
	m.met(m.id, m.at)
	if m.at.Precision == event.PrecisionDay { // no ground to choose between the two passes of an hour
		m.Chat.Before = before
	}
	return nil
}

// author is who said it: of a message that is joined to the one before, the same person.
func (m *pageMessage) author(body *element) event.Person {
	if name := body.child("from_name"); name != nil {
		m.Said.From, m.Said.Via = withoutBot(name.words("date"))
		m.Said.FromKey = m.fromKey()
	} else if !m.root.is("joined") {
		m.Said.From, m.Said.FromKey, m.Said.Via = "", "", ""
	}
	if m.Said.Via != "" {
		m.detail("via_bot", m.Said.Via)
	}
	return m.named(m.Said.From, cmp.Or(m.Said.FromKey, m.Said.From))
}

// fromKey is the author's name as ids have it; empty where that is as it is.
func (m *pageMessage) fromKey() string {
	if m.key == nil {
		return ""
	}
	body := m.key.child("body")
	if body == nil {
		body = m.key
	}
	key, _ := withoutBot(body.child("from_name").words("date"))
	return key
}

// named is a person of whom only the name is known. The id keeps namesakes of other chats apart, and is shorter than any
// of Telegram's own, so that where JSON told the same message it is that author who stays.
func (p *page) named(name, key string) event.Person {
	if name == "" || name == deleted {
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

func forwardedBody(body *element) *element {
	for c := body.first; c != nil; c = c.next {
		if c.tag != "" && c.is("forwarded") && c.is("body") {
			return c
		}
	}
	return nil
}

// forward notes where the message was forwarded from: if it is not said, from where the one before it was.
func (m *pageMessage) forward(f *element) {
	name := f.child("from_name")
	if name == nil {
		if from := m.Said.Forwarded.From; from != (event.Person{}) {
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
	if from == deleted {
		from = ""
	}
	m.body.Forward = &event.Forward{From: person("", from, true)}
	if sent, _ := m.clock.readTitle(date, time.Time{}); !sent.IsZero() {
		m.body.Forward.Sent = sent.Instant
	}
	m.Said.Forwarded = *m.body.Forward
}

// reply notes which message this one answers; of one in another chat the page says only that.
func (m *pageMessage) reply(ctx context.Context, e *element) error {
	if e == nil {
		return nil
	}
	to := linked(e)
	switch {
	case to.NativeID == "":
		m.detail("reply_to", e.words())
	case to.Channel != "" && to.Channel != m.Chat.Channel:
		if m.ns != sourceName {
			to.Namespace = sourceName
		}
		m.body.ReplyTo = &to
	case m.Chat.isTopic(string(to.NativeID)):
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

// threaded notes in which topic the message stands, for those that answer it.
func (m *pageMessage) threaded() {
	if m.body.Thread == "" {
		return
	}
	if m.Threads == nil || len(m.Threads) >= pageThreads {
		m.Threads = map[event.NativeID]event.NativeID{}
	}
	m.Threads[m.id] = m.body.Thread
}

// pageThreads bounds the cursor; a page has a thousand messages.
const pageThreads = 4096

// namespaceOf is where the message of a number is numbered.
func (p *page) namespaceOf(id event.NativeID) event.Namespace {
	if p.shared() && strings.HasPrefix(string(id), "-") {
		return p.private()
	}
	return p.namespace()
}

// linked is the message that an element links to: one of this chat, in this file or another, or one of a channel that the link
// names. Zero if there is none, or if it is in a chat that the link does not name.
func linked(e *element) event.Ref {
	if e == nil {
		return event.Ref{}
	}
	for c := range e.all() {
		if to := readLink(c.attr("href")); to.NativeID != "" {
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
		if !ok || !both || !isNumber(channel) {
			return event.Ref{}
		}
		to = last[strings.LastIndexByte(last, '/')+1:] // of a topic's message, the topic stands between
		if i := strings.IndexByte(to, '?'); i >= 0 {
			to = to[:i]
		}
		if !isNumber(to) {
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
