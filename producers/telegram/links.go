package telegram

import "strings"

// marks gathers the links that an export marks in a text, and where the text shows them.
type marks struct {
	links []string
	shown []span
}

type span struct{ from, to int }

func (k *marks) reset() { k.links, k.shown = k.links[:0], k.shown[:0] }

// add takes a link, and the words that stand for it at an offset of the text, which is negative if it is not known.
func (k *marks) add(to, words string, at int) {
	if n := len(k.links); strings.Contains(to, "://") || isAddress(to) && to != words {
		k.links = append(k.links, to)
	} else if k.links = appendBare(k.links, to); len(k.links) == n {
		return
	}
	if at >= 0 && (strings.Contains(words, "://") || len(words) > 4 && strings.EqualFold(words[:4], "www.")) {
		k.shown = append(k.shown, span{at, at + len(words)})
	}
}

// touched reports whether text that is no part of a link stands right before or behind one, so that a scan of the text would
// not find the link as it is.
func (k *marks) touched(text string) bool {
	for _, s := range k.shown {
		if s.from > 0 && isWordByte(text[s.from-1]) {
			return true
		}
		behind := text[s.to:]
		if end := strings.IndexAny(behind, " \t\n\f\r<>\""); end >= 0 {
			behind = behind[:end]
		}
		if strings.Trim(behind, `.,;:!?'»)]}`) != "" {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
