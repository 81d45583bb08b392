package header

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// dayHalf says how a word beside a clock of twelve hours places it in the day.
type dayHalf byte

const (
	noPart    dayHalf = iota
	forenoon          // AM
	afternoon         // PM
	midday            // its hours before twelve are those of the forenoon
	evening           // its twelve is midnight
	night             // its late hours are those of the evening, its early ones those of the morning
)

// later reports whether an hour of the part lies in the second half of the day.
func (p dayHalf) later(hour int) bool {
	switch p {
	case afternoon:
		return true
	case midday:
		return hour == 12 || hour < 9
	case evening:
		return hour != 12
	case night:
		return hour != 12 && hour > 5
	}
	return false
}

// wordSize bounds the words of a date and time, in bytes.
const wordSize = 64

// word reads up to most words at the start: letters and the dots and apostrophes among them. It returns them without dots and
// spaces, ASCII letters being small, and how many bytes of c they are; 0 if they are too long.
func (c cutter) word(buf *[wordSize]byte, most int) (key []byte, size int) {
	key = buf[:0]
	for i := 0; i < len(c); {
		r, n := rune(c[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(string(c[i:]))
		}
		switch {
		case i > 0 && i == size && isSpace(r): // it may be the last one
			if most--; most == 0 {
				return key, size
			}
			for ; isSpace(r); r, n = utf8.DecodeRuneInString(string(c[i:])) {
				i += n
			}
			if !unicode.IsLetter(r) {
				return key, size
			}
			continue
		case r == '.', r == '\u200c', r == '\u200d': // the latter join letters
		case inWord(r):
			if r < utf8.RuneSelf {
				r = unicode.ToLower(r)
			}
			if len(key)+n > wordSize {
				return nil, 0
			}
			key = utf8.AppendRune(key, r)
		default:
			return key, size
		}
		i += n
		size = i
	}
	return key, size
}

func isSpace(r rune) bool { return r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\u2009' }

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune(`'"’׳״॰`, r)
}

// connector takes the word that some languages put between date and time.
func (c *cutter) connector() {
	if len(*c) == 0 || isDigit((*c)[0]) {
		return
	}
	var buf [wordSize]byte
	for words := 2; words > 0; words-- {
		key, n := c.word(&buf, words)
		switch string(key) {
		case "à", "um", "at", "alas", "ala", "às", "alle", "om", "kl", "klo", "klokka", "klockan", "plkst", "kell", "u", "ob", "o", "la", "ora",
			"orele", "lúc", "ngày", "pukul", "jam", "saat", "в", "во", "у", "о", "об", "στις":
			after := (*c)[n:]
			if after.spaces() {
				*c = after
				return
			}
		}
	}
}

// era takes what is after the year: a word for it, or that of a calendar. Dates of the lunar one are none of ours, whatever their
// numbers.
func (c *cutter) era(h *Header) {
	if len(*c) > 1 && ((*c)[0] == ',' || (*c)[0] == ' ' && isDigit((*c)[1])) {
		return
	}
	var buf [wordSize]byte
	after := *c
	after.spaces()
	key, n := after.word(&buf, 1)
	switch string(key) {
	case "هـ", "ه", "ھ", "هجری", "ہجری", "ah":
		h.Stamp.Numbers = [3]int{}
	case "г", "год", "года", "р", "ж", "g", "gada", "god", "j", "ad", "ce", "be", "ap":
	default:
		return
	}
	*c = after[n:]
	c.unmark()
}

// hours takes the word for hours after a time, such as "ч." or "Uhr".
func (c *cutter) hours() {
	if len(*c) > 1 && ((*c)[0] == ']' || (*c)[0] == ' ' && (*c)[1] == '-') {
		return
	}
	var buf [wordSize]byte
	after := *c
	after.spaces()
	switch key, n := after.word(&buf, 1); string(key) {
	case "ч", "час", "год", "uhr", "uur", "น", "h", "hodź":
		*c = after[n:]
	}
}

// half takes a word for a half or another part of the day: am, A.M., p. m. and so on, and those of other languages.
func (c *cutter) half(h *Header) dayHalf {
	if len(*c) == 0 {
		return noPart
	}
	if first := (*c)[0]; strings.IndexByte("aApP", first) >= 0 {
		after := (*c)[1:]
		after.take(".")
		after.spaces()
		if after.take("m") || after.take("M") {
			h.Stamp.Capitals = (*c)[1] == 'M'
			after.take(".")
			*c = after
			if first|0x20 == 'p' {
				return afternoon
			}
			return forenoon
		}
	} else if first < utf8.RuneSelf && (first|0x20 < 'a' || first|0x20 > 'z') {
		return noPart
	}
	var buf [wordSize]byte
	for words := 2; words > 0; words-- {
		key, n := c.word(&buf, words)
		p := dayPartOf(key)
		if p == noPart {
			continue
		}
		h.Stamp.Eastern = h.Stamp.Eastern || eastern(key)
		*c = (*c)[n:]
		return p
	}
	return noPart
}

// eastern reports whether a word is Chinese, Japanese or Korean.
func eastern(word []byte) bool {
	r, _ := utf8.DecodeRune(word)
	return unicode.In(r, unicode.Han, unicode.Hangul)
}
