package difftest

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// object is JSON whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(encode(m.name) + ":" + encode(m.value))
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// encode writes JSON as most programs do: without escapes for HTML.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // only values that encode are passed
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// indented writes JSON with a step a level.
func indented(v any, step string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", step)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return []byte(b.String())
}

func telegramJSON(c *Chat, r *rand.Rand) Layout {
	old, account := r.IntN(3) == 0, r.IntN(4) == 0
	kind := pick(r, "private_supergroup", "public_supergroup", "private_group", "personal_chat", "public_channel")
	bare := old && r.IntN(2) == 0 // numbers in place of ids with a type
	rich := r.IntN(2) == 0
	l := Layout{Source: "telegram", Name: fmt.Sprintf("telegram/json old=%v account=%v %s", old, account, kind), Wall: old, Unit: time.Second,
		Replies: true, Edits: EditsDated, Services: telegramServices()}
	if !old {
		l.Emoji = sameEmoji
	}
	l.Options.Account = "me"
	l.Write = func(c *Chat, ms []Message) []File {
		messages := []any{}
		for _, m := range ms {
			messages = append(messages, telegramMessage(c, m, telegramForm{old, bare, rich, kind != "public_channel"}))
		}
		chat := object{{"name", c.Name}, {"type", kind}, {"id", c.ID}, {"messages", messages}}
		if !account {
			return []File{{"ChatExport/result.json", indented(chat, " ")}}
		}
		return []File{{"DataExport/result.json", indented(object{
			{"about", "Here is the data you requested."}, {"chats", object{{"about", "This page lists all chats."}, {"list", []any{chat}}}},
		}, " ")}}
	}
	return l
}

func sameEmoji(emoji string) string { return emoji }

func telegramServices() []string {
	return []string{event.ActionJoin, event.ActionLeave, event.ActionTitle, event.ActionCreate}
}

// telegramForm is how an exporter writes messages: its version, ids without a type, texts in parts, and people beside reactions.
type telegramForm struct{ old, bare, rich, people bool }

func (f telegramForm) person(p Person, name, id string) object {
	o := object{{name, p.Name}}
	if f.bare {
		return append(o, member{id, p.ID})
	}
	return append(o, member{id, fmt.Sprintf("user%d", p.ID)})
}

func (f telegramForm) time(c *Chat, at time.Time, name string) object {
	o := object{{name, at.In(c.Zone).Format("2006-01-02T15:04:05")}}
	if !f.old {
		o = append(o, member{name + "_unixtime", fmt.Sprint(at.Unix())})
	}
	return o
}

// service is what the network says.
func (f telegramForm) service(c *Chat, m Message) object {
	p := c.People[m.Who]
	o := append(object{{"id", m.ID + 10}, {"type", "service"}}, f.time(c, m.At, "date")...)
	o = append(o, f.person(p, "actor", "actor_id")...)
	switch m.Service {
	case event.ActionJoin:
		o = append(o, member{"action", "join_group_by_link"}, member{"inviter", "Group"})
	case event.ActionLeave:
		o = append(o, member{"action", "remove_members"}, member{"members", []any{p.Name}})
	case event.ActionTitle:
		o = append(o, member{"action", "edit_group_title"}, member{"title", m.Text})
	case event.ActionCreate:
		o = append(o, member{"action", "create_group"}, member{"title", m.Text}, member{"members", []any{p.Name}})
	}
	if o = append(o, member{"text", ""}); !f.old {
		o = append(o, member{"text_entities", []any{}})
	}
	return o
}

// reactions are the counts, and those people whom the exporter knows.
func (f telegramForm) reactions(c *Chat, m Message) []any {
	var out []any
	for _, t := range m.tallies() {
		o := object{{"type", "emoji"}, {"count", len(t.Of)}, {"emoji", t.Emoji}}
		if f.people {
			recent := []any{}
			for _, x := range t.Of {
				recent = append(recent, append(f.person(c.People[x.Who], "from", "from_id"), member{"date", x.At.In(c.Zone).Format("2006-01-02T15:04:05")}))
			}
			o = append(o, member{"recent", recent})
		}
		out = append(out, o)
	}
	return out
}

func telegramMessage(c *Chat, m Message, f telegramForm) object {
	if m.Service != "" {
		return f.service(c, m)
	}
	o := append(object{{"id", m.ID + 10}, {"type", "message"}}, f.time(c, m.At, "date")...)
	if !m.Edited.IsZero() {
		o = append(o, f.time(c, m.Edited, "edited")...)
	}
	o = append(o, f.person(c.People[m.Who], "from", "from_id")...)
	if m.Reply != 0 {
		o = append(o, member{"reply_to_message_id", m.Reply + 10})
	}
	text, entities := telegramText(m.Text, f.rich)
	if o = append(o, member{"text", text}); !f.old {
		o = append(o, member{"text_entities", entities})
	}
	if len(m.Reactions) > 0 {
		o = append(o, member{"reactions", f.reactions(c, m)})
	}
	return o
}

// telegramText parts a text at its first link or space, where parts are marked.
func telegramText(s string, rich bool) (text any, entities []any) {
	kind, begin, end := "bold", strings.Index(s, " "), len(s)
	if i := strings.Index(s, "http"); i >= 0 {
		kind, begin = "link", i
		if n := strings.IndexAny(s[i:], " \n"); n >= 0 {
			end = i + n
		}
	}
	if !rich || begin < 0 {
		return s, []any{object{{"type", "plain"}, {"text", s}}}
	}
	marked := object{{"type", kind}, {"text", s[begin:end]}}
	var parts []any
	for i, part := range []string{s[:begin], "", s[end:]} {
		switch {
		case i == 1:
			parts, entities = append(parts, marked), append(entities, marked)
		case part != "":
			parts, entities = append(parts, part), append(entities, object{{"type", "plain"}, {"text", part}})
		}
	}
	return parts, entities
}

// telegramHTML is pages of one chat.
func telegramHTML(c *Chat, r *rand.Rand) Layout {
	zoned, size := r.IntN(2) == 0, pick(r, 3, 10, 1000)
	l := Layout{Source: "telegram", Name: fmt.Sprintf("telegram/html zoned=%v", zoned), Wall: true, Unit: time.Second, Binary: true,
		Replies: true, Edits: EditsBare, Services: telegramServices(), Untimed: true}
	if zoned {
		l.Emoji = sameEmoji
	}
	l.Options.Account = "me"
	if r.IntN(2) == 0 {
		l.Options.Account, l.Options.Channel = "", event.Channel(fmt.Sprintf("channel%d", c.ID))
		l.Name += " channel"
	}
	if zoned {
		l.Time = func(c *Chat, m *Message, zone *time.Location) time.Time {
			local := m.At.In(c.Zone)
			if zone != nil {
				return l.at(c, m.At, zone)
			}
			_, shift := local.Zone()
			return m.At.Truncate(time.Second).Add(time.Duration(shift)*time.Second - winter(local))
		}
	}
	l.Write = func(c *Chat, ms []Message) (out []File) {
		on := map[int]string{}
		for i := range ms {
			on[ms[i].ID] = telegramPageName(i / size)
		}
		for page := 0; page*size < len(ms); page++ {
			out = append(out, File{"ChatExport/" + telegramPageName(page), telegramPage(c, ms[page*size:min(len(ms), (page+1)*size)], zoned, on)})
		}
		return out
	}
	return l
}

func telegramPageName(n int) string {
	if n == 0 {
		return "messages.html"
	}
	return fmt.Sprintf("messages%d.html", n+1)
}

// telegramPage writes a page. on is the page of each message of the export.
func telegramPage(c *Chat, ms []Message, zoned bool, on map[int]string) []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html>\n\n <head>\n\n  <meta charset=\"utf-8\"/>\n<title>Exported Data</title>\n\n </head>\n\n <body>\n\n" +
		"  <div class=\"page_wrap\">\n\n   <div class=\"page_header\">\n\n    <div class=\"content\">\n\n     <div class=\"text bold\">\n" +
		html.EscapeString(c.Name) + " \n     </div>\n\n    </div>\n\n   </div>\n\n   <div class=\"page_body chat_page\">\n\n    <div class=\"history\">\n\n")
	for i, m := range ms {
		at := m.At.In(c.Zone)
		begins := i == 0 || ms[i-1].At.In(c.Zone).Format(time.DateOnly) != at.Format(time.DateOnly)
		if begins {
			fmt.Fprintf(&b, "     <div class=\"message service\" id=\"message-%d\">\n\n      <div class=\"body details\">\n%s\n      </div>\n\n     </div>\n\n",
				i+1, at.Format("2 January 2006"))
		}
		if m.Service != "" {
			b.WriteString(telegramServiceDiv(c, m))
			continue
		}
		joined := !begins && ms[i-1].Service == "" && ms[i-1].Who == m.Who && at.Sub(ms[i-1].At) < 10*time.Minute
		b.WriteString(telegramDiv(c, m, joined, titleOf(at, zoned), on))
	}
	b.WriteString("    </div>\n\n   </div>\n\n  </div>\n\n </body>\n\n</html>\n")
	return []byte(b.String())
}

// titleOf is a time as a page prints it. The distance from UTC that newer pages print is that of winter, also in summer.
func titleOf(at time.Time, zoned bool) string {
	s := at.Format("02.01.2006 15:04:05")
	if !zoned {
		return s
	}
	return s + " UTC" + time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", int(winter(at).Seconds()))).Format("-07:00")
}

// winter is how far a zone's clock is from UTC without summer time.
func winter(at time.Time) time.Duration {
	_, january := time.Date(at.Year(), 1, 1, 0, 0, 0, 0, at.Location()).Zone()
	_, july := time.Date(at.Year(), 7, 1, 0, 0, 0, 0, at.Location()).Zone()
	return time.Duration(min(january, july)) * time.Second
}

func telegramServiceDiv(c *Chat, m Message) string {
	name := c.People[m.Who].Name
	text := map[string]string{
		event.ActionJoin:   name + " joined group by link from Group",
		event.ActionLeave:  name + " removed " + name,
		event.ActionTitle:  name + " changed group title to «" + m.Text + "»",
		event.ActionCreate: name + " created group «" + m.Text + "»",
	}[m.Service]
	return fmt.Sprintf("     <div class=\"message service\" id=\"message%d\">\n\n      <div class=\"body details\">\n%s\n      </div>\n\n     </div>\n\n", m.ID+10, html.EscapeString(text))
}

func telegramReply(m Message, on map[int]string) string {
	if m.Reply == 0 {
		return ""
	}
	page := on[m.Reply]
	if page == on[m.ID] {
		page = ""
	}
	return fmt.Sprintf("       <div class=\"reply_to details\">\nIn reply to <a href=\"%s#go_to_message%d\" onclick=\"return GoToMessage(%d)\">this message</a>\n       </div>\n\n",
		page, m.Reply+10, m.Reply+10)
}

func telegramReactions(m Message) string {
	if len(m.Reactions) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("       <span class=\"reactions\">\n\n")
	for _, t := range m.tallies() {
		fmt.Fprintf(&b, "        <span class=\"reaction\">\n\n         <span class=\"emoji\">\n%s\n         </span>\n\n         <span class=\"count\">\n%d\n         </span>\n\n        </span>\n\n",
			t.Emoji, len(t.Of))
	}
	return b.String() + "       </span>\n\n"
}

func telegramDiv(c *Chat, m Message, joined bool, title string, on map[int]string) string {
	class, name := "message default clearfix", "       <div class=\"from_name\">\n"+html.EscapeString(c.People[m.Who].Name)+" \n       </div>\n\n"
	if joined {
		class, name = class+" joined", ""
	}
	text := strings.ReplaceAll(html.EscapeString(m.Text), "\n", "<br>")
	return fmt.Sprintf("     <div class=\"%s\" id=\"message%d\">\n\n      <div class=\"body\">\n\n       <div class=\"pull_right date details\" title=\"%s\">\n%s\n"+
		"       </div>\n\n%s%s       <div class=\"text\">\n%s\n       </div>\n\n%s      </div>\n\n     </div>\n\n",
		class, m.ID+10, title, title[11:16], name, telegramReply(m, on), text, telegramReactions(m))
}
