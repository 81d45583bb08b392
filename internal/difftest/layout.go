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
}

// Want is a message that an import must bring.
type Want struct {
	Author, Text string
	At           time.Time
	Other        bool // it is of the export's other chat
}

// Wants are the messages that an export of ms holds, read in a zone; nil: none was named.
func (l *Layout) Wants(c *Chat, ms []Message, zone *time.Location) (out []Want) {
	for i := range ms {
		m := &ms[i]
		w := Want{Author: l.author(c, m), At: l.time(c, m, zone)}
		for _, text := range l.texts(m.Text) {
			w.Text = text
			out = append(out, w)
		}
	}
	return out
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
	if !l.Lines {
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
