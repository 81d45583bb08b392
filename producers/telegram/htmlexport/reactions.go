package htmlexport

import (
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// reactions puts into the batch what the page shows of the message's reactions, which newer exports do. The people in it
// have no ids, so that nobody counts twice where JSON has them too.
func (m *message) reactions() error {
	list := m.root.Find("reactions")
	if list == nil {
		return nil
	}
	r, at, parts := m.readReactions(list)
	if len(r.Counts) == 0 {
		return nil
	}
	if m.key != nil {
		if list := m.key.Find("reactions"); list != nil {
			_, _, parts = m.readReactions(list)
		}
	}
	producers.NumberRepeats(r) // custom emoji without a link have no name
	return m.emit(event.Event{
		Namespace: m.ns, NativeID: m.id, Kind: event.KindReactions, Sent: at.Instant, Reading: event.Reading{Charset: m.charset}, Body: r,
		Revision: at.Revision() + "." + event.Revision(event.Digest(parts...)),
	})
}

// readReactions returns what a list shows, the latest time in it, and what distinguishes it from others of the message.
func (m *message) readReactions(list *markup.Element) (r *event.Reactions, at export.Latest, parts []string) {
	r, parts = &event.Reactions{Target: m.id}, []string{"page reactions"}
	at.Add(m.at)
	for e := list.First; e != nil; e = e.Next {
		if e.Tag == "" || !e.Is("reaction") {
			continue
		}
		emoji := reactionEmoji(e)
		people := m.reactors(e, emoji, &at)
		count := number(e.Child("count").Words())
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

func reactionEmoji(e *markup.Element) string {
	emoji := e.Child("emoji")
	switch text := emoji.Words(); {
	case e.Is("paid"):
		return "paid"
	case text != "":
		return text
	case emoji != nil:
		for c := range emoji.All() {
			if href := c.Attr("href"); href != "" {
				return "custom:" + href
			}
		}
	}
	return "unknown"
}

// reactors are those whose picture is beside a reaction: its title is the name, and when.
func (m *message) reactors(e *markup.Element, emoji string, latest *export.Latest) (out []event.ReactionPerson) {
	list := e.Child("userpics")
	if list == nil {
		return nil
	}
	for c := range list.All() {
		title := c.Attr("title")
		if c.Tag == "" || title == "" {
			continue
		}
		p := event.ReactionPerson{Emoji: emoji}
		name := title
		if i := strings.LastIndex(title, ", "); i >= 0 {
			if at, _ := readTitle(m.clock, title[i+2:], m.at.At); !at.IsZero() {
				name, p.Sent = title[:i], at.Instant
				latest.Add(at)
			}
		}
		p.Person = export.Person("", strings.TrimSpace(name), true)
		out = append(out, p)
	}
	return out
}
