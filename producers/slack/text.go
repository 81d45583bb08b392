package slack

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/agrichat/agrichat/internal/event"
)

// markedUp is a text as people see it, with what its markup names.
type markedUp struct {
	text     string
	mentions []event.Person
	links    []string // that the text does not show
}

// read turns Slack's marked text into what is shown: what stands in pointed brackets into its label or name, and three escapes
// into what they stand for. Asterisks and the like stay, because they may be what the author meant.
func (w *workspace) read(text string) (s markedUp) {
	if !strings.ContainsAny(text, "<&") {
		return markedUp{text: text}
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
func (w *workspace) mark(inner string, s *markedUp) string {
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

func (w *workspace) mention(id, label string, s *markedUp) string {
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

func link(target, label string, s *markedUp) string {
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

// block is a piece of a message as newer programs write them, whatever its type: what it shows is in one of these.
type block struct {
	Type     plain          `json:"type"`
	Name     plain          `json:"name"`
	URL      plain          `json:"url"`
	UserID   plain          `json:"user_id"`
	Channel  plain          `json:"channel_id"`
	Text     jsontext.Value `json:"text"` // a string, or a block
	Fields   list[block]    `json:"fields"`
	Elements list[block]    `json:"elements"`
}

// blocks is the text that a message's blocks show. It is looked for only where the message has no text of its own.
func blocks(raw []byte) string {
	var r struct {
		Blocks list[block] `json:"blocks"`
	}
	if err := decode(raw, &r); err != nil {
		return "" // was read once already
	}
	var lines []string
	for i := range r.Blocks {
		if s := strings.TrimSpace(r.Blocks[i].shown()); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

func (b *block) shown() string {
	switch b.Type {
	case "emoji":
		return ":" + string(b.Name) + ":"
	case "user":
		return "@" + string(b.UserID)
	case "channel":
		return "#" + string(b.Channel)
	case "link":
		if len(b.Text) == 0 {
			return string(b.URL)
		}
	}
	var out strings.Builder
	switch b.Text.Kind() {
	case '"':
		out.WriteString(word(b.Text))
	case '{':
		var inner block
		if json.Unmarshal(b.Text, &inner, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) == nil {
			out.WriteString(inner.shown())
		}
	}
	for _, l := range [...]list[block]{b.Fields, b.Elements} {
		for i := range l {
			out.WriteString(l[i].shown())
		}
	}
	if b.Type == "rich_text_section" || b.Type == "rich_text_preformatted" || b.Type == "rich_text_quote" {
		out.WriteByte('\n')
	}
	return out.String()
}
