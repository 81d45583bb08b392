package aggregate

import (
	"unicode"
	"unicode/utf8"
)

// measure counts the code points of a text, and its words: runs of letters and digits. A mark, an apostrophe or a hyphen goes
// on with a run and begins none, so that "don't", "что-то" and a letter with a combining accent are one word. Scripts that
// write no spaces count as one run.
//
// It takes no branch at a letter or a space of ASCII: where words end is unpredictable, and a mispredicted branch costs more than all the
// rest.
func measure(s string) (characters, words uint32) {
	inside := uint32(0) // 1 in a word
	for i := 0; i < len(s); characters++ {
		c := s[i]
		if c < utf8.RuneSelf {
			letter := asciiBit(c, digits, letters)
			words += letter &^ inside
			inside = letter | inside&asciiBit(c, joints, 0)
			i++
			continue
		}
		if russian(s[i:]) {
			words += 1 &^ inside
			inside = 1
			i += 2
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			words += 1 &^ inside
			inside = 1
		case !joins(r):
			inside = 0
		}
	}
	return characters, words
}

// Sets of ASCII characters, a bit for each: of the first 64, or of the others.
const (
	digits  = (1<<10 - 1) << '0'
	joints  = 1<<'\'' | 1<<'-'
	letters = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
)

// asciiBit is 1 for a character that is in the set.
func asciiBit(c byte, first, others uint64) uint32 {
	set := first
	if c >= 64 {
		set = others
	}
	return uint32(set>>(c&63)) & 1
}

// russian says that s begins with one of the letters from U+0400 to U+045F, without asking the tables.
func russian(s string) bool {
	return len(s) > 1 && s[1]&0xc0 == 0x80 && (s[0] == 0xd0 || s[0] == 0xd1 && s[1] < 0xa0)
}

func joins(r rune) bool { return r == '’' || r == 'ʼ' || r == '‐' || unicode.IsMark(r) }
