package header

import (
	"fmt"
	"time"

	"github.com/agrichat/agrichat/producers"
)

// Order says which number of a date is which.
type Order string

// The orders that phones print.
const (
	DayFirst   Order = "day/month/year"
	MonthFirst Order = "month/day/year"
	YearFirst  Order = "year/month/day"
	yearDay    Order = "year/day/month"
)

// Civil is a date of no zone.
type Civil struct{ Year, Month, Day int }

// String is the date in the form of ISO 8601.
func (d Civil) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Time is the date's midnight in UTC.
func (d Civil) Time() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// NamedOrder is the order that a user means; empty if he named none.
func NamedOrder(o producers.DateOrder) Order {
	switch o {
	case producers.DayFirst:
		return DayFirst
	case producers.MonthFirst:
		return MonthFirst
	case producers.YearFirst:
		return YearFirst
	}
	return ""
}

// Swappable reports whether day and month of the date may be the other way round, which gives another date.
func (d Civil) Swappable() bool { return d.Day <= 12 && d.Day != d.Month }

// Key is the date as content keys have it: that of 4 March and of 3 April is the same, so that no id hangs on their order.
func (d Civil) Key() string {
	if d.Swappable() && d.Day < d.Month {
		d.Day, d.Month = d.Month, d.Day
	}
	return d.String()
}

// Date reads the numbers of a stamp. It refuses what no calendar has.
func (o Order) Date(n [3]int) (Civil, bool) {
	var d Civil
	switch o {
	case DayFirst:
		d = Civil{n[2], n[1], n[0]}
	case MonthFirst:
		d = Civil{n[2], n[0], n[1]}
	case YearFirst:
		d = Civil{n[0], n[1], n[2]}
		if year, ok := ShortPersian(d.Year); ok {
			d.Year = year
		}
	case yearDay:
		d = Civil{n[0], n[2], n[1]}
	}
	if isPersian := 1388 <= d.Year && d.Year <= 1429; isPersian && (o == MonthFirst || o == yearDay) {
		return d, false // nobody who uses that calendar prints it so
	}
	d, ok := gregorian(d)
	if !ok || d.Month < 1 || d.Month > 12 || d.Day < 1 {
		return d, false
	}
	if d.Day > 28 && d.Time().Day() != d.Day {
		return d, false
	}
	return d, true
}

// Orders are those that dates of the style may have; of equals the first is taken. The first two differ in day and month alone.
func (s Style) Orders() []Order {
	switch {
	case s.Separator == SeparatorMonthName:
		return []Order{DayFirst}
	case s.YearFirst:
		return []Order{YearFirst, yearDay}
	case s.YearLast:
		return []Order{DayFirst, MonthFirst}
	}
	return []Order{DayFirst, MonthFirst, YearFirst}
}

// Minutes counts a stamp's minutes, to compare it.
func (s *Stamp) Minutes(o Order) (int64, bool) {
	d, ok := o.Date(s.Numbers)
	return d.Time().Unix()/60 + int64(s.Hour*60+s.Minute), ok
}
