package filekit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// Days makes the content keys of a file without ids, and knows from where on the file must be read again to have the same counts: a tally
// may have an entry for every line of two days, which is too much for a cursor. P is a position of the format.
type Days[P any] struct {
	Tally  producers.Tally
	Anchor P // counting from here on gives the tally
	begins []DayStart[P]
}

// DayStart is where a day begins whose lines are counted.
type DayStart[P any] struct {
	At P
	// Late says that lines of an older day came after this one began: counting from here on would miss that they are old.
	Late bool
}

// Next returns the key of a line that stands at here, and whether an equal line came before it in its minute.
func (d *Days[P]) Next(here P, day, minute string, author event.AuthorID, text string) (event.NativeID, bool) {
	i := slices.IndexFunc(d.Tally.Days, func(t producers.TallyDay) bool { return t.Day == day })
	MarkLate(d.begins, i)
	id, ambiguous := d.Tally.Next(day, minute, author, text)
	if i >= 0 {
		return id, ambiguous
	}
	d.begins = append(d.begins, DayStart[P]{At: here})
	if drop := len(d.begins) - len(d.Tally.Days); drop > 0 {
		d.begins = d.begins[drop:]
		if !d.begins[0].Late { // else the anchor stays: what is counted from an exact place on is exact for ever
			d.Anchor = d.begins[0].At
		}
	}
	return id, ambiguous
}

// MarkLate marks the days that began after the i-th, of which a line came; -1 is a new day.
func MarkLate[P any](days []DayStart[P], i int) {
	for later := i + 1; i >= 0 && later < len(days); later++ {
		days[later].Late = true
	}
}

// recordsPerCheck is how many records are read between two looks at the context.
const recordsPerCheck = 1024

var errChanged = errors.New("no record begins where reading stopped last time: the file has changed; import it anew")

// Replay reads a file again up to where a cursor points, so that what it counts is as it was: read reads a record, and at is where the next
// one begins. A file in which no record begins there is another than the cursor was made for, which is fatal.
func Replay(ctx context.Context, f producers.File, to int64, at func() int64, read func() error) error {
	for n := 0; at() < to; n++ {
		if n%recordsPerCheck == 0 && ctx.Err() != nil {
			return fmt.Errorf("resuming in %s: %w", f.Path, ctx.Err())
		}
		if err := read(); err != nil {
			return resumeError(f, err)
		}
	}
	if at() != to {
		return resumeError(f, errChanged)
	}
	return nil
}

// SkipTo passes the first n bytes of a file that was just opened, before a Replay.
func SkipTo(f producers.File, in io.Reader, n int64) error {
	if err := producers.Skip(in, n); err != nil {
		return resumeError(f, err)
	}
	return nil
}

// Changed is the fatal error of a file that is not the one that a cursor was made for.
func Changed(f producers.File) error { return resumeError(f, errChanged) }

// resumeError says that a file is not the one that a cursor was made for, if it is too short; other errors may pass.
func resumeError(f producers.File, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errChanged
	}
	wrapped := fmt.Errorf("resuming in %s: %w", f.Path, err)
	if errors.Is(err, errChanged) {
		return fault.AsFatal(wrapped)
	}
	return wrapped
}
