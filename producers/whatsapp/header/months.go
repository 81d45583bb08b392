package header

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SeparatorMonthName is the separator of dates whose month is a word, such as 31 dec. 2023. Their numbers are in the order of day, month and year.
const SeparatorMonthName = 'M'

// monthWords begin the names of the months, short and long ones, in the languages of the phrases and some others: a month after the other. None
// begins another's.
const monthWords = "jan jän ene gen oca sty ian янв січ|" +
	"feb fev fév şub lut фев лют|" +
	"mar mär mrt maa мар бер|" +
	"apr abr avr nis kwi апр квіт|" +
	"may mai maj mei mag мая май трав|" +
	"jun juin giu haz cze iun июн черв|" +
	"jul juil lug tem lip iul июл лип|" +
	"aug ago aoû aou ağu agu sie авг серп|" +
	"sep set eyl wrz сен вер|" +
	"oct okt out ott eki paź paz окт жовт|" +
	"nov kas lis noi ноя лист|" +
	"dec dez dic déc des ara gru дек груд"

// longestMonth is more letters than the name of any month has.
const longestMonth = 12

// month takes the name of a month and its dot; 0: there is none.
func (c *cutter) month() int {
	var buf [wordSize]byte
	key, n := c.word(&buf, 1)
	word := strings.ToLower(string(key))
	if n == 0 || utf8.RuneCountInString(word) > longestMonth || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return 0
	}
	month := 0
	for names := range strings.SplitSeq(monthWords, "|") {
		month++
		for name := range strings.SplitSeq(names, " ") {
			if strings.HasPrefix(word, name) {
				*c = (*c)[n:]
				return month
			}
		}
	}
	return 0
}

// mayBeMonth is a quick look at what is after the first number of a date.
func (c cutter) mayBeMonth() bool {
	if len(c) < 2 {
		return false
	}
	switch c[0] {
	case ' ', 0xc2, 0xe2: // no-break spaces
		return true
	case '.', '-':
		return !isDigit(c[1])
	}
	return false
}

// gap takes what is between the parts of a date whose month is a word.
func (c *cutter) gap() {
	if !c.take(".") && !c.take("-") {
		c.take(",")
	}
	c.spaces()
	for _, of := range [...]string{"de ", "del ", "di "} {
		if c.take(of) {
			return
		}
	}
}

// wordDate takes the rest of a date whose month is a word and whose first number was read.
func (c *cutter) wordDate(h *Header, first, digits int) bool {
	after := *c
	after.gap()
	month := after.month()
	if month == 0 {
		return false
	}
	after.gap()
	second, n := after.number(4)
	if digits == 4 { // 2023. dec. 31.
		first, digits, second, n = second, n, first, digits
		after.take(".")
	}
	if digits != 1 && digits != 2 || n != 4 {
		return false
	}
	*c = after
	h.named(first, month, second)
	return true
}

// monthDate takes a date that begins with the month's name: Dec 31, 2023.
func (c *cutter) monthDate(h *Header) bool {
	after := *c
	month := after.month()
	if month == 0 {
		return false
	}
	after.gap()
	day, n := after.number(2)
	after.gap()
	year, digits := after.number(4)
	if n == 0 || digits != 4 {
		return false
	}
	*c = after
	h.named(day, month, year)
	h.Style.MonthFirst = true
	return true
}

func (h *Header) named(day, month, year int) {
	h.Style.Separator, h.Style.YearFirst, h.Style.YearLast = SeparatorMonthName, false, true
	h.Stamp.Numbers = [3]int{day, month, year}
}
