package csv

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// position is the cursor.
type position struct {
	Mapping string `json:"mapping"` // of what was read: another mapping makes other events
	filekit.Position
	Done   bool       `json:"done,omitempty"`
	Last   string     `json:"last,omitempty"`   // id of the last event that could be parsed
	Broken int        `json:"broken,omitempty"` // rows since then that could not
	Days   []dayStart `json:"days,omitempty"`   // those that the tally remembers, oldest first

	Before  time.Time `json:"before,omitzero"`   // when the row before was sent
	Falling bool      `json:"falling,omitempty"` // the youngest row comes first

	Announced []event.Channel `json:"announced,omitempty"` // those whose names are not UTF-8
}

// dayStart is where a day began. The tally itself may have an entry for every row of two days, which is too much for a cursor: what it held
// is counted again from there.
type dayStart struct {
	Day    string `json:"day"`
	Offset int64  `json:"offset"`
}

// reader reads the rows of a table.
type reader struct {
	*archive
	*plan
	filekit.Output
	position

	rows  *rows
	tally producers.Tally
}

// At implements filekit.Reader.
func (s *reader) At() filekit.Position { return s.Position }

// Cursor implements filekit.Reader.
func (s *reader) Cursor() any { return s.position }

// recount counts again what the tally held, of the rows from there to where the cursor points. Days that it did not
// remember may stand among them.
func (s *reader) recount(ctx context.Context, from int64) error {
	return filekit.Replay(ctx, s.File, s.Offset, func() int64 { return from }, func() error {
		r, err := s.rows.next(s.width)
		if err != nil {
			return err
		}
		from += int64(r.size)
		if r.why != "" || len(r.cells) != s.width {
			return nil
		}
		if c := s.content(filekit.KeyCells(r.cells)); c.id == "" && slices.ContainsFunc(s.Days, func(d dayStart) bool { return d.Day == c.at.day }) {
			s.tally.Next(c.at.day, c.at.minute, c.within(), c.text)
		}
		return nil
	})
}

// mark notes where the days began that the tally remembers.
func (s *reader) mark(offset int64) {
	days := make([]dayStart, 0, len(s.tally.Days))
	for _, d := range s.tally.Days {
		i := slices.IndexFunc(s.Days, func(m dayStart) bool { return m.Day == d.Day })
		if i >= 0 {
			days = append(days, s.Days[i])
		} else {
			days = append(days, dayStart{Day: d.Day, Offset: offset})
		}
	}
	s.Days = days
}

// Step reads a row.
func (s *reader) Step(context.Context) error {
	if s.Done {
		return io.EOF
	}
	if s.Offset == 0 {
		n, err := s.rows.skipMark()
		if err != nil {
			return err
		}
		s.Offset += int64(n)
	}
	r, err := s.rows.next(s.width)
	if err != nil {
		s.Done = err == io.EOF
		return err
	}
	at := s.Position
	s.Offset += int64(r.size)
	s.Line += bytes.Count(r.raw, []byte{'\n'}) + 1
	if at.Line == 1 && s.header || r.why == "" && len(r.cells) == 1 && strings.TrimSpace(r.cells[0]) == "" {
		return nil
	}
	if s.overruled {
		s.Notices.Add(producers.Notice{
			Code: "mapping-overrules", Text: "the mapping names a zone or charset of its own; the one named for the import is not used",
			Count: 1,
		})
	}
	if r.why != "" {
		return s.unparsed(r, at)
	}
	s.Counts.Read++
	key := filekit.KeyCells(r.cells)
	s.chars.Row(r.cells)
	e := s.message(r, key, at.Offset)
	s.reading(&e)
	if err := s.NameChannel(&e, strings.TrimSpace(s.channel.in(r.cells)), &s.Announced); err != nil {
		return err
	}
	if err := s.Emit(&e); err != nil {
		return err
	}
	s.Last, s.Broken = e.ID.String(), 0
	return nil
}

// reading notes how a row was read, and the time of the mapping that decided it.
func (s *reader) reading(e *event.Event) {
	if e.Sent.Assumed && s.zoneNamed {
		e.Reading.ZoneNamed = s.plan.named
	}
	if e.Reading.Charset = s.chars.Label; s.chars.Label != "" && s.chars.Label != charset.Damaged && s.charsetNamed {
		e.Reading.CharsetNamed = s.plan.named
	}
}

// unparsed keeps a row that could not be parsed.
func (s *reader) unparsed(r parsedRow, at filekit.Position) error {
	s.Broken++
	e := s.UnparsedAfter(filekit.Damaged{Position: at, Raw: r.raw, Reason: r.why}, s.Last, s.Broken)
	e.Source, e.Namespace, e.Account, e.NativeID = sourceName, s.namespace, s.Options.Account, "u"+e.NativeID
	return s.Emit(&e)
}

// unnamed is the channel of rows whose cell for it is empty.
const unnamed = "unnamed"

// content is what of a row ids are made of.
type content struct {
	id      event.NativeID // empty: none
	channel string
	who     event.Person
	at      moment
	text    string
	known   bool // the time could be read
}

func (s *reader) content(cells []string) content {
	c := content{
		id: event.NativeID(strings.TrimSpace(s.id.in(cells))), channel: strings.TrimSpace(s.channel.in(cells)), who: s.who(cells),
		text: s.textOf(cells),
	}
	if c.channel == "" {
		c.channel = unnamed
	}
	printed := s.printed(cells)
	if c.at, c.known = s.layout.read(printed, s.zone); !c.known {
		c.at = moment{day: printed}
	}
	return c
}

func (s *reader) textOf(cells []string) string {
	return strings.ReplaceAll(s.text.in(cells), "\r\n", "\n")
}

// order decides which pass of an hour that comes twice a row is of: the one that keeps the rows in order, which may be falling, and of
// two that do the first. A row that is days before the one above it begins something else, such as another room.
func (s *reader) order(at *moment) {
	if at.IsZero() {
		return
	}
	const near = 24 * time.Hour
	first, second := at.At, at.Other
	latest := first
	if !second.IsZero() {
		latest = second
	}
	before := s.Before
	switch fell := before.Sub(latest); {
	case before.IsZero():
	case fell > 0 && fell < near:
		s.Falling = true
	case fell < 0 && !first.Before(before):
		s.Falling = false
	}
	if !second.IsZero() && !before.IsZero() {
		minute := before.Truncate(time.Minute)
		rising := !s.Falling && first.Before(minute) && !second.Before(minute)
		falling := s.Falling && !second.After(before) && before.Sub(second) < near
		if rising || falling {
			at.TakeOther()
		}
	}
	s.Before = at.At
}

// within is whom a row is of: equal rows of two channels are not equal.
func (c *content) within() event.AuthorID {
	return event.AuthorID(event.Digest(c.channel, string(c.who.ID)))
}

// message makes an event of a row. key are its cells as ids take them.
func (s *reader) message(r parsedRow, key []string, offset int64) event.Event {
	c := s.content(key)
	if c.id == "" {
		var again bool
		if c.id, again = s.tally.Next(c.at.day, c.at.minute, c.within(), c.text); again {
			s.Counts.Ambiguous++
		}
		s.mark(offset)
	}
	s.order(&c.at)
	body := &event.Message{Type: event.TypeMessage, Text: s.textOf(r.cells)}
	if !c.known && c.at.day != "" {
		body.Details = map[string]string{"time": s.printed(r.cells)}
	} else if key, value := c.at.Detail(); key != "" {
		body.Details = map[string]string{key: value}
	}
	if c.at.Skipped {
		s.Notices.Add(producers.SkippedHour(1))
	}
	if to := strings.TrimSpace(s.reply.in(key)); to != "" {
		body.ReplyTo = &event.Ref{NativeID: event.NativeID(to)}
	}
	return event.Event{
		Source: sourceName, Namespace: s.namespace, Account: s.Options.Account, Channel: event.Channel(c.channel), NativeID: c.id,
		Author: s.who(r.cells), Kind: event.KindMessage, Revision: event.Unedited, Sent: c.at.Instant, Body: body, Raw: bytes.Clone(r.raw),
	}
}

// printed is the time as the row has it, in one column or several.
func (s *reader) printed(cells []string) string {
	var parts []string
	for _, i := range s.times {
		parts = append(parts, strings.TrimSpace(cells[i]))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// who wrote a row: by id, or where there is none by name.
func (s *reader) who(cells []string) event.Person {
	p := event.Person{ID: event.AuthorID(strings.TrimSpace(s.author.in(cells))), Name: strings.TrimSpace(s.name.in(cells))}
	switch {
	case p.ID == "":
		p.ID = event.AuthorID(p.Name)
	case p.Name == "" && !s.name.named():
		p.Name = string(p.ID)
	}
	return p
}
