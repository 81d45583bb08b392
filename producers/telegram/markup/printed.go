package markup

import (
	"strings"

	"golang.org/x/net/html"
)

// parsePrinted reads an element that is written as the exporter writes: names in small letters, values in quotation marks, brackets only
// around tags. It makes of it what parseAny does, several times as fast. Nil where it does not know for certain.
func parsePrinted(s string) (*Element, int) {
	var room [16]*Element
	t, at := tree{open: room[:0]}, 0
	for at < len(s) {
		if s[at] != '<' {
			end := strings.IndexByte(s[at:], '<')
			if end < 0 || t.root == nil {
				return nil, 0
			}
			t.add("", html.UnescapeString(s[at:at+end]))
			at += end
		}
		n := t.printedTag(s[at:])
		if n == 0 || len(t.open) > deepest {
			return nil, 0
		}
		if at += n; len(t.open) == 0 {
			if strings.IndexByte(s[:at], '\r') >= 0 || strings.IndexByte(s[:at], 0) >= 0 { // which are read as something else
				return nil, 0
			}
			return t.root, at
		}
	}
	return nil, 0
}

// printedTag takes the tag that s begins with, and returns how long it is; 0 if it is written in another way.
func (t *tree) printedTag(s string) int {
	if strings.HasPrefix(s, "</") {
		n := 2 + nameLength(s[2:])
		if n == 2 || n >= len(s) || s[n] != '>' || t.root == nil {
			return 0
		}
		t.close(s[2:n])
		return n + 1
	}
	n := 1 + nameLength(s[1:])
	if n == 1 || holdsRaw(s[1:n]) {
		return 0
	}
	e := t.add(s[1:n], "")
	for n < len(s) {
		switch s[n] {
		case '>':
			if !isVoid(e.Tag) {
				t.open = append(t.open, e)
			}
			return n + 1
		case '/':
			if n+1 == len(s) || s[n+1] != '>' {
				return 0
			}
			return n + 2
		case ' ', '\n':
			n++
			if n == len(s) || s[n] < 'a' || s[n] > 'z' {
				continue
			}
			length := t.printedAttr(e, s[n:])
			if length == 0 {
				return 0
			}
			n += length
		default:
			return 0
		}
	}
	return 0
}

// printedAttr takes the attribute that s begins with, and returns how long it is; 0 if it is written in another way.
func (t *tree) printedAttr(e *Element, s string) int {
	from := nameLength(s)
	if !strings.HasPrefix(s[from:], `="`) {
		return 0
	}
	key := s[:from]
	from += len(`="`)
	end := strings.IndexByte(s[from:], '"')
	if end < 0 {
		return 0
	}
	for i := range e.attrs {
		if e.attrs[i].key == key {
			return 0
		}
	}
	value := s[from : from+end]
	if strings.IndexByte(value, '&') >= 0 {
		if !printedEntities(value) {
			return 0
		}
		value = html.UnescapeString(value)
	}
	t.addAttr(e, key, value)
	return from + end + 1
}

// nameLength is how long the name of a tag or an attribute is that s begins with.
func nameLength(s string) int {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return i
		}
	}
	return len(s)
}

// printedEntities reports whether all entities in a value are such as mean the same in values and in texts.
func printedEntities(value string) bool {
	for {
		_, after, found := strings.Cut(value, "&")
		if !found {
			return true
		}
		name, rest, _ := strings.Cut(after, ";")
		switch name {
		case "amp", "lt", "gt", "quot", "apos", "#39":
		default:
			return false
		}
		value = rest
	}
}

// holdsRaw reports whether what is in an element of this tag is no tags to a browser.
func holdsRaw(tag string) bool {
	switch tag {
	case "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp":
		return true
	}
	return false
}
