package htmlexport

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// decodedMessage is a message as the page shows it.
type decodedMessage struct {
	root    *markup.Element
	key     *markup.Element // the same as content keys take it; nil where they take it as it is
	raw     []byte
	charset string // in which raw was read; empty if it is UTF-8
}

// decoded reads the text of a message that is not UTF-8. Its tags are ASCII in any charset, so that raw was cut in the right place.
func (p *session) decoded(root *markup.Element, raw []byte) decodedMessage {
	out := decodedMessage{root: root, raw: raw}
	if utf8.Valid(raw) {
		return out
	}
	text, key, label := export.Decode(p.chars, raw)
	if root, _, err := markup.Parse(string(text)); err == nil {
		out.root, out.charset = root, label
	}
	if key != nil {
		if root, _, err := markup.Parse(string(key)); err == nil {
			out.key = root
		}
	}
	return out
}

// metaCharset is what a page says of its own charset, where it was saved in another than the exporter's; empty if nothing.
func metaCharset(head []byte) string {
	head, _, _ = bytes.Cut(head, []byte("</head"))
	_, after, ok := bytes.Cut(head, []byte("charset="))
	if !ok {
		return ""
	}
	after = bytes.TrimLeft(after, `"' `)
	name := string(after)
	if i := bytes.IndexAny(after, "\"'/> ;"); i >= 0 {
		name = string(after[:i])
	}
	if _, label, err := charset.Lookup(name); err != nil || label == "utf-8" || strings.HasPrefix(label, "utf-16") {
		return ""
	}
	return name
}
