package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// genericTable is a table with a mapping beside it.
func genericTable(c *Chat, r *rand.Rand) Layout {
	form := pick(r, []struct {
		layout, goes string
		unit         time.Duration
		wall         bool
	}{
		{"rfc3339", "2006-01-02T15:04:05.000Z07:00", time.Millisecond, false},
		{"%Y-%m-%d %H:%M:%S", "2006-01-02 15:04:05", time.Second, true},
		{"%d.%m.%Y %H:%M", "02.01.2006 15:04", time.Minute, true},
		{"%m/%d/%Y %I:%M %p", "01/02/2006 03:04 PM", time.Minute, true},
		{"%Y-%m-%d %H:%M:%S%z", "2006-01-02 15:04:05-0700", time.Second, false},
		{"%d/%m/%y %H:%M:%S", "02/01/06 15:04:05", time.Second, true},
	}...)
	sign, ids, named := pick(r, ",", ";", "\t", "|"), r.IntN(2) == 0, r.IntN(2) == 0
	l := Layout{Source: "csv", Name: fmt.Sprintf("csv %s %q ids=%v", form.layout, sign, ids), Wall: form.wall, Unit: form.unit, Charset: true}
	l.Write = func(c *Chat, ms []Message) []File {
		mapping := fmt.Sprintf("namespace: forum\nchannel: {value: %s}\nauthor_name: user\ntime: {column: when, layout: %q}\ntext: message\ndelimiter: %q\n", c.Slug, form.layout, sign)
		columns := []string{"user", "when", "message"}
		if ids {
			mapping += "id: no\n"
			columns = append([]string{"no"}, columns...)
		}
		var b strings.Builder
		b.WriteString(strings.Join(columns, sign) + "\n")
		for _, m := range ms {
			cells := []string{quote(c.People[m.Who].Name), quote(m.At.In(c.Zone).Format(form.goes)), quote(m.Text)}
			if ids {
				cells = append([]string{fmt.Sprint(m.ID)}, cells...)
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

// jsonLines is the project's own format.
func jsonLines(c *Chat, r *rand.Rand) Layout {
	form := pick(r, []struct {
		goes string
		unit time.Duration
		wall bool
	}{
		{"2006-01-02T15:04:05.000Z07:00", time.Millisecond, false},
		{"2006-01-02T15:04:05", time.Second, true},
		{"2006-01-02 15:04", time.Minute, true},
	}...)
	ids := r.IntN(2) == 0
	l := Layout{Source: "jsonl", Name: fmt.Sprintf("jsonl %s ids=%v", form.goes, ids), Wall: form.wall, Unit: form.unit}
	l.Write = func(c *Chat, ms []Message) []File {
		var b strings.Builder
		for _, m := range ms {
			o := object{{"channel", c.Slug}, {"author", c.People[m.Who].Name}, {"text", m.Text}, {"sent", m.At.In(c.Zone).Format(form.goes)}}
			if ids {
				o = append(o, member{"id", fmt.Sprint(m.ID)})
			}
			b.WriteString(encode(o) + "\n")
		}
		return []File{{"talk.jsonl", []byte(b.String())}}
	}
	return l
}
