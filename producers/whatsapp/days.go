package whatsapp

import (
	"slices"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// days is the tally, and from where on a file must be read again to have the same tally.
//
// Of most dates the last two are remembered. A date whose day and month may be the other way round shares its key with another
// one of its year, weeks or months away, whose equal lines go on counting: those of two years are remembered.
type days struct {
	tally  producers.Tally
	begins []dayBegin // of the tally's days, in its order
	anchor position
	years  []yearBegin
	// yearAnchor is the anchor of the years. Each part counts from its own anchor on.
	yearAnchor position

	from, yearFrom int64 // where counting begins
}

// newDays counts on from two anchors.
func newDays(day, year position) days {
	return days{anchor: day, yearAnchor: year, from: day.Offset, yearFrom: year.Offset}
}

type dayBegin struct {
	at position
	// late says that lines of an older day came after this one began: counting from here on would miss that they are old.
	late bool
}

// yearBegin is one year's counts, by the key of a date.
type yearBegin struct {
	dayBegin
	year string
	days map[string]*producers.Tally
}

// yearsKept is how many years are remembered: a line may come late at the turn of one.
const yearsKept = 2

// line is what the key of a record is made of.
type line struct {
	day, clock string // the day's key, and the minute
	swappable  bool   // the day's key is that of two dates
	author     event.AuthorID
	text       string
}

// next returns the key of a line that stands at here, and whether an equal one came before. Before the anchor it returns none.
func (d *days) next(here position, l line) (event.NativeID, bool) {
	if l.swappable {
		return d.nextOfYear(here, l)
	}
	if here.Offset < d.from {
		return "", false
	}
	i := slices.IndexFunc(d.tally.Days, func(t producers.TallyDay) bool { return t.Day == l.day })
	for later := i + 1; i >= 0 && later < len(d.begins); later++ {
		d.begins[later].late = true
	}
	id, ambiguous := d.tally.Next(l.day, l.clock, l.author, l.text)
	if i >= 0 {
		return id, ambiguous
	}
	d.begins = append(d.begins, dayBegin{at: here})
	if drop := len(d.begins) - len(d.tally.Days); drop > 0 {
		d.begins = d.begins[drop:]
		if !d.begins[0].late { // else the anchor stays: what is counted from an exact place on is exact for ever
			d.anchor = d.begins[0].at
		}
	}
	return id, ambiguous
}

func (d *days) nextOfYear(here position, l line) (event.NativeID, bool) {
	if here.Offset < d.yearFrom {
		return "", false
	}
	name := l.day[:len("2006")]
	i := slices.IndexFunc(d.years, func(y yearBegin) bool { return y.year == name })
	for later := i + 1; i >= 0 && later < len(d.years); later++ {
		d.years[later].late = true
	}
	if i < 0 {
		d.years = append(d.years, yearBegin{dayBegin{at: here}, name, map[string]*producers.Tally{}})
		if len(d.years) > yearsKept {
			d.years = d.years[1:]
			if !d.years[0].late {
				d.yearAnchor = d.years[0].at
			}
		}
		i = len(d.years) - 1
	}
	tally := d.years[i].days[l.day]
	if tally == nil {
		tally = &producers.Tally{}
		d.years[i].days[l.day] = tally
	}
	return tally.Next(l.day, l.clock, l.author, l.text)
}
