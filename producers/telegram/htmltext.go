package telegram

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// text takes a text, and what it shows less of than it holds.
func (m *pageMessage) text(e *element) {
	if m.body.Text != "" {
		m.body.Text += "\n"
	}
	words := e.words()
	m.body.Text += words
	var k marks
	end, before := 0, len(m.body.Links)
	for c := range e.all() {
		if c.tag != "a" {
			continue
		}
		shown, to := c.words(), c.attr("href")
		at := strings.Index(words[end:], shown)
		if at >= 0 {
			at += end
			end = at + len(shown)
		}
		switch {
		case strings.HasPrefix(c.attr("onclick"), "return ShowMentionName"):
			m.body.Mentions = append(m.body.Mentions, person("", shown, true))
		case strings.HasPrefix(shown, "@") && strings.HasSuffix(to, "/"+shown[1:]):
			m.body.Mentions = append(m.body.Mentions, person("", shown, true))
		case isAddress(to) && to != shown:
			m.body.Links = append(m.body.Links, to)
			k.add(to, shown, at)
		case to == shown && to != "":
			m.body.Links = appendBare(m.body.Links, to)
			k.add(to, shown, at)
		}
	}
	if k.touched(words) {
		m.body.Links = append(m.body.Links[:before], k.links...)
		m.detail(event.DetailLinksStated, "true")
	}
}

// isAddress reports whether a link leads out of the page to somewhere that its text may not show.
func isAddress(to string) bool {
	scheme, _, ok := strings.Cut(to, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "mailto", "tel", "javascript":
		return false
	}
	return ok && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == ""
}

// appendBare adds a link that is written without a scheme. Telegram opens it by https.
func appendBare(links []string, to string) []string {
	if !strings.Contains(to, ".") || strings.ContainsAny(to, "@ ") || strings.Contains(to, "://") || isAddress(to) && !hasPort(to) {
		return links
	}
	return append(links, "https://"+to)
}

// hasPort reports whether what stands before the first colon is a host and no scheme.
func hasPort(to string) bool {
	host, rest, ok := strings.Cut(to, ":")
	return ok && strings.Contains(host, ".") && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// datedName parts a name from the date behind it: since 2021 in an element of its own whose title is the whole time, before in one
// without a title, and in the first pages in none.
func datedName(e *element) (name, date string) {
	span := e.child("details")
	if span == nil {
		span = e.child("date")
	}
	if span != nil {
		date = span.title()
		if date == "" {
			date = span.words()
		}
		return e.words("details", "date"), date
	}
	return cutDate(e.words())
}

// cutDate parts a text from the time that it ends with.
func cutDate(s string) (text, date string) {
	end := len(s)
	if i := strings.LastIndex(s, " UTC"); i >= 0 && len(s)-i <= len(" UTC+00:00") {
		end = i
	}
	start := end - len(titled)
	if start < 2 || s[start-1] != ' ' {
		return s, ""
	}
	if at, _ := (clock{}).readTitle(s[start:], time.Time{}); at.IsZero() {
		return s, ""
	}
	return strings.TrimRight(s[:start], " "), s[start:]
}
