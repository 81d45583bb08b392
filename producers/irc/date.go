package irc

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

func (d civil) known() bool { return d != civil{} }

// String is the day part of content keys; empty without a date.
func (d civil) String() string {
	if !d.known() {
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
		if i > 0 && isDigit(s[i-1]) {
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
	if len(s) < 10 || s[4] != sep || s[7] != sep || len(s) > 10 && isDigit(s[10]) {
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

// compactDate finds the first YYYYMMDD in s that stands alone, and returns what comes before and after it.
func compactDate(s string) (d civil, before, after string, ok bool) {
	for i := 0; i+8 <= len(s); i++ {
		n := run(s[i:], len(s), isDigit)
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
		if !isDigit(s[i]) {
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
