package difftest

import (
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// Reaction is one person's.
type Reaction struct {
	Emoji string
	Who   int // of Chat.People
	At    time.Time
	Late  bool // set after the first of two exports
	Gone  bool // taken back after it
}

// histories says what became of the messages. Chance is of its own, so that the messages are those of chats without.
func (g *generator) histories(c *Chat) {
	if g.chance(25) { // nothing happens
		return
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		switch {
		case i > 0 && g.chance(8):
			g.service(m)
			continue
		case g.chance(15):
			if m.Before = g.text(); m.Before == m.Text {
				m.Before = ""
				break
			}
			m.Edited = m.At.Add(time.Duration(1+g.IntN(600)) * time.Second).Truncate(time.Second)
		}
		if i > 0 && g.chance(20) {
			if to := &c.Messages[g.IntN(i)]; to.Service == "" {
				m.Reply = to.ID
			}
		}
		if g.chance(25) {
			g.reactions(c, m)
		}
	}
}

func (g *generator) service(m *Message) {
	m.Text = ""
	switch m.Service = pick(g.Rand, event.ActionJoin, event.ActionLeave, event.ActionTitle, event.ActionTopic, event.ActionCreate); m.Service {
	case event.ActionTitle, event.ActionCreate:
		m.Text = pick(g.Rand, g.titles()...)
	case event.ActionTopic:
		m.Text = pick(g.Rand, "sowing and weeding", "rules: be kind", pick(g.Rand, g.titles()...))
	}
}

// reactions are of some people, each with an emoji once. One stays through all exports: that all of them are taken back no export shows.
func (g *generator) reactions(c *Chat, m *Message) {
	for _, emoji := range []string{"👍", "🎉", "👀"}[:1+g.IntN(3)] {
		for _, who := range g.Perm(len(c.People))[:1+g.IntN(len(c.People))] {
			x := Reaction{Emoji: emoji, Who: who, At: m.At.Add(time.Duration(1+g.IntN(900)) * time.Second).Truncate(time.Second)}
			if len(m.Reactions) > 0 {
				x.Late, x.Gone = g.chance(30), g.chance(15)
				x.Gone = x.Gone && !x.Late
			}
			if x.Late { // after all that the first export shows, also by a clock that was set back
				x.At = x.At.Add(3 * time.Hour)
			}
			m.Reactions = append(m.Reactions, x)
		}
	}
}

func (c *Chat) message(id int) *Message { return &c.Messages[id-1] }

// root is the first message of the thread in which a message answers.
func (c *Chat) root(m *Message) *Message {
	for m.Reply != 0 {
		m = c.message(m.Reply)
	}
	return m
}

// shown is the message as an export shows it: the first of two, or a later one. gone says that the format prints when an export was made, so
// that a reaction can be seen to be gone.
func (m Message) shown(later, gone bool) Message {
	if !later && m.Before != "" {
		m.Text, m.Before, m.Edited = m.Before, "", time.Time{}
	}
	m.Reactions = slices.DeleteFunc(slices.Clone(m.Reactions), func(x Reaction) bool { return x.Late && !later || x.Gone && later && gone })
	return m
}

// tally is one emoji and those who reacted with it.
type tally struct {
	Emoji string
	Of    []Reaction
}

func (m *Message) tallies() (out []tally) {
	for _, x := range m.Reactions {
		i := slices.IndexFunc(out, func(t tally) bool { return t.Emoji == x.Emoji })
		if i < 0 {
			i = len(out)
			out = append(out, tally{Emoji: x.Emoji})
		}
		out[i].Of = append(out[i].Of, x)
	}
	return out
}
