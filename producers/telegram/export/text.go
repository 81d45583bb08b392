package export

import (
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
)

// Text is a plain value of the file. key is set where content keys take another form of it than the text.
type Text struct{ Text, Key, Charset string }

// Decode returns raw as UTF-8. key is nil unless content keys are made of another form of it, and label is empty if raw was UTF-8.
func Decode(d *charset.Decoder, raw []byte) (text, key []byte, label string) {
	if utf8.Valid(raw) {
		return raw, nil, ""
	}
	s, label := d.Decode(raw)
	if label != charset.Damaged {
		key = []byte(charset.Key(raw))
	}
	return []byte(s), key, label
}
