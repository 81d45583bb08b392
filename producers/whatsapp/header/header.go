// Package header parses the date and time that a line of a WhatsApp export begins with, in whatever language, calendar, digits and order the phone
// printed them.
//
// It promises that a header is parsed the same way wherever it is: which number of a date is the day is left to the whole file, which names
// an Order. It knows nothing of messages.
package header

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is all of a header's form. One export has one style: a line with another is pasted text.
type Style struct {
	Bracket   bool `json:"bracket,omitempty"` // an iPhone's [date, time]
	Separator byte `json:"separator"`         // between day, month and year; SeparatorWords and SeparatorMonthName where words are there
	Comma     bool `json:"comma,omitempty"`   // after the date
	Colon     byte `json:"colon"`             // between hour and minute
	Seconds   bool `json:"seconds,omitempty"`
	Half      bool `json:"half,omitempty"`       // twelve hours and a word for the half of the day
	YearFirst bool `json:"year_first,omitempty"` // in four digits
	YearLast  bool `json:"year_last,omitempty"`  // in four digits
	TimeFirst bool `json:"time_first,omitempty"`
	// MonthFirst says that a date begins with the name of its month.
	MonthFirst bool `json:"month_first,omitempty"`
	Listed     bool `json:"listed,omitempty"` // a comma ends the time, and a space is before the colon after the name
}

// Stamp is a header's time as printed. Which of the date's numbers is the day cannot be decided by one line.
type Stamp struct {
	Numbers              [3]int
	Hour, Minute, Second int
	Padded               bool // one of the date's first two numbers has a zero before it
	Capitals             bool // AM and PM as in the United States
	Eastern              bool // the half of the day as in East Asia, where dates begin with the year
}

// SeparatorWords is the separator of dates such as 2024년 6월 13일.
const SeparatorWords = 'Y'

// Header is a line that may begin a message.
type Header struct {
	Style Style
	Stamp Stamp
	Rest  string // after the date and time
}

// Parse reads a line that begins as a message does, in whatever style.
func Parse(line string) (Header, bool) {
	var h Header
	c := cutter(strings.TrimLeft(line, Marks))
	h.Style.Bracket = c.take("[")
	if _, n := c.digit(); n == 0 && (c == "" || !isUpper(c[0])) {
		return h, false
	}
	if whole := c; !c.dateTime(&h) {
		h, c = Header{Style: Style{Bracket: h.Style.Bracket, TimeFirst: true}}, whole
		if !c.timeDate(&h) {
			return h, false
		}
	}
	if h.Style.Bracket {
		if c.spaces(); !c.take("]") {
			return h, false
		}
		c.take(" ")
		h.Rest = string(c)
		return h, true
	}
	if h.Style.Separator == SeparatorWords && c.take(", ") { // 2024년 6월 13일 오후 9:05, Ann : text
		h.Style.Listed, h.Rest = true, string(c)
		return h, strings.Contains(h.Rest, " : ")
	}
	if !c.spaces() || !c.take("-") && !c.take("–") && !c.take("—") || !c.take(" ") && len(c) > 0 {
		return h, false
	}
	h.Rest = string(c)
	return h, true
}

// dateTime takes a date and the time after it.
func (c *cutter) dateTime(h *Header) bool {
	if !c.date(h) {
		return false
	}
	c.era(h)
	h.Style.Comma = c.take(",") || c.take("،")
	if spaced := c.spaces(); !spaced && !h.Style.Comma {
		return false
	}
	c.connector()
	bracket := c.take("(")
	return c.clock(h) && (!bracket || c.take(")"))
}

// timeDate takes a time and the date after it, as in Vietnam.
func (c *cutter) timeDate(h *Header) bool {
	if !c.clock(h) {
		return false
	}
	h.Style.Comma = c.take(",")
	if spaced := c.spaces(); !spaced && !h.Style.Comma {
		return false
	}
	c.connector()
	if !c.date(h) {
		return false
	}
	c.era(h)
	return true
}

// Begins reports whether a header of the style may begin with these bytes, all of them.
func (s Style) Begins(line string) bool {
	for len(line) > 0 { // a mark may be cut too
		if r, n := utf8.DecodeLastRuneInString(line); r != utf8.RuneError || n != 1 {
			break
		}
		line = line[:len(line)-1]
	}
	c := cutter(strings.TrimLeft(line, Marks))
	if s.Bracket != c.take("[") && c != "" {
		return false
	}
	_, digit := c.digit()
	return len(c) < 48 && (c == "" || digit > 0) && strings.TrimLeftFunc(string(c), inHeader) == ""
}

// Resembles returns what would follow the header in a line that begins with a date of the style and, up to where a header ends, goes
// on with something of a time that is not understood.
func (s Style) Resembles(line string) (rest string, ok bool) {
	const longest = 64
	var h Header
	c := cutter(strings.TrimLeft(line, Marks))
	if s.Bracket != c.take("[") {
		return "", false
	}
	if _, n := c.digit(); n == 0 {
		return "", false
	}
	if s.TimeFirst {
		if !c.clock(&h) {
			return "", false
		}
		h.Style.Separator, h.Style.YearFirst, h.Style.YearLast = s.Separator, s.YearFirst, s.YearLast
	} else if !c.date(&h) {
		return "", false
	}
	if h.Style.Separator != s.Separator || h.Style.YearFirst != s.YearFirst || h.Style.YearLast != s.YearLast {
		return "", false
	}
	end := " - "
	if s.Bracket {
		end = "]"
	}
	time, rest, ok := strings.Cut(string(c), end)
	if !ok || len(time) > longest || strings.Contains(time, ": ") {
		return "", false
	}
	return rest, strings.ContainsFunc(time, unicode.IsDigit)
}

// inHeader reports whether a date and time may hold r. Words for the halves of the day are short, and of few letters.
func inHeader(r rune) bool {
	_, digit := cutter(string(r)).digit()
	return digit > 0 || IsMark(r) || strings.ContainsRune("/.,: -–—apmAPM\u00a0\u202f\u2009،صم년월일오전후年月日上下午", r)
}

// cutter parses a line from its start.
type cutter string

func (c *cutter) take(s string) bool {
	rest, ok := strings.CutPrefix(string(*c), s)
	*c = cutter(rest)
	return ok
}

// spaces takes white space of every kind that phones print: since 2023 a narrow no-break space is before AM and PM.
func (c *cutter) spaces() bool {
	rest := strings.TrimLeft(string(*c), " \u00a0\u202f\u2009"+Marks)
	ok := len(rest) < len(*c)
	*c = cutter(rest)
	return ok
}

// number takes up to most digits, and returns how many there were.
func (c *cutter) number(most int) (n, digits int) {
	for digits < most {
		value, size := c.digit()
		if size == 0 {
			break
		}
		n = n*10 + value
		*c = (*c)[size:]
		digits++
	}
	return n, digits
}

// LeadingNumber takes up to most digits of whatever script from the start of a text, and returns how many there were and what follows.
func LeadingNumber(s string, most int) (n, digits int, rest string) {
	c := cutter(s)
	n, digits = c.number(most)
	return n, digits, string(c)
}

// digit returns the value and the size of the digit at the start, of whatever script; size 0: there is none.
func (c cutter) digit() (value, size int) {
	if len(c) == 0 {
		return 0, 0
	}
	if b := c[0]; b < utf8.RuneSelf {
		if isDigit(b) {
			return int(b - '0'), 1
		}
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(string(c))
	if r < '\u0660' {
		return 0, 0
	}
	for _, zero := range [...]rune{ // Arabic, Persian, Devanagari, Bengali, Gujarati, Tamil, Telugu, Kannada, Thai, Burmese, Khmer, wide
		'\u0660', '\u06f0', '\u0966', '\u09e6', '\u0ae6', '\u0be6', '\u0c66', '\u0ce6', '\u0e50', '\u1040', '\u17e0', '\uff10',
	} {
		if zero <= r && r <= zero+9 {
			return int(r - zero), n
		}
	}
	return 0, 0
}

// unmark takes invisible marks: Arabic dates have them before each separator.
func (c *cutter) unmark() {
	if len(*c) > 0 && (*c)[0] >= utf8.RuneSelf {
		*c = cutter(strings.TrimLeft(string(*c), Marks))
	}
}

func (c *cutter) date(h *Header) bool {
	var digits [3]int
	if len(*c) > 0 && isUpper((*c)[0]) {
		return c.monthDate(h)
	}
	for i := range 3 {
		if i == 1 && c.mayBeMonth() && c.wordDate(h, h.Stamp.Numbers[0], digits[0]) {
			return true
		}
		if i > 0 && !c.separator(&h.Style.Separator, i) {
			return false
		}
		value, n := c.digit()
		h.Stamp.Padded = h.Stamp.Padded || i < 2 && n > 0 && value == 0
		h.Stamp.Numbers[i], digits[i] = c.number(4)
	}
	if _, n := c.digit(); n > 0 {
		return false
	}
	c.unmark()
	h.Style.YearFirst, h.Style.YearLast = digits[0] == 4, digits[2] == 4
	short := func(n int) bool { return n == 1 || n == 2 }
	switch h.Style.Separator {
	case '.':
		c.take(".") // Hungarian: 2024. 05. 31.
	case SeparatorWords:
		if h.Stamp.Eastern = c.take("일") || c.take("日"); !h.Stamp.Eastern {
			return false
		}
	}
	return short(digits[1]) && (short(digits[0]) || h.Style.YearFirst) &&
		(short(digits[2]) || h.Style.YearLast && !h.Style.YearFirst)
}

func (c *cutter) at(b byte) bool { return len(*c) > 0 && (*c)[0] == b }

// separator takes what is before the i-th number of a date.
func (c *cutter) separator(known *byte, i int) bool {
	c.unmark()
	if len(*c) == 0 {
		return false
	}
	sep := (*c)[0]
	if sep >= utf8.RuneSelf {
		if words := [...][2]string{{"년", "年"}, {"월", "月"}}[i-1]; !c.take(words[0]) && !c.take(words[1]) {
			return false
		}
		sep = SeparatorWords
	} else if strings.IndexByte("/.-", sep) < 0 {
		return false
	} else {
		*c = (*c)[1:]
	}
	if *known != 0 && *known != sep {
		return false
	}
	*known = sep
	c.take(" ")
	c.unmark()
	return true
}

func (c *cutter) clock(h *Header) bool {
	part := c.half(h)
	h.Stamp.Eastern = h.Stamp.Eastern || part != noPart && h.Stamp.Capitals // PM 1:28, as in Korea
	c.spaces()
	digits := 0
	if h.Stamp.Hour, digits = c.number(2); digits == 0 || !c.colon(h) {
		return false
	}
	if h.Stamp.Minute, digits = c.number(2); digits != 2 || h.Stamp.Minute > 59 {
		return false
	}
	if !c.seconds(h) {
		return false
	}
	c.hours()
	if part == noPart {
		before := *c
		c.spaces()
		if part = c.half(h); part == noPart {
			*c = before
		}
	}
	h.Style.Half = part != noPart
	return h.Stamp.turn(part)
}

// colon takes what is between hour and minute.
func (c *cutter) colon(h *Header) bool {
	switch {
	case c.at(':'), c.at('.'):
		h.Style.Colon = (*c)[0]
		*c = (*c)[1:]
		return true
	case c.take("："):
		h.Style.Colon = ':'
		return true
	}
	c.spaces()
	if !c.take("h") && !c.take("H") {
		return false
	}
	c.spaces()
	h.Style.Colon = 'h'
	return true
}

// seconds takes the seconds, if there are any; false: they are none of a clock.
func (c *cutter) seconds(h *Header) bool {
	after := *c
	if h.Style.Colon == 'h' {
		after.spaces()
		if !after.take("min") {
			return true
		}
		*c = after
		after.spaces()
		if _, n := after.digit(); n == 0 {
			return true
		}
	} else if !after.at(h.Style.Colon) {
		return true
	} else {
		after = after[1:]
	}
	digits := 0
	if h.Stamp.Second, digits = after.number(2); digits != 2 || h.Stamp.Second > 60 {
		return false
	}
	if h.Style.Colon == 'h' {
		after.spaces()
		after.take("s")
	}
	h.Style.Seconds, *c = true, after
	return true
}

// turn brings the hour to a clock of 24. Some phones print hours above twelve with PM, and 24 for midnight: both are clear.
func (s *Stamp) turn(part dayHalf) bool {
	later := part.later(s.Hour)
	switch {
	case s.Hour > 24:
		return false
	case s.Hour == 24, part != noPart && !later && s.Hour == 12:
		s.Hour = 0
	case later && s.Hour < 12:
		s.Hour += 12
	}
	return true
}

func isUpper(b byte) bool { return 'A' <= b && b <= 'Z' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// Marks are invisible: they say in which direction to write, or that a file is UTF-8.
const Marks = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff"

// IsMark is strings.ContainsRune(marks, r), which took a sixth of all the time.
func IsMark(r rune) bool {
	return r == '\u200e' || r == '\u200f' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' ||
		r == '\u061c' || r == '\ufeff'
}

// Clean takes out what cannot be seen, and makes every kind of space one.
func Clean(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0' || r == '\u202f' || r == '\u2009' || r == '\t':
			return ' '
		case r == '\n':
			return r
		case r < ' ' || r == 0x7f || IsMark(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}

// isClean reports whether nothing within s has to be taken out. It decides only texts of the scripts whose letters UTF-8 writes in up
// to two bytes: Latin, Greek, Cyrillic, Hebrew.
func isClean(s string) bool {
	ascii, deletes := true, false // ASCII keeps its DEL, as it always did: ids are made of it
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= ' ' && c < utf8.RuneSelf:
			deletes = deletes || c == 0x7f
		case c >= 0xc3 && c <= 0xd7 && i+1 < len(s) && s[i+1]&0xc0 == 0x80:
			ascii = false
			i++
		default:
			return false
		}
	}
	return ascii || !deletes
}

// MayBegin is a quick look: most lines of text begin with a letter. What is beyond ASCII may be a mark.
func MayBegin(b byte) bool { return isDigit(b) || b == '[' || b >= 0x80 }

// MayBegin is mayBegin of a file whose headers are of the style.
func (s Style) MayBegin(b byte) bool { return MayBegin(b) || s.MonthFirst && isUpper(b) }
