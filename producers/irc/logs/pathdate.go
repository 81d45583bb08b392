package logs

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/producers"
)

// dateParts is what parts of a path name of a date; 0 is missing.
type dateParts struct{ y, m, d int }

// pathYear reports whether a number is a year in a path. Those after are numbers of something else.
func pathYear(n int) bool { return 1988 <= n && n <= 2099 }

// datesOf parts folders into those that are dates and those that are names, and returns the names and the date.
// A number or the name of a month is a date only beneath a year.
func datesOf(folders []string) (names []string, dates dateParts) {
	inside := false // the folder before was part of a date
	for _, f := range folders {
		t, ok := folderDate(f, dates, inside)
		if !ok {
			names, inside = append(names, f), false
			continue
		}
		dates, inside = t, true
	}
	return names, dates
}

// dateBegins returns how many folders are above the dates that a path ends with.
func dateBegins(folders []string) int {
	for i := range folders {
		if names, _ := datesOf(folders[i:]); len(names) == 0 {
			return i
		}
	}
	return len(folders)
}

// folderDate reads a folder that is nothing but a date, or a part of the date that the folders above it begin.
func folderDate(s string, above dateParts, inside bool) (dateParts, bool) {
	fields := dateFields(s)
	if fields == nil {
		return above, false
	}
	if t, _, ok := wholeDate(fields, ""); ok {
		return t, true
	}
	switch {
	case len(fields) == 1 && fields[0].year():
		return dateParts{y: fields[0].n}, true
	case len(fields) == 2 && fields[0].year() && fields[1].year(): // 2019-2021
		return dateParts{}, true
	case yearAndPart(fields) > 0:
		return dateParts{y: yearAndPart(fields)}, true
	case len(fields) == 2 && fields[0].year() && fields[1].month() > 0:
		return dateParts{y: fields[0].n, m: fields[1].month()}, true
	case len(fields) == 2 && fields[1].year() && fields[0].month() > 0:
		return dateParts{y: fields[1].n, m: fields[0].month()}, true
	case !inside || above.y == 0:
		return above, false
	}
	return above.add(fields, "")
}

// yearAndPart returns the year of a week or a quarter, which name no day; 0: the fields are something else.
func yearAndPart(f []dateField) int {
	switch {
	case len(f) != 2:
	case f[0].year() && f[1].kind == weekField:
		return f[0].n
	case f[1].year() && f[0].kind == weekField:
		return f[1].n
	}
	return 0
}

// add completes a date by the fields of a part beneath it.
func (t dateParts) add(fields []dateField, order producers.DateOrder) (dateParts, bool) {
	switch {
	case len(fields) == 1 && fields[0].kind == weekField:
		return t, true
	case len(fields) == 1 && t.m == 0 && fields[0].month() > 0:
		t.m = fields[0].month()
		return t, true
	case len(fields) == 1 && t.m > 0 && t.d == 0 && fields[0].kind == shortField:
		t.d = fields[0].n
		_, ok := newCivil(t.y, t.m, t.d)
		return t, ok
	case len(fields) == 2 && t.m == 0 && fields[0].kind == shortField && fields[1].kind == nameField && fields[0].n == fields[1].n: // 03-March
		t.m = fields[1].n
		return t, true
	case len(fields) == 2 && t.m == 0:
		for _, md := range monthDays(fields[0], fields[1], order) {
			if _, ok := newCivil(t.y, md[0], md[1]); ok {
				return dateParts{t.y, md[0], md[1]}, true
			}
		}
	case len(fields) == 2 && t.m > 0: // 2019/10/10-01
		if u, ok := (dateParts{y: t.y}).add(fields, order); ok && u.m == t.m {
			return u, true
		}
	}
	return t, false
}

// monthDays returns what two fields may mean as month and day, the likeliest first: beneath a year the month comes first.
func monthDays(a, b dateField, order producers.DateOrder) [][2]int {
	switch {
	case a.kind == nameField && b.kind == shortField:
		return [][2]int{{a.n, b.n}}
	case b.kind == nameField && a.kind == shortField:
		return [][2]int{{b.n, a.n}}
	case a.kind != shortField || b.kind != shortField:
		return nil
	case order == producers.DayFirst:
		return [][2]int{{b.n, a.n}, {a.n, b.n}}
	}
	return [][2]int{{a.n, b.n}, {b.n, a.n}}
}

// fileDate takes the date out of a file's name, completed by that of the folders, and what else is there only to distinguish parts of
// a log from each other. Where it names no day, it may still name the year.
func fileDate(base string, above dateParts, order producers.DateOrder) (rest string, day civil, year int, guessed bool) {
	if d, before, ok := isoDate(base); ok {
		return nameBeside(before, base[len(before)+len("2006-01-02"):]), d, d.Year, false
	}
	if d, before, after, ok := compactDate(base); ok {
		return nameBeside(before, after), d, d.Year, false
	}
	for at := -1; at < len(base); at++ {
		if at >= 0 && strings.IndexByte("._- ", base[at]) < 0 {
			continue
		}
		t, g, ok := endDate(base, at, above, order)
		if !ok {
			continue
		}
		d, _ := newCivil(t.y, t.m, t.d)
		return nameBeside(base[:max(at, 0)], ""), d, t.y, g && d.isSet()
	}
	d, _ := newCivil(above.y, above.m, above.d)
	return base, d, above.y, false
}

// wholeDay finds a day in a file's name.
func wholeDay(base string) (civil, bool) {
	if d, _, ok := isoDate(base); ok {
		return d, true
	}
	d, _, _, ok := compactDate(base)
	return d, ok
}

// nameBeside returns what is beside a date in a file's name; a number alone is that of a part.
func nameBeside(before, after string) string {
	name := withoutExtensions(strings.Trim(before, "_-. "))
	if name == "" {
		name = strings.Trim(after, "_-. ")
	}
	if _, part := number(name); part {
		return ""
	}
	return name
}

// endDate reads the date, or a part of one, that a file's name holds from the separator at on; -1 is all of it. The less it
// names, the more clearly it must be separated: #fosdem-2021 and #python-3 are channels.
func endDate(base string, at int, above dateParts, order producers.DateOrder) (t dateParts, guessed, ok bool) {
	fields := dateFields(base[at+1:])
	if fields == nil {
		return t, false, false
	}
	if t, guessed, ok := wholeDate(fields, order); ok {
		return t, guessed, true
	}
	whole := at < 0
	apart := whole || base[at] == '.' || base[at] == '_'
	switch last := fields[len(fields)-1]; {
	case len(fields) == 1 && last.year():
		return dateParts{y: last.n}, false, whole || base[at] == '.'
	case yearAndPart(fields) > 0:
		return dateParts{y: yearAndPart(fields)}, false, true
	case len(fields) == 1 && last.kind == weekField:
		return above, false, above.y > 0 && apart
	case len(fields) == 2 && fields[0].year() && fields[1].month() > 0:
		return dateParts{y: fields[0].n, m: fields[1].month()}, false, true
	case len(fields) == 2 && last.year() && fields[0].month() > 0:
		return dateParts{y: last.n, m: fields[0].month()}, false, true
	case len(fields) == 1 && !whole && above.y > 0 && above.m == 0 && last.two && last.month() > 0 && base[at] != ' ': // 2021/#a.03 is March's
		return dateParts{y: above.y, m: last.n}, false, true
	case len(fields) == 1 && last.kind == shortField && !whole && (above.m == 0 || !apart || !last.two):
		return t, false, false
	case len(fields) == 1 && last.kind != shortField && !(whole && above.y > 0):
		return t, false, false
	case len(fields) == 2 && above.y == 0 && (!apart || !fields[0].two || !last.two):
		return t, false, false
	}
	if above.y > 0 {
		if above.d > 0 && len(fields) == 1 { // a part of that day
			return above, false, whole
		}
		t, ok := above.add(fields, order)
		return t, false, ok || whole && fields[0].kind == shortField
	}
	if len(fields) == 2 {
		_, ok = dateParts{y: leapYear}.add(fields, order)
	}
	return dateParts{}, false, ok || whole && fields[0].kind == shortField
}

// leapYear has every day that a month and a day without a year may be.
const leapYear = 2000

// wholeDate reads year, month and day, in whatever order.
func wholeDate(f []dateField, order producers.DateOrder) (t dateParts, guessed, ok bool) {
	if len(f) != 3 {
		return t, false, false
	}
	try := func(y, m, d int) bool {
		if 0 < y && y < 100 {
			y += 2000
		}
		if _, valid := newCivil(y, m, d); !valid {
			return false
		}
		t = dateParts{y, m, d}
		return true
	}
	a, b, c := f[0], f[1], f[2]
	switch {
	case a.year() && b.kind == weekField:
		t, ok = weekDate(a.n, b.n, c.n)
		return t, false, ok && c.kind == shortField && !c.two
	case a.year() && b.month() > 0 && c.kind == shortField:
		ok = try(a.n, b.month(), c.n)
		return t, false, ok
	case b.kind == nameField && a.kind == shortField && c.year():
		ok = try(c.n, b.n, a.n)
		return t, false, ok
	case a.kind == nameField && b.kind == shortField && c.year():
		ok = try(c.n, a.n, b.n)
		return t, false, ok
	case a.kind != shortField || b.kind != shortField:
		return t, false, false
	case c.year():
		return numericDate(try, &t, order, c.n, a.n, b.n)
	case a.two && b.two && c.two && c.kind == shortField: // 19-10-01
		return shortDate(try, &t, order, a.n, b.n, c.n)
	}
	return t, false, false
}

// weekDate reads 2021-W09-1: year, week and weekday of ISO 8601.
func weekDate(y, week, day int) (dateParts, bool) {
	const january4 = 4 // is always in the first week
	first := time.Date(y, time.January, january4, 0, 0, 0, 0, time.UTC)
	sinceMonday := (int(first.Weekday()) + 6) % 7
	at := first.AddDate(0, 0, (week-1)*7+day-1-sinceMonday)
	isoYear, isoWeek := at.ISOWeek()
	return dateParts{at.Year(), int(at.Month()), at.Day()}, 1 <= day && day <= 7 && isoYear == y && isoWeek == week
}

// numericDate reads 01-10-2019: the day first, unless it cannot be or the user says so.
func numericDate(try func(y, m, d int) bool, t *dateParts, order producers.DateOrder, y, a, b int) (dateParts, bool, bool) {
	if order == producers.MonthFirst && try(y, a, b) {
		return *t, false, true
	}
	if try(y, b, a) {
		return *t, order == "" && a <= 12 && a != b, true
	}
	ok := try(y, a, b)
	return *t, false, ok
}

// shortDate reads 19-10-01, whose every number may be the year.
func shortDate(try func(y, m, d int) bool, t *dateParts, order producers.DateOrder, a, b, c int) (dateParts, bool, bool) {
	var ok bool
	switch order {
	case producers.DayFirst:
		ok = try(c, b, a)
	case producers.MonthFirst:
		ok = try(c, a, b)
	default:
		ok = try(a, b, c)
	}
	return *t, order == "" && ok, ok
}

type fieldKind int

const (
	longField  fieldKind = iota // four digits
	shortField                  // one or two digits
	nameField                   // of a month
	weekField                   // or a quarter
)

// dateField is one number or name of a date.
type dateField struct {
	kind fieldKind
	n    int
	two  bool // it has two digits
}

func (f dateField) year() bool { return f.kind == longField }

// month returns the number of the month that f may be; 0: none.
func (f dateField) month() int {
	if (f.kind == shortField || f.kind == nameField) && f.n <= 12 {
		return f.n
	}
	return 0
}

// dateFields parts a string that is nothing but numbers and names of months into them; nil if it is something else.
func dateFields(s string) []dateField {
	if s == "" || len(s) > 24 {
		return nil
	}
	var out []dateField
	for i := 0; i < len(s); {
		if len(out) > 0 && strings.IndexByte("._- ,", s[i]) >= 0 {
			i++
			continue
		}
		if f, length := weekFields(s[i:]); length > 0 {
			out, i = append(out, f...), i+length
			continue
		}
		n := countBytes(s[i:], len(s), digit)
		if n == 0 {
			n = countBytes(s[i:], len(s), isLetter)
		}
		f := fieldsOf(s[i : i+n])
		if f == nil || i+n < len(s) && s[i+n] >= 0x80 {
			return nil
		}
		out, i = append(out, f...), i+n
	}
	if len(out) > 3 {
		return nil
	}
	return out
}

// weekFields reads a week or a quarter, and the weekday that may follow a week: "W09", "w9", "KW09", "week-09", "W091", "Q1". length 0: it is neither.
func weekFields(s string) (f []dateField, length int) {
	low := strings.ToLower(s)
	for _, word := range [...]string{"week", "kw", "w", "q"} {
		rest, ok := strings.CutPrefix(low, word)
		if !ok {
			continue
		}
		if len(rest) > 1 && strings.IndexByte("._- ", rest[0]) >= 0 && word != "q" {
			rest = rest[1:]
		}
		n := countBytes(rest, len(rest), digit)
		if n == 0 || n > 3 || word == "q" && (n > 1 || rest[0] > '4') {
			return nil, 0
		}
		week, _ := number(rest[:min(n, 2)])
		if week == 0 || week > 53 {
			return nil, 0
		}
		f = []dateField{{kind: weekField, n: week}}
		if n == 3 {
			f = append(f, dateField{kind: shortField, n: int(rest[2] - '0')})
		}
		return f, len(low) - len(rest) + n
	}
	return nil, 0
}

// fieldsOf reads one run of digits or letters.
func fieldsOf(s string) []dateField {
	if s == "" {
		return nil
	}
	n, ok := number(s)
	if !ok {
		if m := monthNamed(s); m > 0 {
			return []dateField{{kind: nameField, n: m}}
		}
		return nil
	}
	two := func(n int) dateField { return dateField{shortField, n, true} }
	switch {
	case len(s) <= 2 && 1 <= n && n <= 31:
		return []dateField{{shortField, n, len(s) == 2}}
	case len(s) == 4 && pathYear(n):
		return []dateField{{kind: longField, n: n}}
	case len(s) == 6 && pathYear(n/100) && 1 <= n%100 && n%100 <= 12:
		return []dateField{{kind: longField, n: n / 100}, two(n % 100)}
	case len(s) == 8 && pathYear(n/10000):
		return []dateField{{kind: longField, n: n / 10000}, two(n / 100 % 100), two(n % 100)}
	}
	return nil
}

// monthNamed knows the names of months as programs print them in paths, whole or cut to three letters.
func monthNamed(s string) int {
	s = strings.ToLower(s)
	for i, m := range [12]string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	} {
		if s == m || s == m[:3] {
			return i + 1
		}
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
