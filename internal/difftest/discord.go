package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

func (c *Chat) discordChannel() string { return fmt.Sprint(700_000_000_000_000_000 + c.ID*1000) }

func (c *Chat) discordUser(who int) string {
	return fmt.Sprint(300_000_000_000_000_000 + c.People[who].ID*1000)
}

// discordName is a file's name as the exporter makes it: what a file system cannot hold is replaced.
func (c *Chat) discordName(ext string, part int) string {
	name := fmt.Sprintf("Guild - Text - %s [%s]", c.Slug, c.discordChannel())
	if part > 0 {
		name += fmt.Sprintf(" [part %d]", part)
	}
	return name + ext
}

// parts parts messages as the exporter does where it is told to.
func parts(ms []Message, size int) [][]Message {
	if size == 0 || len(ms) <= size {
		return [][]Message{ms}
	}
	var out [][]Message
	for len(ms) > size {
		out, ms = append(out, ms[:size]), ms[size:]
	}
	return append(out, ms)
}

func numbers(n int) func(i int) int {
	return func(i int) int {
		if n == 1 {
			return 0
		}
		return i + 1
	}
}

func discordJSON(c *Chat, r *rand.Rand) Layout {
	zone, size, escaped := pick(r, time.UTC, c.Zone), pick(r, 0, 0, 2, 7), r.IntN(2) == 0
	l := Layout{Source: "discord", Name: fmt.Sprintf("discord/json parts=%d", size), Unit: time.Millisecond}
	l.Write = func(c *Chat, ms []Message) (out []File) {
		all := parts(ms, size)
		number := numbers(len(all))
		for i, part := range all {
			messages := []any{}
			for _, m := range part {
				messages = append(messages, discordMessage(c, m, zone))
			}
			data := indented(object{
				{"guild", object{{"id", "600000000000000001"}, {"name", "Guild"}, {"iconUrl", ""}}},
				{"channel", object{{"id", c.discordChannel()}, {"type", "GuildTextChat"}, {"categoryId", "600000000000000002"}, {"category", "Text"}, {"name", c.Slug}, {"topic", nil}}},
				{"dateRange", object{{"after", nil}, {"before", nil}}}, {"exportedAt", "2026-01-02T03:04:05.1234567+00:00"},
				{"messages", messages}, {"messageCount", len(part)},
			}, "  ")
			if escaped {
				data = ascii(data)
			}
			out = append(out, File{c.discordName(".json", number(i)), data})
		}
		return out
	}
	return l
}

// ascii writes what is not ASCII as escapes of JSON.
func ascii(data []byte) []byte {
	var b strings.Builder
	for _, r := range string(data) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return []byte(b.String())
}

func discordMessage(c *Chat, m Message, zone *time.Location) object {
	p := c.People[m.Who]
	return object{
		{"id", snowflake(m.At, m.ID)}, {"type", "Default"}, {"timestamp", m.At.In(zone).Format("2006-01-02T15:04:05.999-07:00")}, {"timestampEdited", nil},
		{"callEndedTimestamp", nil}, {"isPinned", false}, {"content", m.Text},
		{"author", object{{"id", c.discordUser(m.Who)}, {"name", p.Name}, {"discriminator", "0000"}, {"nickname", p.Name}, {"color", nil}, {"isBot", false}, {"roles", []any{}}, {"avatarUrl", ""}}},
		{"attachments", []any{}}, {"embeds", []any{}}, {"stickers", []any{}}, {"reactions", []any{}}, {"mentions", []any{}}, {"inlineEmojis", []any{}},
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func discordCSV(c *Chat, r *rand.Rand) Layout {
	// Parts of two messages would often lie within a minute: whether equal ones of it are the same nobody can tell.
	old, size, zone := r.IntN(3) == 0, pick(r, 0, 0, 7, 20), pick(r, time.UTC, c.Zone)
	l := Layout{Source: "discord", Name: fmt.Sprintf("discord/csv old=%v parts=%d", old, size), Unit: time.Millisecond, Charset: true}
	if old {
		l.Wall, l.Unit, l.Parted = true, time.Minute, size > 0
	}
	l.Write = func(c *Chat, ms []Message) (out []File) {
		all := parts(ms, size)
		number := numbers(len(all))
		for i, part := range all {
			var b strings.Builder
			if old {
				b.WriteString("AuthorID;Author;Date;Content;Attachments;Reactions;\n")
			} else {
				b.WriteString("AuthorID,Author,Date,Content,Attachments,Reactions\r\n")
			}
			for _, m := range part {
				id, name := c.discordUser(m.Who), c.People[m.Who].Name
				if old {
					fmt.Fprintf(&b, "%s;%s;%s;%s;\"\";\"\";\n", quote(id), quote(name+"#0001"), quote(m.At.In(c.Zone).Format("02-Jan-06 03:04 PM")), quote(m.Text))
				} else {
					fmt.Fprintf(&b, "%s,%s,%s,%s,\"\",\"\"\r\n", quote(id), quote(name), quote(m.At.In(zone).Format("2006-01-02T15:04:05.0000000-07:00")), quote(m.Text))
				}
			}
			out = append(out, File{c.discordName(".csv", number(i)), []byte(b.String())})
		}
		return out
	}
	return l
}
