package slack

import (
	"slices"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// said is a text as people see it.
type said struct {
	text     string
	mentions []event.Person
	links    []string // that the text does not show
}

// read turns Slack's marked text into what is shown: what stands in pointed brackets into its label or name, and three escapes
// into what they stand for. Asterisks and the like stay, because they may be what the author meant.
func (w *workspace) read(text string) (s said) {
	if !strings.ContainsAny(text, "<&") {
		return said{text: text}
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		out.WriteString(unescape(before))
		if !found {
			s.text = out.String()
			return s
		}
		end := strings.IndexAny(rest, "<>\n")
		if end < 0 || rest[end] != '>' || end == 0 {
			out.WriteByte('<') // a bracket that closes nowhere
			text = rest
			continue
		}
		out.WriteString(w.mark(rest[:end], &s))
		text = rest[end+1:]
	}
}

func unescape(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// mark returns what is shown in place of brackets.
func (w *workspace) mark(inner string, s *said) string {
	target, label, _ := strings.Cut(inner, "|")
	label = unescape(label)
	switch target[:min(1, len(target))] {
	case "@":
		return "@" + strings.TrimPrefix(w.mention(target[1:], label, s), "@")
	case "#":
		if label == "" {
			label = w.titles[target[1:]]
		}
		return "#" + strings.TrimPrefix(orElse(label, target[1:]), "#")
	case "!":
		return command(target[1:], label)
	}
	return link(unescape(target), label, s)
}

func (w *workspace) mention(id, label string, s *said) string {
	who := w.person(id, "")
	if label != "" {
		who.Name = strings.TrimPrefix(label, "@")
	}
	if id != "" && !slices.ContainsFunc(s.mentions, func(p event.Person) bool { return p.ID == who.ID }) {
		s.mentions = append(s.mentions, who)
	}
	return orElse(who.Name, id)
}

// command is what addresses everybody or a group, or a date that each reader sees in his own zone.
func command(name, label string) string {
	if strings.HasPrefix(name, "date^") && label != "" {
		return label
	}
	switch base, _, _ := strings.Cut(name, "^"); {
	case label != "":
		return "@" + strings.TrimPrefix(label, "@")
	case base == "subteam":
		return "@" + strings.TrimPrefix(name, "subteam^")
	default:
		return "@" + name
	}
}

func link(target, label string, s *said) string {
	if label == "" {
		return strings.TrimPrefix(strings.TrimPrefix(target, "mailto:"), "tel:")
	}
	shown := strings.Contains(label, target) || strings.HasPrefix(target, "mailto:") || strings.HasPrefix(target, "tel:")
	if !shown && !slices.Contains(s.links, target) {
		s.links = append(s.links, target)
	}
	return label
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
