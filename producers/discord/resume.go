package discord

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// connectTable opens a table, and counts again what the cursor's tally held.
func (a *archive) connectTable(ctx context.Context, out output) (producers.Session, error) {
	w, part := a.tables.locate(a.File.Path)
	if out.Where.Channel == "" { // a file is of one channel, even if others lie beside it when it is read on
		if err := w.called(a.Options.Charset); err != nil {
			return nil, fault.AsFatal(err)
		}
		a.nameByOptions(&w)
		out.Where = w
	}
	t := &table{output: out, clock: clock{zone: a.Options.Zone}}
	t.derived = strings.HasPrefix(string(out.Where.Channel), "name:") && a.Options.Channel == ""
	if err := t.join(ctx); err != nil {
		return nil, err
	}
	t.cols, _ = parseHeader([]byte(t.Header))
	if t.Location == atStart && !t.Complete {
		if err := t.seed(ctx, part); err != nil {
			return nil, err
		}
	} else if t.Seed != "" {
		before := t.Days
		if err := t.seed(ctx, part); err != nil {
			return nil, err
		}
		t.Days = before
	}
	from := t.Position
	for _, d := range t.Days {
		if d.Offset < from.Offset {
			from = d.Position
		}
	}
	in, err := producers.OpenAt(a.File, from.Offset)
	if err != nil {
		return nil, err
	}
	t.scan = newScanner(in, from.Offset, from.Line)
	if err := filekit.Replay(ctx, a.File, t.Offset, t.scan.Offset, t.replayRow); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return filekit.NewSession(a.File, in, &t.Output, t), nil
}

// join reads the JSON export of the channel that may lie beside the table, which says more of it than a file's name.
func (t *table) join(ctx context.Context) (err error) {
	if t.sibling, err = t.archive.sibling(ctx, &t.Where); err != nil || t.sibling == nil {
		return err
	}
	t.taken = map[event.NativeID]struct{}{}
	t.Where, t.derived = t.sibling.where, false
	return nil
}

// place lets the user's words stand over what the path says.
func (a *archive) nameByOptions(w *where) {
	if c := a.Options.Channel; c != "" {
		w.Channel = c
		if isID(string(c)) {
			w.Namespace = sourceName
			return
		}
		w.Namespace, w.Name = "", string(c)
	}
	if w.Namespace == "" {
		w.Namespace = a.Options.Namespace
	}
	if w.Namespace == "" {
		w.Namespace = unnumbered
	}
}

// replayRow counts a row of the days that the tally remembers.
func (t *table) replayRow() error {
	offset := t.scan.Offset()
	cells, size, why := t.row()
	switch {
	case size == 0:
		return cmp.Or(t.scan.Err(), io.EOF)
	case why != "":
		if k := t.nextRow(t.scan.Rest()[1:size], true); k >= 0 {
			size = 1 + k
		} else if size >= filekit.MaxRecord || t.scan.Rest()[size-1] != '\n' {
			t.scan.lost(why, t.nextRow)
			return nil
		}
	default:
		if s := t.keyOf(cells); t.counted(s.at.day, offset) && !blank(cells) {
			t.tally.Next(s.at.day, s.at.minute, s.author, s.text)
			t.chars.Row(cells)
			t.fromSibling(cells, s.at.Instant)
		}
	}
	t.scan.Skip(size)
	return nil
}

// counted reports whether the tally remembers a row of that day at that place.
func (t *table) counted(day string, offset int64) bool {
	for _, d := range t.Days {
		if d.Day == day {
			return offset >= d.Offset
		}
	}
	return false
}

// mark notes where a day begins that the tally will remember, as many as it does.
func (t *table) mark(day string, at filekit.Position) {
	for _, d := range t.Days {
		if d.Day == day {
			return
		}
	}
	t.Days = append(t.Days, dayMark{Day: day, Position: at})
	if len(t.Days) > 2 {
		if t.Days[0].Day == t.Seed {
			t.Seed = ""
		}
		t.Days = t.Days[1:]
	}
}

// seed counts the last minute of the part before this one: an export that is cut into parts may cut a minute, and equal lines
// on both sides are two messages.
func (t *table) seed(ctx context.Context, part int) error {
	name := partBefore(t.File.Path, part)
	if name == "" || t.File.Beside == nil {
		return nil
	}
	r, err := t.File.Beside(name)
	if err != nil { // it is not there, so nothing is known of it
		return nil //nolint:nilerr // the part may be all that somebody has
	}
	p := &table{
		output: output{archive: t.archive, Output: t.NewOutput(), state: state{Position: filekit.Start(), Where: t.Where}, chars: t.chars},
		scan:   newScanner(r, 0, 1), clock: t.clock,
	}
	minute, err := p.lastMinute(ctx)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("reading the part before %s: %w", t.File.Path, err)
	}
	for _, s := range minute {
		t.tally.Next(s.at.day, s.at.minute, s.author, s.text)
		if t.sibling != nil {
			if k, _, _ := t.sibling.find(s.author, s.at.Instant, s.text, t.taken); k != nil {
				t.taken[k.id] = struct{}{}
			}
		}
		t.Seed, t.Days = s.at.day, []dayMark{{Day: s.at.day, Position: filekit.Start()}}
	}
	if t.Location == atStart {
		t.Before = p.Before // an hour that is set back may begin in one part and end in the next
	}
	return nil
}

// lastMinute returns the rows of the last minute.
func (t *table) lastMinute(ctx context.Context) (rows []keyed, err error) {
	for !t.Complete {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.Batch = producers.Batch{} // these events are discarded
		if t.Location == atStart {
			if t.header() != nil {
				return nil, t.scan.Err()
			}
			continue
		}
		cells, n, why := t.row()
		switch {
		case n == 0:
			return rows, t.scan.Err()
		case why != "":
			if err := t.misread(n, why); err != nil {
				return nil, err
			}
			continue
		}
		t.scan.Skip(n)
		s := t.keyOf(cells)
		if !s.at.ok || blank(cells) {
			continue
		}
		t.Before = s.at.At
		if len(rows) > 0 && (rows[0].at.day != s.at.day || rows[0].at.minute != s.at.minute) {
			rows = rows[:0]
		}
		rows = append(rows, s)
	}
	return rows, nil
}

// partBefore is the name of the file that holds the part before the given one; empty if there is none.
func partBefore(file string, part int) string {
	if part < 2 {
		return ""
	}
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	ext := path.Ext(base)
	this, before := strconv.Itoa(part), strconv.Itoa(part-1)
	name := strings.TrimSuffix(base, ext)
	if name == this {
		return before + ext
	}
	marked, ok := strings.CutSuffix(name, " [part "+this+"]")
	switch {
	case !ok:
		return ""
	case part == 2: // the first part bears no mark
		return marked + ext
	}
	return marked + " [part " + before + "]" + ext
}
