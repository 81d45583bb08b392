package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
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

// parts splits a chat into files as the exporter does on request.
func parts(ms []Message, size int) [][]Message {
	if size == 0 || len(ms) <= size {
		return [][]Message{ms}
	}
	var out [][]Message
	for len(ms) > size {
		if withinMinute(ms[size-1:]) { // a file of a minute in which another one ends may be a copy of it, which cannot be decided
			break
		}
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
	zone, size, escaped, named := pick(r, time.UTC, c.Zone), pick(r, 0, 0, 2, 7), r.IntN(2) == 0, r.IntN(2) == 0
	l := Layout{Source: "discord", Name: fmt.Sprintf("discord/json parts=%d", size), Unit: time.Millisecond,
		Replies: true, Edits: EditsDated, Emoji: sameEmoji, Gone: true, Services: []string{event.ActionJoin}}
	l.Write = func(c *Chat, ms []Message) (out []File) {
		all := parts(ms, size)
		number := numbers(len(all))
		for i, part := range all {
			messages := []any{}
			for _, m := range part {
				messages = append(messages, discordMessage(c, m, zone, named))
			}
			data := indented(object{
				{"guild", object{{"id", "600000000000000001"}, {"name", "Guild"}, {"iconUrl", ""}}},
				{"channel", object{{"id", c.discordChannel()}, {"type", "GuildTextChat"}, {"categoryId", "600000000000000002"}, {"category", "Text"}, {"name", c.Slug}, {"topic", nil}}},
				{"dateRange", object{{"after", nil}, {"before", nil}}}, {"exportedAt", c.Exported.Format("2006-01-02T15:04:05.0000000-07:00")},
				{"messages", messages}, {"messageCount", len(part)},
			}, "  ")
			if escaped {
				data = escapedJSON(data)
			}
			out = append(out, File{c.discordName(".json", number(i)), data})
		}
		return out
	}
	return l
}

// escapedJSON writes what is not ASCII as escapes of JSON.
func escapedJSON(data []byte) []byte {
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

// discordMessage writes a message. named says that people are beside reactions.
func discordMessage(c *Chat, m Message, zone *time.Location, named bool) object {
	p, kind, text := c.People[m.Who], "Default", m.Text
	stamp := func(at time.Time) any {
		if at.IsZero() {
			return nil
		}
		return at.In(zone).Format("2006-01-02T15:04:05.999-07:00")
	}
	switch {
	case m.Service == event.ActionJoin:
		kind, text = "GuildMemberJoin", "Joined the server."
	case m.Reply != 0:
		kind = "Reply"
	}
	o := object{
		{"id", snowflake(m.At, m.ID)}, {"type", kind}, {"timestamp", stamp(m.At)}, {"timestampEdited", stamp(m.Edited)},
		{"callEndedTimestamp", nil}, {"isPinned", false}, {"content", text},
		{"author", object{{"id", c.discordUser(m.Who)}, {"name", p.Name}, {"discriminator", "0000"}, {"nickname", p.Name}, {"color", nil}, {"isBot", false}, {"roles", []any{}}, {"avatarUrl", ""}}},
		{"attachments", []any{}}, {"embeds", []any{}}, {"stickers", []any{}}, {"reactions", discordReactions(c, m, named)}, {"mentions", []any{}},
	}
	if m.Reply != 0 {
		to := c.message(m.Reply)
		o = append(o, member{"reference", object{{"messageId", snowflake(to.At, to.ID)}, {"channelId", c.discordChannel()}, {"guildId", "600000000000000001"}}})
	}
	return append(o, member{"inlineEmojis", []any{}})
}

func discordReactions(c *Chat, m Message, named bool) []any {
	out := []any{}
	for _, t := range m.tallies() {
		o := object{{"emoji", object{{"id", ""}, {"name", t.Emoji}, {"code", "code"}, {"isAnimated", false}, {"imageUrl", ""}}}, {"count", len(t.Of)}}
		if named {
			users := []any{}
			for _, x := range t.Of {
				p := c.People[x.Who]
				users = append(users, object{{"id", c.discordUser(x.Who)}, {"name", p.Name}, {"discriminator", "0000"}, {"nickname", p.Name}, {"isBot", false}, {"avatarUrl", ""}})
			}
			o = append(o, member{"users", users})
		}
		out = append(out, o)
	}
	return out
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func discordCSV(c *Chat, r *rand.Rand) Layout {
	// Parts of two messages would often lie within a minute: whether equal ones of it are the same cannot be decided.
	old, size, zone := r.IntN(3) == 0, pick(r, 0, 0, 7, 20), pick(r, time.UTC, c.Zone)
	l := Layout{Source: "discord", Name: fmt.Sprintf("discord/csv old=%v parts=%d", old, size), Unit: time.Millisecond, Charset: true, Edits: EditsKeyed}
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
