package difftest

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

func nickOf(_ *Chat, p Person) string { return p.Nick }

// client is how a client or bouncer writes the lines of a log.
type client struct {
	name     string
	unit     time.Duration
	local    bool
	open     func(t time.Time) string // before the first line; nil: nothing
	day      func(t time.Time) string // where a day begins; nil: nothing
	line     func(t time.Time, nick, text string) string
	services ircService
	utc      bool
	files    []string // paths of a single log; %c is the channel, %n the network
}

// ircService is how a client prints that somebody came, went or set the topic.
type ircService struct{ clock, join, leave, topic string } // %n is the nick, %c the channel, %t the topic

func (s ircService) line(c *Chat, m Message, at time.Time) string {
	line := map[string]string{event.ActionJoin: s.join, event.ActionLeave: s.leave, event.ActionTopic: s.topic}[m.Service]
	return at.Format(s.clock) + strings.NewReplacer("%n", c.People[m.Who].Nick, "%c", c.Slug, "%t", m.Text).Replace(line)
}

func (s ircService) carries() []string {
	switch {
	case s.join == "":
		return nil
	case s.topic == "":
		return []string{event.ActionJoin, event.ActionLeave}
	}
	return []string{event.ActionJoin, event.ActionLeave, event.ActionTopic}
}

func clients() []client {
	long := func(t time.Time) string { return t.Format("Mon Jan 02 15:04:05 2006") }
	bracket := func(clock string) func(t time.Time, nick, text string) string {
		return func(t time.Time, nick, text string) string { return t.Format(clock) + " <" + nick + "> " + text }
	}
	return []client{
		{name: "irssi", unit: time.Minute, local: true,
			open: func(t time.Time) string { return "--- Log opened " + long(t) },
			day:  func(t time.Time) string { return "--- Day changed " + t.Format("Mon Jan 02 2006") },
			line: func(t time.Time, nick, text string) string {
				return t.Format("15:04") + " <" + []string{" ", "@", "+"}[len(nick)%3] + nick + "> " + text
			},
			services: ircService{"15:04 ", "-!- %n [~u@host.example] has joined #%c", "-!- %n [~u@host.example] has left #%c [bye]",
				"-!- %n changed the topic of #%c to: %t"},
			files: []string{"irclogs/%n/#%c.log", "moved/irclogs/%n/#%c.log"},
		},
		{name: "weechat", unit: time.Second, local: true,
			line: func(t time.Time, nick, text string) string {
				return t.Format("2006-01-02 15:04:05") + "\t@" + nick + "\t" + text
			},
			services: ircService{"2006-01-02 15:04:05\t", "-->\t%n (~u@host.example) has joined #%c", "<--\t%n (~u@host.example) has left #%c (bye)",
				"--\t%n has changed topic for #%c to \"%t\""},
			files: []string{"irc.%n.#%c.weechatlog", "logs/irc.%n.#%c.weechatlog"},
		},
		{name: "weechat-utc", unit: time.Millisecond, utc: true,
			line: func(t time.Time, nick, text string) string {
				return t.Format("2006-01-02T15:04:05.000Z") + "\t" + nick + "\t" + text
			},
			files: []string{"irc.%n.#%c.weechatlog"},
		},
		{name: "mirc", unit: time.Second, local: true,
			open: func(t time.Time) string { return "Session Start: " + long(t) + "\nSession Ident: #channel" },
			day:  func(t time.Time) string { return "Session Time: " + t.Format("Mon Jan 02 15:04:05 2006") },
			line: bracket("[15:04:05]"),
			// "* nick changes topic to" may as well be an action: the two cannot be distinguished.
			services: ircService{"[15:04:05] ", "* %n (~u@host.example) has joined #%c", "* %n (~u@host.example) has left #%c", ""},
			files:    []string{"#%c.log", "%n/#%c.log"},
		},
		{name: "eggdrop", unit: time.Minute, local: true,
			open: func(t time.Time) string { return t.Format("[15:04]") + " --- " + t.Format("Mon Jan _2 2006") },
			day:  func(t time.Time) string { return "[00:00] --- " + t.Format("Mon Jan _2 2006") },
			line: bracket("[15:04]"),
			services: ircService{"[15:04] ", "%n (~u@host.example) joined #%c.", "%n (~u@host.example) left #%c.",
				"Topic changed on #%c by %n!~u@host.example: %t"},
			files: []string{"#%c.log", "logs/%c.log"},
		},
		{name: "znc", unit: time.Second, local: true, line: bracket("[15:04:05]"),
			services: ircService{"[15:04:05] ", "*** Joins: %n (~u@host.example)", "*** Parts: %n (~u@host.example) (bye)",
				"*** %n changes topic to '%t'"}},
		{name: "energymech", unit: time.Second, local: true, line: bracket("[15:04:05]"),
			services: ircService{"[15:04:05] ", "*** %n (~u@host.example) has joined #%c", "*** %n (~u@host.example) has left #%c",
				"*** %n changes topic to '%t'"}},
		{name: "ubuntu", unit: time.Minute, local: true, line: bracket("[15:04]"),
			services: ircService{"[15:04] ", "=== %n [~u@host.example] has joined #%c", "=== %n [~u@host.example] has left #%c []",
				"=== %n changed the topic of #%c to: %t"}},
	}
}

func (cl *client) layout(name string) Layout {
	return Layout{Source: "irc", Name: "irc/" + name, Wall: cl.local, Unit: cl.unit, Lines: true, Author: nickOf, Charset: true, Services: cl.services.carries()}
}

func (cl *client) body(c *Chat, ms []Message, zone *time.Location, headers bool) []byte {
	var b strings.Builder
	day := ""
	for i, m := range ms {
		at := m.At.In(zone)
		switch now := at.Format(time.DateOnly); {
		case i == 0 && headers && cl.open != nil:
			b.WriteString(cl.open(at) + "\n")
			day = now
		case now != day && headers && cl.day != nil:
			b.WriteString(cl.day(time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)) + "\n")
			day = now
		}
		if m.Service != "" {
			b.WriteString(cl.services.line(c, m, at) + "\n")
			continue
		}
		for line := range strings.SplitSeq(m.Text, "\n") {
			if line != "" {
				b.WriteString(cl.line(at, c.People[m.Who].Nick, line) + "\n")
			}
		}
	}
	return []byte(b.String())
}

func pathOf(pattern string, c *Chat, day time.Time) string {
	return day.Format(strings.NewReplacer("%c", "\x01", "%n", "\x02").Replace(pattern))
}

func expandPath(path string, c *Chat) string {
	return strings.NewReplacer("\x01", c.Slug, "\x02", "agronet").Replace(path)
}

// ircLog is a channel in one file.
func ircLog(c *Chat, r *rand.Rand) Layout {
	all := clients()
	cl := pick(r, all[:5]...)
	file := pick(r, cl.files...)
	l := cl.layout(cl.name + " " + file)
	l.Write = func(c *Chat, ms []Message) []File {
		zone := c.Zone
		if cl.utc {
			zone = time.UTC
		}
		return []File{{strings.NewReplacer("%c", c.Slug, "%n", "agronet").Replace(file), cl.body(c, ms, zone, true)}}
	}
	return l
}

// ircDays is a channel in a file a day. Folders are by network, channel, year and month, as loggers make them.
func ircDays(c *Chat, r *rand.Rand) Layout {
	all := clients()
	way := pick(r, []struct {
		client int
		path   string // of package time, and as above
		open   bool
	}{
		{5, "networks/%n/moddata/log/#%c/2006-01-02.log", false},
		{5, "moddata/log/%n/#%c/2006-01-02.log", false},
		{5, "%n/#%c/2006-01-02.log", false},
		{5, "#%c/2006-01-02.log", false},
		{5, "%n_#%c_20060102.log", false},
		{5, "#%c_20060102.log", false},
		{6, "%c_20060102.log", false},
		{6, "#%c.20060102.log", false},
		{4, "%c.log.20060102", true},
		{7, "%n/2006/01/02/#%c.txt", false},
		{7, "%n/#%c/2006-01-02.txt", false},
		{7, "#%c/2006/2006-01-02", false},
		{7, "#%c/2006/2006-01-02.log", false},
		{7, "%c/2006/01/02.txt", false},
		{0, "irclogs/2006/%n/#%c.01-02.log", true},
		{0, "irclogs/%n/#%c.2006-01-02.log", true},
		{0, "irclogs/%n/2006/#%c.01-02.log", true},
		{3, "#%c.20060102.log", true},
		{1, "irc/%n/#%c/2006-01-02.weechatlog", false},
		{1, "2006/irc.%n.#%c.01-02.weechatlog", false},
	}...)
	cl := all[way.client]
	l := cl.layout(cl.name + " " + way.path)
	l.Write = func(c *Chat, ms []Message) (out []File) {
		days, of := byDay(ms, c.Zone)
		for _, day := range days {
			out = append(out, File{expandPath(pathOf(way.path, c, day), c), cl.body(c, of[day], c.Zone, way.open)})
		}
		return out
	}
	return l
}
