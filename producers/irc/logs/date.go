package logs

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// civil is a date as printed, of no zone. The zero value is no date.
type civil struct {
	Year  int `json:"y,omitempty"`
	Month int `json:"m,omitempty"`
	Day   int `json:"d,omitempty"`
}

func (d civil) isSet() bool { return d != civil{} }

// String is the day part of content keys; empty without a date.
func (d civil) String() string {
	if !d.isSet() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

func (d civil) next() civil {
	return civilOf(time.Date(d.Year, time.Month(d.Month), d.Day+1, 0, 0, 0, 0, time.UTC))
}

// before reports whether d is an earlier day than e.
func (d civil) before(e civil) bool {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day)) < 0
}

func civilOf(t time.Time) civil { return civil{t.Year(), int(t.Month()), t.Day()} }

// newCivil refuses dates that no calendar has, and years before IRC (1988).
func newCivil(y, m, d int) (civil, bool) {
	if y < 1988 || y > 2999 || m < 1 || m > 12 || d < 1 || d > 31 {
		return civil{}, false
	}
	c := civil{y, m, d}
	if civilOf(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)) != c {
		return civil{}, false
	}
	return c, true
}

// headerDate reads the date of a header in whatever order and language its client printed it:
// "Mon Sep 30 00:00:44 2019", "Вт окт 01 2019", "2019-10-01".
func headerDate(s string) (civil, bool) {
	if d, _, ok := isoDate(s); ok {
		return d, true
	}
	var y, m, d int
	for _, w := range strings.Fields(s) {
		w = strings.Trim(w, ".,")
		switch n, ok := number(w); {
		case ok && len(w) == 4:
			y = n
		case ok && len(w) <= 2 && d == 0:
			d = n
		case !ok:
			if n := monthOf(w); n > 0 { // of two, the later: the abbreviated Tuesday of French and Spanish is their March
				m = n
			}
		}
	}
	return newCivil(y, m, d)
}

// isoDate finds the first YYYY-MM-DD in s, and returns what comes before it.
func isoDate(s string) (civil, string, bool) {
	for i := 0; i+10 <= len(s); i++ {
		if i > 0 && digit(s[i-1]) {
			continue
		}
		if d, ok := dateAt(s[i:], s[i+4]); ok && (s[i+4] == '-' || s[i+4] == '.' || s[i+4] == '_') {
			return d, s[:i], true
		}
	}
	return civil{}, s, false
}

// dateAt reads a date with the given separator from the start of s.
func dateAt(s string, sep byte) (civil, bool) {
	if len(s) < 10 || s[4] != sep || s[7] != sep || len(s) > 10 && digit(s[10]) {
		return civil{}, false
	}
	y, okY := number(s[:4])
	m, okM := number(s[5:7])
	d, okD := number(s[8:10])
	if !okY || !okM || !okD {
		return civil{}, false
	}
	return newCivil(y, m, d)
}

// compactDate finds the first YYYYMMDD in s that is alone, and returns what comes before and after it.
func compactDate(s string) (d civil, before, after string, ok bool) {
	for i := 0; i+8 <= len(s); i++ {
		n := countBytes(s[i:], len(s), digit)
		if n != 8 {
			i += n
			continue
		}
		y, _ := number(s[i : i+4])
		m, _ := number(s[i+4 : i+6])
		day, _ := number(s[i+6 : i+8])
		if d, ok := newCivil(y, m, day); ok {
			return d, s[:i], s[i+8:], true
		}
		i += n
	}
	return civil{}, s, "", false
}

func number(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if !digit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// monthOf knows months by how their names begin in the languages whose users we serve first: English, Russian, German,
// French, Spanish, Ukrainian. 0 is none.
func monthOf(w string) int {
	w = strings.ToLower(w)
	for i, beginnings := range [12]string{
		"jan янв ene січ", "feb fév fev фев лют", "mar mär mrz мар бер", "apr avr abr апр кві",
		"may mai мая май mayo тра", "jun juin июн чер", "jul juil июл лип", "aug aoû aou ago авг сер",
		"sep set сен вер", "oct okt окт жов", "nov ноя лис", "dec dez déc dic дек гру",
	} {
		for b := range strings.FieldsSeq(beginnings) {
			if strings.HasPrefix(w, b) {
				return i + 1
			}
		}
	}
	return 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// countBytes returns how many of the first bytes of s, at most limit, are of a kind.
func countBytes(s string, limit int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < limit && is(s[n]) {
		n++
	}
	return n
}

type dateKind int

const (
	noDate   dateKind = iota
	fullDate          // the year, the month and the day are known
	yearless          // it has no year
	numeric           // which number is which is not known
)

// printedDate is the date of a line, as printed.
type printedDate struct {
	kind   dateKind
	n      [3]int // year, month, day; of numeric ones in the printed order, with the year last
	dotted bool
	short  bool // the last of numeric ones has two digits
	last   int  // as printed
}

// takePrinted reads a date from the start of s, and returns what follows it and a space. Without one, that is all of s.
func takePrinted(s string) (string, printedDate) {
	if s == "" || s[0] == '[' || s[0] == '(' {
		return s, printedDate{}
	}
	if rest, d, ok := takeNumeric(s); ok {
		return rest, d
	}
	if rest, d, ok := takeNamed(s); ok {
		return rest, d
	}
	return s, printedDate{}
}

// takeNumeric reads three numbers with one sign between them.
func takeNumeric(s string) (string, printedDate, bool) {
	var n, width [3]int
	rest, sep := s, byte(0)
	for i := range 3 {
		w := countBytes(rest, 4, digit)
		if w == 0 || w == 3 {
			return s, printedDate{}, false
		}
		n[i], _ = number(rest[:w])
		width[i], rest = w, rest[w:]
		if i == 2 {
			break
		}
		if rest == "" || strings.IndexByte("/.-", rest[0]) < 0 || sep != 0 && rest[0] != sep {
			return s, printedDate{}, false
		}
		sep, rest = rest[0], rest[1:]
	}
	if rest != "" && rest[0] != ' ' && rest[0] != 'T' {
		return s, printedDate{}, false
	}
	d := printedDate{kind: fullDate, n: n, dotted: sep == '.'}
	switch {
	case width[0] == 4 && width[1] < 3 && width[2] < 3:
	case width[0] < 3 && width[1] < 3 && width[2] != 1:
		d.kind = numeric
		if width[2] == 2 {
			d.n[2], d.short, d.last = century(n[2]), true, n[2]
		}
	default:
		return s, printedDate{}, false
	}
	if rest != "" {
		rest = rest[1:]
	}
	_, ok := d.any()
	return rest, d, ok
}

// century completes a year of two digits: none is before IRC.
func century(y int) int {
	if y < 88 {
		return 2000 + y
	}
	return 1900 + y
}

// takeNamed reads a date with a month's name, which may have a weekday before it and a year after it, up to the time of day.
func takeNamed(s string) (string, printedDate, bool) {
	d := printedDate{kind: yearless}
	rest := strings.TrimLeft(s, " ")
	var names [4]string
	named := names[:0]
	for range 4 {
		if n := countBytes(rest, 3, digit); rest == "" || n > 0 && n < len(rest) && rest[n] == ':' || rest[0] == '[' {
			break
		}
		w, after, _ := strings.Cut(rest, " ")
		if len(w) > 30 {
			return s, d, false
		}
		after = strings.TrimLeft(after, " ")
		w = strings.TrimRight(w, ".,")
		switch n, isNumber := number(w); {
		case isNumber && len(w) == 4 && d.n[0] == 0:
			d.n[0] = n
		case isNumber && len(w) <= 2 && d.n[2] == 0:
			d.n[2] = n
		case isNumber:
			return s, d, false
		default:
			named = append(named, w)
		}
		rest = after
	}
	if d.n[2] == 0 { // as in nearly all lines that are no log's
		return s, d, false
	}
	for _, w := range named {
		if m := monthPrinted(w); m > 0 {
			d.n[1] = m
		}
	}
	if d.n[1] == 0 {
		return s, d, false
	}
	if d.n[0] != 0 {
		d.kind = fullDate
	}
	_, ok := d.any()
	return rest, d, ok
}

// any returns one of the days that d may be.
func (d printedDate) any() (civil, bool) {
	switch d.kind {
	case fullDate:
		return newCivil(d.n[0], d.n[1], d.n[2])
	case yearless:
		return newCivil(leapYear, d.n[1], d.n[2])
	case numeric:
		if c, ok := newCivil(d.n[2], d.n[1], d.n[0]); ok {
			return c, true
		}
		return newCivil(d.n[2], d.n[0], d.n[1])
	}
	return civil{}, false
}

// monthPrinted knows the months that monthOf knows, and how the C library prints them in further languages.
func monthPrinted(w string) int {
	low := strings.ToLower(w)
	if number, ok := strings.CutSuffix(low, "月"); ok { // Chinese and Japanese
		if n, ok := parseShort(number); ok && n <= 12 {
			return n
		}
		return 0
	}
	for i, names := range [12]string{
		"gen sty led oca ιαν tammi", "lut úno şub φεβ helmi", "mrt bře mars maalis μάρ", "kwi dub nis huhti", "mag maj mei kvě touko μάι",
		"giu cze čen haz kesä ιούν", "lug lip čec tem heinä ιούλ", "sie srp ağu elo αύγ", "wrz zář eyl syys σεπ", "paź out ott říj eki loka οκτ",
		"lis kas marras νοέ", "gru pro ara joulu δεκ",
	} {
		for name := range strings.FieldsSeq(names) {
			if low == name {
				return i + 1
			}
		}
	}
	if len(low) < 3 {
		return 0
	}
	return monthOf(low)
}

func parseShort(s string) (int, bool) {
	if len(s) > 2 {
		return 0, false
	}
	return number(s)
}
