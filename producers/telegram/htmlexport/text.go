package htmlexport

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// text takes a text, and what it shows less of than it holds.
func (m *message) text(e *markup.Element) {
	if m.body.Text != "" {
		m.body.Text += "\n"
	}
	words := e.Words()
	m.body.Text += words
	var k export.MarkedLinks
	end, before := 0, len(m.body.Links)
	for c := range e.All() {
		if c.Tag != "a" {
			continue
		}
		shown, to := c.Words(), c.Attr("href")
		at := strings.Index(words[end:], shown)
		if at >= 0 {
			at += end
			end = at + len(shown)
		}
		switch {
		case strings.HasPrefix(c.Attr("onclick"), "return ShowMentionName"):
			m.body.Mentions = append(m.body.Mentions, export.Person("", shown, true))
		case strings.HasPrefix(shown, "@") && strings.HasSuffix(to, "/"+shown[1:]):
			m.body.Mentions = append(m.body.Mentions, export.Person("", shown, true))
		case export.IsAddress(to) && to != shown:
			m.body.Links = append(m.body.Links, to)
			k.Add(to, shown, at)
		case to == shown && to != "":
			m.body.Links = export.AppendBare(m.body.Links, to)
			k.Add(to, shown, at)
		}
	}
	if k.Touched(words) {
		m.body.Links = append(m.body.Links[:before], k.Links...)
		m.detail(event.DetailLinksStated, "true")
	}
}

// datedName parts a name from the date behind it: since 2021 in an element of its own whose title is the whole time, before in one
// without a title, and in the first pages in none.
func datedName(e *markup.Element) (name, date string) {
	span := e.Child("details")
	if span == nil {
		span = e.Child("date")
	}
	if span != nil {
		date = titleAttr(span)
		if date == "" {
			date = span.Words()
		}
		return e.Words("details", "date"), date
	}
	return cutDate(e.Words())
}

// cutDate parts a text from the time that it ends with.
func cutDate(s string) (text, date string) {
	end := len(s)
	if i := strings.LastIndex(s, " UTC"); i >= 0 && len(s)-i <= len(" UTC+00:00") {
		end = i
	}
	start := end - len(titleLayout)
	if start < 2 || s[start-1] != ' ' {
		return s, ""
	}
	if at, _ := readTitle(export.Clock{}, s[start:], time.Time{}); at.IsZero() {
		return s, ""
	}
	return strings.TrimRight(s[:start], " "), s[start:]
}
