package whatsapp

import (
	"slices"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// days makes the content keys of a file.
//
// Of most dates the last two are remembered, as filekit does. A date whose day and month may be the other way round shares its key with another
// one of its year, weeks or months away, whose equal lines go on counting: those of two years are remembered.
type days struct {
	filekit.Days[position]
	years  []yearCounts
	starts []filekit.DayStart[position] // of the years, in their order
	// yearAnchor is the anchor of the years. Each part counts from its own anchor on.
	yearAnchor position

	from, yearFrom int64 // where counting begins
}

// newDays counts on from two anchors.
func newDays(day, year position) days {
	return days{
		Days: filekit.Days[position]{Anchor: day}, yearAnchor: year, from: day.Offset, yearFrom: year.Offset,
	}
}

// yearCounts are one year's counts, by the key of a date.
type yearCounts struct {
	year string
	days map[string]*producers.Tally
}

// maxYears is how many years are remembered: a line may come late at the turn of one.
const maxYears = 2

// line is what the key of a record is made of.
type line struct {
	day, clock string // the day's key, and the minute
	swappable  bool   // the day's key is that of two dates
	author     event.AuthorID
	text       string
}

// next returns the key of a line that begins at here, and whether an equal one came before. Before the anchor it returns none.
func (d *days) next(here position, l line) (event.NativeID, bool) {
	switch {
	case l.swappable && here.Offset < d.yearFrom, !l.swappable && here.Offset < d.from:
		return "", false
	case l.swappable:
		return d.year(here, l.day[:len("2006")]).tally(l.day).Next(l.day, l.clock, l.author, l.text)
	}
	return d.Next(here, l.day, l.clock, l.author, l.text)
}

// year returns the counts of a year, and moves the anchor on where a new year begins.
func (d *days) year(here position, name string) *yearCounts {
	i := slices.IndexFunc(d.years, func(y yearCounts) bool { return y.year == name })
	filekit.MarkLate(d.starts, i)
	if i >= 0 {
		return &d.years[i]
	}
	d.years = append(d.years, yearCounts{name, map[string]*producers.Tally{}})
	d.starts = append(d.starts, filekit.DayStart[position]{At: here})
	if len(d.years) > maxYears {
		d.years, d.starts = d.years[1:], d.starts[1:]
		if !d.starts[0].Late {
			d.yearAnchor = d.starts[0].At
		}
	}
	return &d.years[len(d.years)-1]
}

// tally returns the counts of a date.
func (y *yearCounts) tally(day string) *producers.Tally {
	t := y.days[day]
	if t == nil {
		t = &producers.Tally{}
		y.days[day] = t
	}
	return t
}
