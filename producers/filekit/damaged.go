package filekit

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
)

// Damaged is a piece of a file that could not be parsed.
type Damaged struct {
	Position        // where it begins
	Raw      []byte // it, or its beginning; may be overwritten after
	Size     int64  // of all of it; 0: of Raw
	Reason   string
	Cut      bool // the file ends in it
}

// DamagedJSON is a piece of JSON that was found at a position.
func DamagedJSON(f jsonscan.Found, at Position) Damaged {
	return Damaged{Position: at, Raw: f.Raw, Size: f.Size, Reason: f.Why, Cut: f.Cut}
}

// Describe is the reason, with how much is kept of a piece that is longer than any record.
func (d *Damaged) Describe() string {
	if d.Size > MaxRecord && d.Size > int64(len(d.Raw)) {
		return fmt.Sprintf("%s: %d bytes, of which the first %d are kept", d.Reason, d.Size, len(d.Raw))
	}
	return d.Reason
}

// Last is the record that the next one follows. A cursor embeds it.
type Last struct {
	LastID event.NativeID `json:"last_id,omitempty"` // of the last record that could be parsed
	Broken int            `json:"broken,omitempty"`  // records since then that could not
}

// Parsed notes a record that could be parsed.
func (l *Last) Parsed(id event.NativeID) { l.LastID, l.Broken = id, 0 }

// Unparsed counts a damaged record and returns its event, without what says whose and where it is. Its id is made of its bytes, of the last
// record that could be parsed and of how many damaged ones follow that, so that a second export with the same damage agrees.
func (o *Output) Unparsed(d Damaged, last *Last) event.Event {
	last.Broken++
	return o.UnparsedAfter(d, string(last.LastID), last.Broken)
}

// UnparsedAfter is Unparsed for a connector that keeps the last record in another form; nth is 1 for the first damaged record after it.
func (o *Output) UnparsedAfter(d Damaged, last string, nth int) event.Event {
	o.Counts.Read++
	o.Counts.Unparsed++
	return event.Event{
		NativeID: event.NativeID(event.Digest("unparsed", last, strconv.Itoa(nth), string(d.Raw))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: d.Describe(), File: o.Path, Line: d.Line, Offset: d.Offset},
		Raw:  bytes.Clone(d.Raw),
	}
}
