package aggregate

import (
	"unicode"
	"unicode/utf8"
)

// characters counts code points.
func characters(s string) uint32 { return uint32(utf8.RuneCountInString(s)) }

// words counts runs of letters and digits. A mark, an apostrophe or a hyphen goes on with a run and begins none, so that
// "don't", "что-то" and a letter with a combining accent are one word. Scripts that write no spaces count as one run.
func words(s string) uint32 {
	var n uint32
	inside := false
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		i += size
		switch {
		case isWordRune(r):
			if !inside {
				n++
			}
			inside = true
		case inside && joins(r):
		default:
			inside = false
		}
	}
	return n
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	if r >= 0x0400 && r <= 0x045f { // Russian letters, before the tables are asked
		return true
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func joins(r rune) bool {
	switch r {
	case '\'', '’', 'ʼ', '-', '‐':
		return true
	}
	return r >= utf8.RuneSelf && unicode.IsMark(r)
}
