package slack

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

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
