package header

import (
	"time"
)

// gregorian brings a printed date to our calendar. Phones set to Thai print years of the Buddhist era, and those set to Persian the solar
// Hijri calendar; of years of no calendar that WhatsApp's own time has, such as 1446 of the lunar one, nothing is made. Two digits of a
// year far ahead are those of the Buddhist era.
func gregorian(d Civil) (Civil, bool) {
	const buddhist = 543
	switch y := d.Year; {
	case 2552 <= y && y <= 2642:
		d.Year -= buddhist
	case 52 <= y && y <= 85:
		d.Year += 2500 - buddhist
	case 0 <= y && y < 100:
		d.Year += 2000
	case 1388 <= y && y <= 1429:
		return fromPersian(d)
	}
	return d, 2000 <= d.Year && d.Year <= 2099
}

// ShortPersian returns the year of the solar Hijri calendar that two digits mean which come first in a date: read as ours they would be from
// before there was WhatsApp, or far ahead. Dates of that calendar are printed with the year first.
func ShortPersian(year int) (int, bool) {
	switch {
	case 0 <= year && year <= 8:
		return 1400 + year, true
	case 88 <= year && year <= 99:
		return 1300 + year, true
	}
	return 0, false
}

// fromPersian reads a date of the solar Hijri calendar: its first six months have 31 days, the next five 30, the last 29 or 30.
func fromPersian(d Civil) (Civil, bool) {
	const known = 1400 // which began on 21 March 2021
	length := 30
	switch {
	case d.Month < 1 || d.Month > 12 || d.Day < 1:
		return d, false
	case d.Month <= 6:
		length = 31
	case d.Month == 12 && !persianLeap(d.Year):
		length = 29
	}
	if d.Day > length {
		return d, false
	}
	days := (d.Month-1)*30 + min(d.Month-1, 6) + d.Day - 1
	for y := known; y < d.Year; y++ {
		days += persianDays(y)
	}
	for y := d.Year; y < known; y++ {
		days -= persianDays(y)
	}
	t := time.Date(2021, time.March, 21+days, 0, 0, 0, 0, time.UTC)
	return Civil{t.Year(), int(t.Month()), t.Day()}, true
}

// persianLeap holds for the years 1343 to 1472.
func persianLeap(year int) bool {
	switch year % 33 {
	case 1, 5, 9, 13, 17, 22, 26, 30:
		return true
	}
	return false
}

func persianDays(year int) int {
	if persianLeap(year) {
		return 366
	}
	return 365
}
