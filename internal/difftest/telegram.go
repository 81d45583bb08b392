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
	l := Layout{Source: "telegram", Name: fmt.Sprintf("telegram/json old=%v account=%v %s", old, account, kind), Wall: old, Unit: time.Second}
	l.Options.Account = "me"
	l.Write = func(c *Chat, ms []Message) []File {
		messages := []any{}
		for _, m := range ms {
			messages = append(messages, telegramMessage(c, m, old, bare, rich))
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

func telegramMessage(c *Chat, m Message, old, bare, rich bool) object {
	p := c.People[m.Who]
	o := object{{"id", m.ID + 10}, {"type", "message"}, {"date", m.At.In(c.Zone).Format("2006-01-02T15:04:05")}}
	if !old {
		o = append(o, member{"date_unixtime", fmt.Sprint(m.At.Unix())})
	}
	o = append(o, member{"from", p.Name})
	if bare {
		o = append(o, member{"from_id", p.ID})
	} else {
		o = append(o, member{"from_id", fmt.Sprintf("user%d", p.ID)})
	}
	text, entities := telegramText(m.Text, rich)
	o = append(o, member{"text", text})
	if !old {
		o = append(o, member{"text_entities", entities})
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
	l := Layout{Source: "telegram", Name: fmt.Sprintf("telegram/html zoned=%v", zoned), Wall: true, Unit: time.Second, Binary: true}
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
		for page := 0; page*size < len(ms); page++ {
			name := "messages.html"
			if page > 0 {
				name = fmt.Sprintf("messages%d.html", page+1)
			}
			out = append(out, File{"ChatExport/" + name, telegramPage(c, ms[page*size:min(len(ms), (page+1)*size)], zoned)})
		}
		return out
	}
	return l
}

func telegramPage(c *Chat, ms []Message, zoned bool) []byte {
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
		joined := !begins && ms[i-1].Who == m.Who && at.Sub(ms[i-1].At) < 10*time.Minute
		b.WriteString(telegramDiv(c, m, joined, titleOf(at, zoned)))
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

// winter is how far a zone's clock stands from UTC without summer time.
func winter(at time.Time) time.Duration {
	_, january := time.Date(at.Year(), 1, 1, 0, 0, 0, 0, at.Location()).Zone()
	_, july := time.Date(at.Year(), 7, 1, 0, 0, 0, 0, at.Location()).Zone()
	return time.Duration(min(january, july)) * time.Second
}

func telegramDiv(c *Chat, m Message, joined bool, title string) string {
	class, name := "message default clearfix", "       <div class=\"from_name\">\n"+html.EscapeString(c.People[m.Who].Name)+" \n       </div>\n\n"
	if joined {
		class, name = class+" joined", ""
	}
	text := strings.ReplaceAll(html.EscapeString(m.Text), "\n", "<br>")
	return fmt.Sprintf("     <div class=\"%s\" id=\"message%d\">\n\n      <div class=\"body\">\n\n       <div class=\"pull_right date details\" title=\"%s\">\n%s\n"+
		"       </div>\n\n%s       <div class=\"text\">\n%s\n       </div>\n\n      </div>\n\n     </div>\n\n", class, m.ID+10, title, title[11:16], name, text)
}
