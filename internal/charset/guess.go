package charset

import (
	"bufio"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// candidate is a charset that may be guessed.
type candidate struct {
	label    string
	encoding encoding.Encoding
	detector string // its name in chardet, which calls it by its label where bytes from 0x80 to 0x9f occur; empty: it is not known there
	prior    float64
}

// texts are the charsets that chats are kept in; of equals the first is taken.
func texts() []candidate {
	return []candidate{
		{"windows-1251", charmap.Windows1251, "windows-1251", 0},
		{"koi8-r", charmap.KOI8R, "KOI8-R", 0},
		{"windows-1252", charmap.Windows1252, "ISO-8859-1", 0.02}, // its letters are letters in its neighbours too
		{"windows-1250", charmap.Windows1250, "ISO-8859-2", 0},
		{"windows-1253", charmap.Windows1253, "ISO-8859-7", 0},
		{"windows-1254", charmap.Windows1254, "ISO-8859-9", 0},
		{"windows-1255", charmap.Windows1255, "ISO-8859-8-I", 0},
		{"windows-1256", charmap.Windows1256, "windows-1256", 0},
		{"ibm866", charmap.CodePage866, "", -0.1}, // text in it is rarer than bytes that are broken
		{"euc-kr", korean.EUCKR, "EUC-KR", 0},
		{"shift_jis", japanese.ShiftJIS, "Shift_JIS", 0},
		{"euc-jp", japanese.EUCJP, "EUC-JP", 0},
		{"gbk", simplifiedchinese.GBK, "GB18030", 0},
		{"big5", traditionalchinese.Big5, "Big5", 0},
	}
}

// names are those of files in zips: DOS charsets come first there, and code page 437 is what the format says.
func names() []candidate {
	return append([]candidate{
		{"ibm437", charmap.CodePage437, "", 0},
		{"ibm866", charmap.CodePage866, "", 0},
		{"ibm850", charmap.CodePage850, "", 0},
		{"ibm852", charmap.CodePage852, "", 0},
	}, texts()...)
}

// Guess returns the charset that b looks most like, and its name. b should hold no valid UTF-8 beyond ASCII.
func Guess(b []byte) (encoding.Encoding, string) { return best(b, texts(), true, nil) }

// GuessNames is Guess for the names in one zip: all of them that are not UTF-8, parted by line feeds. mentioned reports whether a name
// is known from elsewhere, such as a list in the zip, which decides; nil: nothing is known.
func GuessNames(b []byte, mentioned func(name string) bool) (encoding.Encoding, string) {
	return best(b, names(), false, mentioned)
}

// Readings are what a name that is not UTF-8 may say: in each charset that names in zips have, in no order of merit.
func Readings(name string) (out []string) {
	for _, c := range names() {
		if s := In(c.encoding, []byte(name)); !strings.ContainsRune(s, utf8.RuneError) {
			out = append(out, s)
		}
	}
	return out
}

// MisreadName returns the bytes of a name that was read in code page 437 although it was in another charset; false: it cannot have been.
func MisreadName(name string) (string, bool) {
	s, err := charmap.CodePage437.NewEncoder().String(name)
	return s, err == nil
}

// weight is what a charset is ahead or behind before its text is looked at. Turkish that is read as windows-1252 shows by letters that are
// Icelandic there.
func (c *candidate) weight(text string) float64 {
	if c.label == "windows-1252" && strings.ContainsAny(text, "þðÞÐ") {
		return 0
	}
	return c.prior
}

func best(b []byte, of []candidate, typeset bool, mentioned func(string) bool) (encoding.Encoding, string) {
	confidence := map[string]int{}
	if found, err := chardet.NewTextDetector().DetectAll(b); err == nil {
		for _, f := range found {
			confidence[f.Charset] = max(confidence[f.Charset], f.Confidence)
		}
	}
	won, most := of[0], -1.0
	for _, c := range of {
		text := In(c.encoding, b)
		s := plausibility(text, typeset)*common(c.label, b) + c.weight(text) + float64(max(confidence[c.detector], confidence[c.label]))/500
		if mentioned != nil {
			s += mention * share(strings.Split(text, "\n"), mentioned)
		}
		if s > most+1e-9 {
			won, most = c, s
		}
	}
	return won.encoding, won.label
}

// mention is what it weighs that all names are mentioned elsewhere: more than how they look.
const mention = 3

// share is the part of a list of which f is true.
func share(list []string, f func(string) bool) float64 {
	n := 0
	for _, s := range list {
		if f(s) {
			n++
		}
	}
	return float64(n) / float64(len(list))
}

// common says what part of the double bytes of an East Asian charset are characters in daily use there, from 0.3 to 1: nearly every
// pair of high bytes is some character. It is 1 for all other charsets.
func common(label string, b []byte) float64 {
	var lead, low byte // of the characters in use; signs are below them
	switch label {
	case "euc-kr":
		lead, low = 0xc8, 0xa1
	case "gbk":
		lead, low = 0xd7, 0xa1
	case "euc-jp":
		lead, low = 0xcf, 0xa1
	case "big5":
		lead, low = 0xc6, 0x40
	default:
		return 1
	}
	all, daily := 0, 0
	for i := 0; i < len(b); i++ {
		if b[i] < utf8.RuneSelf {
			continue
		}
		all++
		if i+1 < len(b) && 0xa1 <= b[i] && b[i] <= lead && b[i+1] >= low {
			daily++
		}
		i++
	}
	if all == 0 {
		return 1
	}
	return 0.3 + 0.7*float64(daily)/float64(all)
}

// Plausible reports whether decoded text looks like writing; if not, it is likely in another charset.
func Plausible(text string) bool { return plausibility(text, true) > leastPlausible }

// leastPlausible is above words of two scripts, such as "josй" of windows-1252 in windows-1251, and below words with signs beside them.
const leastPlausible = 0.5

// plausibility says how much decoded text looks like writing, from 0 to 1 and a little above: words of one script, capitals only at
// their start or throughout, and neither signs nor replacement characters within. In typeset text, signs may be alone: the bytes that are
// signs in one charset are letters in another, and names of files are too short to decide.
func plausibility(text string, typeset bool) float64 {
	var good, all float64
	var word []rune
	flush := func() {
		if n := foreign(word); n > 0 {
			all += float64(n)
			p := wordPlausibility(word)
			if typeset && onlySigns(word) {
				p = signs
			}
			good += float64(n) * p
		}
		word = word[:0]
	}
	for _, r := range text {
		if r == '\u00a0' && typeset { // a space of typesetters, and a letter elsewhere
			all++
			good += signs
		}
		if unicode.IsSpace(r) || r < utf8.RuneSelf && !unicode.IsLetter(r) {
			flush()
			continue
		}
		word = append(word, r)
	}
	flush()
	if all == 0 {
		return 0
	}
	return good / all
}

// foreign counts the characters beyond ASCII.
func foreign(word []rune) int {
	n := 0
	for _, r := range word {
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

func wordPlausibility(word []rune) float64 {
	scripts := map[string]int{}
	bad, upper, turned := 0, 0, 0
	for i, r := range word {
		s := scriptOf(r)
		if s == "" || misplaced(word, i) {
			bad++
			continue
		}
		scripts[s]++
		if unicode.IsUpper(r) {
			upper++
			if i > 0 && unicode.IsLower(word[i-1]) {
				turned++
			}
		}
	}
	n := float64(len(word))
	p := 1 - float64(bad)/n
	if upper > 1 && upper < len(word) {
		p -= 0.3 * float64(upper-1) / n
	}
	p -= 0.5 * float64(turned) / n
	if scripts["kana"] > 0 {
		delete(scripts, "han") // Japanese writes both in one word
	}
	switch {
	case len(scripts) > 1:
		p *= 0.4
	case scripts["hangul"] > 0:
		p += 0.2 // syllables: bytes of another charset seldom are
	case scripts["kana"] > 0:
		p += 0.1
	case scripts["han"] > 0:
		p -= 0.1 // nearly every pair of high bytes is a character of some Chinese charset
	}
	if scripts["latin"] == len(word) && foreign(word)*2 > len(word) && len(word) > 2 {
		p *= 0.5 // words of accents alone are those of another script
	}
	return max(p, 0)
}

// signs is how plausible typographic signs are by themselves: a little less than words.
const signs = 0.9

// onlySigns reports whether a word is of the signs alone that typesetters put beside words, such as a dash between spaces: in a text of
// ASCII they may be all that shows the charset.
func onlySigns(word []rune) bool {
	for _, r := range word {
		if r < utf8.RuneSelf || !strings.ContainsRune("–—‘’‚“”„…•«»", r) {
			return false
		}
	}
	return len(word) > 0
}

// misplaced reports what Hebrew and Greek words do not have: vowel points without a letter before them, and forms of letters that end a
// word within one. Cyrillic of windows-1251 that is read as either is full of them.
func misplaced(word []rune, i int) bool {
	switch word[i] {
	case 'ך', 'ם', 'ן', 'ף', 'ץ', 'ς':
		return i+1 < len(word) && unicode.IsLetter(word[i+1])
	}
	return 0x0591 <= word[i] && word[i] <= 0x05c7 && (i == 0 || !unicode.Is(unicode.Hebrew, word[i-1]))
}

func scriptOf(r rune) string {
	switch {
	case r == utf8.RuneError:
		return ""
	case r < utf8.RuneSelf, unicode.Is(unicode.Latin, r) && r != 'ª' && r != 'º':
		return "latin"
	case 0x0410 <= r && r <= 0x044f, r == 'ё', r == 'Ё', r == 'і', r == 'І', r == 'ї', r == 'Ї', r == 'є', r == 'Є', r == 'ґ', r == 'Ґ', r == 'ў', r == 'Ў':
		return "cyrillic" // letters of today's Russian, Ukrainian and Belarusian
	case unicode.Is(unicode.Greek, r):
		return "greek"
	case unicode.Is(unicode.Hebrew, r):
		return "hebrew"
	case unicode.Is(unicode.Arabic, r):
		return "arabic"
	case unicode.Is(unicode.Hangul, r):
		return "hangul"
	case unicode.Is(unicode.Hiragana, r), unicode.Is(unicode.Katakana, r) && r < 0xff00, r == 'ー', r == '。', r == '、':
		return "kana"
	case unicode.Is(unicode.Han, r):
		return "han"
	}
	return ""
}

// sampleSize is enough words to distinguish charsets.
const sampleSize = 32 << 10

func guessFile(open func() (io.ReadCloser, error)) (encoding.Encoding, string) {
	fallback := candidate{label: "windows-1252", encoding: charmap.Windows1252}
	if open == nil {
		return fallback.encoding, fallback.label
	}
	r, err := open()
	if err != nil {
		return fallback.encoding, fallback.label
	}
	defer func() { _ = r.Close() }() // it was only read
	words := sample(r)
	if len(words) == 0 {
		return fallback.encoding, fallback.label
	}
	return Guess(words)
}

// sample returns words of a file that are not UTF-8, parted by spaces.
func sample(from io.Reader) []byte {
	var out []byte
	in := bufio.NewReaderSize(from, 64<<10)
	word := make([]byte, 0, 256)
	for len(out) < sampleSize {
		c, err := in.ReadByte()
		inWord := err == nil && (c >= utf8.RuneSelf || 'a' <= c|0x20 && c|0x20 <= 'z')
		if inWord && len(word) < cap(word) {
			word = append(word, c)
			continue
		}
		if !utf8.Valid(word) && !mostlyUTF8(word) {
			out = append(append(out, word...), ' ')
		}
		word = word[:0]
		if inWord {
			word = append(word, c)
		}
		if err != nil {
			return out
		}
	}
	return out
}
