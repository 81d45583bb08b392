package csv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// session is one reading of a table.
type session struct {
	*archive
	*plan
	position

	in    io.Closer
	rows  *rows
	tally producers.Tally

	skipped int // rows of the batch whose hour the zone skips
}

// rowsPerCheck is how many rows are read between two looks at the context.
const rowsPerCheck = 1024

// errOtherFile says that the table is not the one that the cursor was made for.
var errOtherFile = errors.New("the table is not what it was: no row begins where reading stopped last time; import it anew")

// recount counts again what the tally held, of the rows from there to where the cursor points. Days that it did not
// remember may stand among them.
func (s *session) recount(ctx context.Context, from int64) error {
	for n := 0; from < s.Offset; n++ {
		if n%rowsPerCheck == 0 && ctx.Err() != nil {
			return fmt.Errorf("going on in %s: %w", s.file.Path, ctx.Err())
		}
		r, err := s.rows.next(s.width)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("going on in %s: %w", s.file.Path, err)
		}
		from += int64(r.size)
		if r.why != "" || len(r.cells) != s.width {
			continue
		}
		if c := s.content(keyCells(r.cells)); c.id == "" && slices.ContainsFunc(s.Days, func(d since) bool { return d.Day == c.at.day }) {
			s.tally.Next(c.at.day, c.at.minute, c.within(), c.text)
		}
	}
	if from != s.Offset {
		return fault.AsFatal(fmt.Errorf("going on in %s: %w", s.file.Path, errOtherFile))
	}
	return nil
}

// mark notes where the days began that the tally remembers.
func (s *session) mark(offset int64) {
	days := make([]since, 0, len(s.tally.Days))
	for _, d := range s.tally.Days {
		i := slices.IndexFunc(s.Days, func(m since) bool { return m.Day == d.Day })
		if i >= 0 {
			days = append(days, s.Days[i])
		} else {
			days = append(days, since{Day: d.Day, Offset: offset})
		}
	}
	s.Days = days
}

// Next reads rows until a batch is full or the table ends.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", s.file.Path, err)
	}
	var b producers.Batch
	s.skipped = 0
	for len(b.Events) < s.batch && !s.Done {
		if err := s.step(&b); err != nil {
			return producers.Batch{}, fmt.Errorf("reading %s, line %d: %w", s.file.Path, s.Line, err)
		}
	}
	if b.Counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	var err error
	if b.Cursor, err = json.Marshal(s.position); err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	if s.skipped > 0 {
		b.Notices = append(b.Notices, producers.SkippedHour(s.skipped))
	}
	if s.overruled && b.Counts.Read > 0 {
		b.Notices = append(b.Notices, producers.Notice{
			Code: "mapping-overrules", Text: "the mapping names a zone or charset of its own; the one named for the import is not used",
			Count: b.Counts.Read,
		})
	}
	return b, nil
}

// Close closes the file.
func (s *session) Close() error {
	if s.in == nil {
		return nil
	}
	in := s.in
	s.in = nil
	if err := in.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.file.Path, err)
	}
	return nil
}

// step reads a row.
func (s *session) step(b *producers.Batch) error {
	if s.Offset == 0 {
		n, err := s.rows.skipMark()
		if err != nil {
			return err
		}
		s.Offset += int64(n)
		b.Counts.Bytes += int64(n)
	}
	r, err := s.rows.next(s.width)
	if errors.Is(err, io.EOF) {
		s.Done = true
		return nil
	}
	if err != nil {
		return err
	}
	offset, line := s.Offset, s.Line
	s.Offset += int64(r.size)
	s.Line += bytes.Count(r.raw, []byte{'\n'}) + 1
	b.Counts.Bytes += int64(r.size)
	if line == 1 && s.header || r.why == "" && len(r.cells) == 1 && strings.TrimSpace(r.cells[0]) == "" {
		return nil
	}
	b.Counts.Read++
	if r.why != "" {
		b.Counts.Unparsed++
		return s.add(b, s.unparsed(r, offset, line))
	}
	key, label := r.cells, ""
	if !valid(r.cells) {
		key, label = keyCells(r.cells), s.chars.Cells(r.cells)
	}
	e, again := s.message(r, key, offset)
	if again {
		b.Counts.Ambiguous++
	}
	s.reading(&e, label)
	if err := s.announce(b, r.cells, &e); err != nil {
		return err
	}
	return s.add(b, e)
}

// reading notes how a row was read, and when the mapping said so.
func (s *session) reading(e *event.Event, label string) {
	if e.Sent.Assumed && s.zoneNamed {
		e.Reading.ZoneNamed = s.plan.named
	}
	if e.Reading.Charset = label; label != "" && label != charset.Damaged && s.charsetNamed {
		e.Reading.CharsetNamed = s.plan.named
	}
}

// announce says what a channel is called whose name is not UTF-8: its id is the same in every charset.
func (s *session) announce(b *producers.Batch, cells []string, row *event.Event) error {
	name := s.channel.in(cells)
	if row.Reading.Charset == "" || strings.TrimSpace(name) == string(row.Channel) {
		return nil
	}
	if slices.Contains(s.Announced, row.Channel) {
		return nil
	}
	s.Announced = append(s.Announced, row.Channel)
	e := event.Event{
		Source: sourceName, Namespace: row.Namespace, Account: row.Account, Channel: row.Channel, NativeID: event.NativeID(row.Channel),
		Kind: event.KindChannel, Revision: event.Unedited + "." + event.Revision(event.Digest(string(row.Channel))), Reading: row.Reading,
		Body: &event.ChannelInfo{Name: strings.TrimSpace(name)}, Raw: row.Raw,
	}
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	b.Events = append(b.Events, e)
	return nil
}

// add seals an event and puts it into the batch.
func (s *session) add(b *producers.Batch, e event.Event) error {
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	if e.Kind != event.KindUnparsed {
		s.Last, s.Broken = e.ID.String(), 0
	}
	b.Events = append(b.Events, e)
	return nil
}

func valid(cells []string) bool {
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return false
		}
	}
	return true
}

// keyCells are cells as ids take them; the cells themselves if they are UTF-8.
func keyCells(cells []string) []string {
	if valid(cells) {
		return cells
	}
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = charset.Key([]byte(c))
	}
	return out
}

// unparsed keeps a row that could not be read. Its id is made of its bytes and of the event before it, so that a second
// table with the same rows agrees.
func (s *session) unparsed(r read, offset int64, line int) event.Event {
	s.Broken++
	return event.Event{
		Source: sourceName, Namespace: s.namespace, Account: s.options.Account,
		NativeID: event.NativeID("u" + event.Digest("unparsed", s.Last, strconv.Itoa(s.Broken), string(r.raw))),
		Kind:     event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: r.why, File: printable([]byte(s.file.Path)), Line: line, Offset: offset},
		Raw:  bytes.Clone(r.raw),
	}
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

func (s *session) content(cells []string) content {
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

func (s *session) textOf(cells []string) string {
	return strings.ReplaceAll(s.text.in(cells), "\r\n", "\n")
}

// order decides which pass of an hour that comes twice a row is of: the one that keeps the rows in order, which may be falling, and of
// two that do the first. A row that is days before the one above it begins something else, such as another room.
func (s *session) order(at *moment) {
	if at.IsZero() {
		return
	}
	const near = 24 * time.Hour
	first, second := at.At, at.other
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
			at.At, at.other = second.UTC(), first
		}
	}
	s.Before = at.At
}

// within is whom a row is of: equal rows of two channels are not equal.
func (c *content) within() event.AuthorID {
	return event.AuthorID(event.Digest(c.channel, string(c.who.ID)))
}

// message makes an event of a row. key are its cells as ids take them.
func (s *session) message(r read, key []string, offset int64) (e event.Event, again bool) {
	c := s.content(key)
	if c.id == "" {
		c.id, again = s.tally.Next(c.at.day, c.at.minute, c.within(), c.text)
		s.mark(offset)
	}
	s.order(&c.at)
	body := &event.Message{Type: event.TypeMessage, Text: s.textOf(r.cells)}
	switch {
	case !c.known && c.at.day != "":
		body.Details = map[string]string{"time": s.printed(r.cells)}
	case c.at.skipped:
		body.Details = map[string]string{producers.DetailSkippedHour: "true"}
		s.skipped++
	case !c.at.other.IsZero():
		body.Details = map[string]string{"sent_or": c.at.other.UTC().Format("2006-01-02T15:04:05Z07:00")}
	}
	if to := strings.TrimSpace(s.reply.in(key)); to != "" {
		body.ReplyTo = &event.Ref{NativeID: event.NativeID(to)}
	}
	return event.Event{
		Source: sourceName, Namespace: s.namespace, Account: s.options.Account, Channel: event.Channel(c.channel), NativeID: c.id,
		Author: s.who(r.cells), Kind: event.KindMessage, Revision: event.Unedited, Sent: c.at.Instant, Body: body, Raw: bytes.Clone(r.raw),
	}, again
}

// printed is the time as the row has it, in one column or several.
func (s *session) printed(cells []string) string {
	var parts []string
	for _, i := range s.times {
		parts = append(parts, strings.TrimSpace(cells[i]))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// who wrote a row: by id, or where there is none by name.
func (s *session) who(cells []string) event.Person {
	p := event.Person{ID: event.AuthorID(strings.TrimSpace(s.author.in(cells))), Name: strings.TrimSpace(s.name.in(cells))}
	switch {
	case p.ID == "":
		p.ID = event.AuthorID(p.Name)
	case p.Name == "" && !s.name.named():
		p.Name = string(p.ID)
	}
	return p
}
