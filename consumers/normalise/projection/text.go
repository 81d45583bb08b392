package projection

import (
	"regexp"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// linkPattern finds links by their scheme, or by www.
var linkPattern = regexp.MustCompile(`(?i)\b(?:https?|ftp|ircs?|tg|magnet|mailto)://[^\s<>"]+|\bwww\.[^\s<>"]+`)

// hashtagPattern finds words after a # that is not inside a word or a link; at least one letter, so that "#1" is a
// number.
var hashtagPattern = regexp.MustCompile(`(?:^|[^\pL\pN_&/#])#([\pL\pN_]*\pL[\pL\pN_]*)`)

// references returns what a message points at: what its network marked, and what its text shows. Each list is in order of
// first appearance, without duplicates.
func references(m *event.Message) (links, hashtags, mentions []string) {
	links = slices.Clone(m.Links)
	if strings.Contains(m.Text, "://") || strings.Contains(m.Text, "www.") {
		found := findLinks(m.Text)
		if m.Details[event.DetailLinksStated] != "" {
			found = slices.DeleteFunc(found, func(l string) bool { return overruns(m.Links, l) })
		}
		links = append(links, found...)
	}
	links = slices.DeleteFunc(links, func(l string) bool { return leadsNowhere(l) || hasScheme(links, l) })
	for _, h := range m.Hashtags {
		hashtags = append(hashtags, strings.TrimPrefix(h, "#"))
	}
	if strings.Contains(m.Text, "#") {
		hashtags = append(hashtags, findAll(hashtagPattern, m.Text)...)
	}
	for _, p := range m.Mentions {
		mentions = append(mentions, mentionName(p))
	}
	return distinct(links), distinct(hashtags), distinct(mentions)
}

func mentionName(p event.Person) string {
	if p.Name != "" {
		return strings.TrimPrefix(p.Name, "@")
	}
	return string(p.ID)
}

// linkEnd is what ends a sentence rather than a link.
const linkEnd = `.,;:!?'"»)]}>`

func findLinks(text string) []string {
	found := linkPattern.FindAllString(text, -1)
	for i, l := range found {
		trimmed := strings.TrimRight(l, linkEnd)
		if strings.Count(trimmed, "(") > strings.Count(trimmed, ")") && strings.HasPrefix(l[len(trimmed):], ")") {
			trimmed += ")" // the bracket belongs to the link, as in many an encyclopedia's
		}
		found[i] = trimmed
	}
	return found
}

// overruns reports whether a link that was found is a stated one and the text behind that.
func overruns(stated []string, found string) bool {
	return slices.ContainsFunc(stated, func(l string) bool {
		return l != "" && !leadsNowhere(l) && (strings.HasPrefix(found, l) || strings.HasPrefix("https://"+found, l))
	})
}

// leadsNowhere reports whether a link is a scheme and no more.
func leadsNowhere(link string) bool {
	_, rest, ok := strings.Cut(link, "://")
	return ok && strings.Trim(rest, "/") == ""
}

// hasScheme reports whether a link without a scheme is among the links with one.
func hasScheme(links []string, bare string) bool {
	return !strings.Contains(bare, "://") && (slices.Contains(links, "https://"+bare) || slices.Contains(links, "http://"+bare))
}

func findAll(re *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func distinct(in []string) []string {
	if len(in) < 2 {
		return in
	}
	seen := make(map[string]struct{}, len(in))
	return slices.DeleteFunc(in, func(s string) bool {
		_, again := seen[s]
		seen[s] = struct{}{}
		return again || s == ""
	})
}
