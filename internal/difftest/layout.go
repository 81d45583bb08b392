package difftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// File is a file of an export; its path is below the export's folder.
type File struct {
	Path string
	Data []byte
}

// Layout is one way to write a chat.
type Layout struct {
	Source event.Source
	Name   string
	Write  func(c *Chat, ms []Message) []File
	// Options are those without which the source cannot know whose or which chat it is.
	Options producers.Options

	Order   producers.DateOrder                                      // of printed dates that could be either way round
	Parted  bool                                                     // in files that meet within a minute
	Wall    bool                                                     // times are those of a clock on the wall, without a zone
	Unit    time.Duration                                            // to which times are printed
	Lines   bool                                                     // a message is one line: a text of several becomes several messages
	Author  func(c *Chat, p Person) string                           // as it is shown; nil: by name
	Time    func(c *Chat, m *Message, zone *time.Location) time.Time // nil: of Wall and Unit
	Binary  bool                                                     // encodings would break it
	Charset bool                                                     // a single-byte charset is something that programs of this format wrote

	// What the format carries.
	Replies  bool
	Threaded bool // a reply names the first message of its thread
	Edits    Edits
	Emoji    func(string) string // as the format calls it; nil: it carries no reactions
	Gone     bool                // it prints when the export was made, so that a removed reaction shows
	Services []string            // actions
	Untimed  bool                // those have neither time nor author
	Greeting bool                // the chat begins with a notice
}

// Edits is what a format shows of edits.
type Edits int

// What it may show.
const (
	EditsNone  Edits = iota // texts do not change
	EditsKeyed              // another text, by which messages are known: it becomes another message
	EditsBare               // another text under the same id, and no time
	EditsDated              // and the time
)

// carried are the messages without what the format does not carry.
func (l *Layout) carried(ms []Message) (out []Message) {
	for _, m := range ms {
		if m.Service != "" && !slices.Contains(l.Services, m.Service) {
			continue
		}
		if !l.Replies {
			m.Reply = 0
		}
		if l.Edits == EditsNone {
			m.Before, m.Edited = "", time.Time{}
		}
		if l.Emoji == nil {
			m.Reactions = nil
		}
		out = append(out, m)
	}
	return out
}

// Want is a message that an import must bring.
type Want struct {
	Author, Text string
	At           time.Time
	Other        bool   // it is of the export's other chat
	Was          string // its text before it was edited
	Service      string
	Rest         string // what it refers to, and what became of it
}

// Wants are the messages that an export of ms holds, read in a zone; nil: none was named.
func (l *Layout) Wants(c *Chat, ms []Message, zone *time.Location) (out []Want) {
	for i := range ms {
		m := &ms[i]
		w := Want{Author: l.author(c, m), At: l.time(c, m, zone), Was: m.Before, Service: m.Service, Rest: l.rest(c, ms, m)}
		if m.Service != "" && l.Untimed {
			w.Author, w.At = "", time.Time{}
		}
		if l.Greeting && m.ID == 1 {
			out = append(out, Want{At: w.At, Service: event.ActionNotice})
		}
		for _, text := range l.texts(m.Text) {
			w.Text = text
			out = append(out, w)
		}
	}
	return out
}

// rest says what a message refers to, and what became of it.
func (l *Layout) rest(c *Chat, ms []Message, m *Message) string {
	var r rest
	if m.Service != "" {
		return ""
	}
	if m.Reply != 0 {
		to := m.Reply
		if l.Threaded {
			to = c.root(m).ID
		}
		r.answers(ms[slices.IndexFunc(ms, func(o Message) bool { return o.ID == to })].Text)
	}
	if l.Edits == EditsDated && !l.Wall && !m.Edited.IsZero() {
		r.edited(m.Edited)
	}
	if m.Versions > 1 {
		r.versions(m.Versions)
	}
	for _, t := range m.tallies() {
		r.reacted(l.Emoji(t.Emoji), len(t.Of))
	}
	return r.String()
}

// rest is printed in the same words for what was written and for what was read.
type rest []string

func (r *rest) answers(text string)         { *r = append(*r, fmt.Sprintf("answers %q", text)) }
func (r *rest) edited(at time.Time)         { *r = append(*r, "edited "+at.UTC().Format(time.RFC3339Nano)) }
func (r *rest) versions(n int)              { *r = append(*r, fmt.Sprintf("%d versions", n)) }
func (r *rest) reacted(emoji string, n int) { *r = append(*r, fmt.Sprintf("%s %d", emoji, n)) }

// String joins it, in one order.
func (r rest) String() string {
	slices.Sort(r)
	return strings.Join(r, ", ")
}

func (l *Layout) author(c *Chat, m *Message) string {
	p := c.People[m.Who]
	if l.Author == nil {
		return p.Name
	}
	return l.Author(c, p)
}

func (l *Layout) time(c *Chat, m *Message, zone *time.Location) time.Time {
	if l.Time == nil {
		return l.at(c, m.At, zone)
	}
	return l.Time(c, m, zone)
}

func (l *Layout) at(c *Chat, at time.Time, zone *time.Location) time.Time {
	if !l.Wall {
		return at.Truncate(l.Unit)
	}
	local := at.In(c.Zone)
	if zone != nil && zone.String() == c.Zone.String() {
		return local.Add(-excess(local, l.Unit)).UTC()
	}
	if zone == nil {
		zone = time.UTC
	}
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), zone)
	return wall.Add(-excess(wall, l.Unit)).UTC()
}

// excess is what a clock that prints units leaves out.
func excess(local time.Time, unit time.Duration) time.Duration {
	if unit >= time.Minute {
		return time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	}
	return time.Duration(local.Nanosecond()) % unit
}

func (l *Layout) texts(s string) []string {
	if !l.Lines || s == "" {
		return []string{s}
	}
	return slices.DeleteFunc(strings.Split(s, "\n"), func(line string) bool { return line == "" })
}

// Layouts makes one layout of each kind of export, as chance has it, for a chat.
func Layouts(c *Chat, r *rand.Rand) []Layout {
	return []Layout{
		whatsAppLayout(c, r), telegramJSON(c, r), telegramHTML(c, r), discordJSON(c, r), discordCSV(c, r), slackExport(c, r),
		ircLog(c, r), ircDays(c, r), genericTable(c, r), jsonLines(c, r),
	}
}

// snowflake is an id of Discord.
func snowflake(at time.Time, low int) string {
	return fmt.Sprint((at.UnixMilli()-1_420_070_400_000)<<22 | int64(low))
}

// byDay parts messages by the day that a clock in the zone shows.
func byDay(ms []Message, zone *time.Location) (days []time.Time, of map[time.Time][]Message) {
	of = map[time.Time][]Message{}
	for _, m := range ms {
		y, mo, d := m.At.In(zone).Date()
		day := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
		if len(of[day]) == 0 {
			days = append(days, day)
		}
		of[day] = append(of[day], m)
	}
	return days, of
}
