package telegram

import (
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// reactions puts into the batch what the page shows of the message's reactions, which newer exports do. The people in it
// have no ids, so that nobody counts twice where JSON tells of them too.
func (m *pageMessage) reactions() error {
	list := m.root.find("reactions")
	if list == nil {
		return nil
	}
	r, at, parts := m.readReactions(list)
	if len(r.Counts) == 0 {
		return nil
	}
	if m.key != nil {
		if list := m.key.find("reactions"); list != nil {
			_, _, parts = m.readReactions(list)
		}
	}
	producers.NumberRepeats(r) // custom emoji without a link have no name
	return m.emit(event.Event{
		Namespace: m.ns, NativeID: m.id, Kind: event.KindReactions, Sent: at.Instant, Reading: event.Reading{Charset: m.charset}, Body: r,
		Revision: at.revision() + "." + event.Revision(event.Digest(parts...)),
	})
}

// readReactions returns what a list shows, the latest time in it, and what tells it from others of the message.
func (m *pageMessage) readReactions(list *element) (r *event.Reactions, at latest, parts []string) {
	r, parts = &event.Reactions{Target: m.id}, []string{"page reactions"}
	at.add(m.at)
	for e := list.first; e != nil; e = e.next {
		if e.tag == "" || !e.is("reaction") {
			continue
		}
		emoji := reactionEmoji(e)
		people := m.reactors(e, emoji, &at)
		count := number(e.child("count").words())
		if count == 0 {
			count = len(people)
		}
		for _, p := range people {
			parts = append(parts, emoji, p.Person.Name)
		}
		r.People = append(r.People, people...)
		r.Counts = append(r.Counts, event.ReactionCount{Emoji: emoji, Count: count})
		parts = append(parts, emoji, strconv.Itoa(count))
	}
	return r, at, parts
}

func reactionEmoji(e *element) string {
	emoji := e.child("emoji")
	switch text := emoji.words(); {
	case e.is("paid"):
		return "paid"
	case text != "":
		return text
	case emoji != nil:
		for c := range emoji.all() {
			if href := c.attr("href"); href != "" {
				return "custom:" + href
			}
		}
	}
	return "unknown"
}

// reactors are those whose picture stands beside a reaction: the name, and when, are what it tells of itself.
func (m *pageMessage) reactors(e *element, emoji string, latest *latest) (out []event.ReactionPerson) {
	list := e.child("userpics")
	if list == nil {
		return nil
	}
	for c := range list.all() {
		title := c.attr("title")
		if c.tag == "" || title == "" {
			continue
		}
		p := event.ReactionPerson{Emoji: emoji}
		name := title
		if i := strings.LastIndex(title, ", "); i >= 0 {
			if at, _ := m.clock.readTitle(title[i+2:], m.at.At); !at.IsZero() {
				name, p.Sent = title[:i], at.Instant
				latest.add(at)
			}
		}
		p.Person = person("", strings.TrimSpace(name), true)
		out = append(out, p)
	}
	return out
}
