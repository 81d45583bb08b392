package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

func (c *Chat) slackUser(who int) string { return fmt.Sprintf("U%09d", c.People[who].ID) }

// slackText is a text as Slack stores it.
func slackText(s string) string {
	fields := strings.SplitAfter(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s), " ")
	for i, f := range fields {
		if url := strings.TrimRight(f, " "); strings.HasPrefix(url, "http") && !strings.ContainsAny(url, "\n") {
			fields[i] = "<" + url + ">" + f[len(url):]
		}
	}
	return strings.Join(fields, "")
}

func slackExport(c *Chat, r *rand.Rand) Layout {
	escaped, listed, escapedSlash := r.IntN(2) == 0, r.IntN(4) > 0, r.IntN(2) == 0
	l := Layout{Source: "slack", Name: fmt.Sprintf("slack users=%v", listed), Unit: time.Microsecond,
		Replies: true, Threaded: true, Edits: EditsDated, Emoji: slackEmoji,
		Services: []string{event.ActionJoin, event.ActionLeave, event.ActionTopic, event.ActionTitle}}
	l.Time = func(_ *Chat, m *Message, _ *time.Location) time.Time {
		return m.At.Add(time.Duration(m.ID) * time.Microsecond)
	}
	if !listed {
		l.Author = func(c *Chat, p Person) string { return fmt.Sprintf("U%09d", p.ID) }
	}
	l.Write = func(c *Chat, ms []Message) (out []File) {
		put := func(path string, v any) {
			data := indented(v, "    ")
			if escapedSlash {
				data = []byte(strings.ReplaceAll(string(data), "/", `\/`))
			}
			if escaped {
				data = escapedJSON(data)
			}
			out = append(out, File{path, data})
		}
		if listed {
			put("users.json", c.slackUsers())
		}
		members := []any{}
		for i := range c.People {
			members = append(members, c.slackUser(i))
		}
		put("channels.json", []any{object{
			{"id", c.slackChannel()}, {"name", c.slackFolder()}, {"created", 1_300_000_000}, {"creator", c.slackUser(0)}, {"is_archived", false}, {"is_general", false},
			{"members", members}, {"topic", object{{"value", ""}, {"creator", ""}, {"last_set", 0}}}, {"purpose", object{{"value", ""}, {"creator", ""}, {"last_set", 0}}},
		}})
		days, of := byDay(ms, time.UTC)
		for _, day := range days {
			messages := []any{}
			for _, m := range of[day] {
				messages = append(messages, slackMessage(c, m, ms))
			}
			put(c.slackFolder()+"/"+day.Format(time.DateOnly)+".json", messages)
		}
		return out
	}
	return l
}

func slackEmoji(emoji string) string {
	return map[string]string{"👍": "+1", "🎉": "tada", "👀": "eyes"}[emoji]
}

func slackMessage(c *Chat, m Message, ms []Message) object {
	if m.Service != "" {
		return slackService(c, m)
	}
	o := object{{"client_msg_id", fmt.Sprintf("%08x-0000-4000-8000-%012x", m.ID, c.ID)}, {"type", "message"}, {"text", slackText(m.Text)},
		{"user", c.slackUser(m.Who)}, {"ts", slackTS(m)}}
	if m.ID%3 != 0 {
		o = append(o, member{"team", "T0000000A1"})
	}
	if !m.Edited.IsZero() {
		o = append(o, member{"edited", object{{"user", c.slackUser(m.Who)}, {"ts", fmt.Sprintf("%d.000000", m.Edited.Unix())}}})
	}
	var replies []any
	for i := range ms {
		if to := c.root(&ms[i]); to.ID == m.ID && ms[i].ID != m.ID {
			replies = append(replies, object{{"user", c.slackUser(ms[i].Who)}, {"ts", slackTS(ms[i])}})
		}
	}
	if to := c.root(&m); m.Reply != 0 {
		o = append(o, member{"thread_ts", slackTS(*to)}, member{"parent_user_id", c.slackUser(to.Who)})
	} else if len(replies) > 0 {
		o = append(o, member{"thread_ts", slackTS(m)}, member{"reply_count", len(replies)}, member{"replies", replies})
	}
	var reactions []any
	for _, t := range m.tallies() {
		users := []any{}
		for _, x := range t.Of {
			users = append(users, c.slackUser(x.Who))
		}
		reactions = append(reactions, object{{"name", slackEmoji(t.Emoji)}, {"users", users}, {"count", len(users)}})
	}
	if len(reactions) > 0 {
		o = append(o, member{"reactions", reactions})
	}
	return o
}

func slackService(c *Chat, m Message) object {
	user := c.slackUser(m.Who)
	o := object{{"type", "message"}, {"ts", slackTS(m)}, {"user", user}}
	switch m.Service {
	case event.ActionJoin:
		return append(o, member{"subtype", "channel_join"}, member{"text", "<@" + user + "> has joined the channel"})
	case event.ActionLeave:
		return append(o, member{"subtype", "channel_leave"}, member{"text", "<@" + user + "> has left the channel"})
	case event.ActionTopic:
		return append(o, member{"subtype", "channel_topic"}, member{"topic", slackText(m.Text)}, member{"text", "<@" + user + "> set the channel topic: " + slackText(m.Text)})
	}
	return append(o, member{"subtype", "channel_name"}, member{"old_name", "old"}, member{"name", m.Text}, member{"text", "<@" + user + "> has renamed the channel from \"old\" to \"" + m.Text + "\""})
}

func (c *Chat) slackChannel() string { return fmt.Sprintf("C%09d", c.ID%1_000_000_000) }

func (c *Chat) slackFolder() string {
	if c.Alphabet == Cyrillic {
		return "поле-" + fmt.Sprint(c.Seed%1000)
	}
	return c.Slug
}

// slackTS has the message's number in its microseconds: no two of a channel have one stamp.
func slackTS(m Message) string {
	return fmt.Sprintf("%d.%03d%03d", m.At.Unix(), m.At.Nanosecond()/1_000_000, m.ID)
}

func (c *Chat) slackUsers() []any {
	var out []any
	for i, p := range c.People {
		out = append(out, object{
			{"id", c.slackUser(i)}, {"team_id", "T0000000A1"}, {"name", p.Nick}, {"deleted", false}, {"real_name", p.Name},
			{"profile", object{{"title", ""}, {"real_name", p.Name}, {"display_name", p.Name}}}, {"is_bot", false}, {"updated", 1_500_000_000},
		})
	}
	return out
}
