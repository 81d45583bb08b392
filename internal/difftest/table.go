package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// genericTable is a table with a mapping beside it.
func genericTable(c *Chat, r *rand.Rand) Layout {
	form := pick(r, []struct {
		layout, goes string
		unit         time.Duration
		local        bool
	}{
		{"rfc3339", "2006-01-02T15:04:05.000Z07:00", time.Millisecond, false},
		{"%Y-%m-%d %H:%M:%S", "2006-01-02 15:04:05", time.Second, true},
		{"%d.%m.%Y %H:%M", "02.01.2006 15:04", time.Minute, true},
		{"%m/%d/%Y %I:%M %p", "01/02/2006 03:04 PM", time.Minute, true},
		{"%Y-%m-%d %H:%M:%S%z", "2006-01-02 15:04:05-0700", time.Second, false},
		{"%d/%m/%y %H:%M:%S", "02/01/06 15:04:05", time.Second, true},
	}...)
	sign, ids, named := pick(r, ",", ";", "\t", "|"), r.IntN(2) == 0, r.IntN(2) == 0
	l := Layout{Source: "csv", Name: fmt.Sprintf("csv %s %q ids=%v", form.layout, sign, ids), Wall: form.local, Unit: form.unit, Charset: true, Replies: ids, Edits: EditsKeyed}
	if ids {
		l.Edits = EditsBare
	}
	l.Write = func(c *Chat, ms []Message) []File {
		mapping := fmt.Sprintf("namespace: forum\nchannel: {value: %s}\nauthor_name: user\ntime: {column: when, layout: %q}\ntext: message\ndelimiter: %q\n", c.Slug, form.layout, sign)
		columns := []string{"user", "when", "message"}
		if ids {
			mapping += "id: no\nreply_to: to\n"
			columns = append([]string{"no", "to"}, columns...)
		}
		var b strings.Builder
		b.WriteString(strings.Join(columns, sign) + "\n")
		for _, m := range ms {
			cells := []string{quote(c.People[m.Who].Name), quote(m.At.In(c.Zone).Format(form.goes)), quote(m.Text)}
			if ids {
				to := ""
				if m.Reply != 0 {
					to = fmt.Sprint(m.Reply)
				}
				cells = append([]string{fmt.Sprint(m.ID), to}, cells...)
			}
			b.WriteString(strings.Join(cells, sign) + "\n")
		}
		name := "mapping.yaml"
		if named {
			name = "talk.csv.map.yaml"
		}
		return []File{{"talk.csv", []byte(b.String())}, {name, []byte(mapping)}}
	}
	return l
}

// jsonReactions is a line that says how many reacted, as of the last of them.
func jsonReactions(c *Chat, m Message, layout string) string {
	counts, at := object{}, time.Time{}
	for _, t := range m.tallies() {
		counts = append(counts, member{t.Emoji, len(t.Of)})
		for _, x := range t.Of {
			if x.At.After(at) {
				at = x.At
			}
		}
	}
	return encode(object{{"kind", "reactions"}, {"channel", c.Slug}, {"target", fmt.Sprint(m.ID)}, {"counts", counts}, {"sent", at.In(c.Zone).Format(layout)}})
}

// jsonLines is the project's own format.
func jsonLines(c *Chat, r *rand.Rand) Layout {
	form := pick(r, []struct {
		goes  string
		unit  time.Duration
		local bool
	}{
		{"2006-01-02T15:04:05.000Z07:00", time.Millisecond, false},
		{"2006-01-02T15:04:05", time.Second, true},
		{"2006-01-02 15:04", time.Minute, true},
	}...)
	ids := r.IntN(2) == 0
	l := Layout{Source: "jsonl", Name: fmt.Sprintf("jsonl %s ids=%v", form.goes, ids), Wall: form.local, Unit: form.unit, Edits: EditsKeyed,
		Services: []string{event.ActionJoin, event.ActionLeave, event.ActionTitle, event.ActionTopic, event.ActionCreate}}
	if ids {
		l.Replies, l.Edits, l.Emoji = true, EditsDated, sameEmoji
	}
	l.Write = func(c *Chat, ms []Message) []File {
		var b strings.Builder
		for _, m := range ms {
			o := object{{"channel", c.Slug}, {"author", c.People[m.Who].Name}, {"text", m.Text}, {"sent", m.At.In(c.Zone).Format(form.goes)}}
			if m.Service != "" {
				o[2] = member{"type", "service"}
				service := object{{"action", m.Service}}
				if m.Text != "" {
					service = append(service, member{"text", m.Text})
				}
				o = append(o, member{"service", service})
			}
			if ids {
				o = append(o, member{"id", fmt.Sprint(m.ID)})
			}
			if m.Reply != 0 {
				o = append(o, member{"reply_to", fmt.Sprint(m.Reply)})
			}
			if ids && !m.Edited.IsZero() {
				o = append(o, member{"edited", m.Edited.In(c.Zone).Format(form.goes)})
			}
			b.WriteString(encode(o) + "\n")
			if len(m.Reactions) > 0 {
				b.WriteString(jsonReactions(c, m, form.goes) + "\n")
			}
		}
		return []File{{"talk.jsonl", []byte(b.String())}}
	}
	return l
}
