package irc

import (
	"strings"
)

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
		w := run(rest, 4, isDigit)
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
		if n := run(rest, 3, isDigit); rest == "" || n > 0 && n < len(rest) && rest[n] == ':' || rest[0] == '[' {
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
