package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/verify"
)

// table prints rows in columns; the first error of writing is returned by done.
type table struct {
	w   *tabwriter.Writer
	err error
}

func newTable(w io.Writer) *table { return &table{w: tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)} }

func (t *table) row(cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = strings.Map(printable, fmt.Sprint(c))
	}
	if _, err := fmt.Fprintln(t.w, strings.Join(text, "\t")); t.err == nil {
		t.err = err
	}
}

// printable keeps what somebody wrote in a chat from moving a terminal's cursor.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}

// counted gives a number with what it counts.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (t *table) done() error { return cmp.Or(t.err, t.w.Flush()) }

func sortedChats(chats map[ingest.Chat]*chatReport) []chatReport {
	out := make([]chatReport, 0, len(chats))
	for _, r := range chats {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b chatReport) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(b.Read, a.Read),
			cmp.Compare(a.Channel, b.Channel))
	})
	return out
}

// shownPlaces is how many unread records, and how many skipped files, are listed for a person: an export may have thousands
// of pictures beside it. The JSON has more.
const shownPlaces = 20

func printImportText(w io.Writer, r *importReport) error {
	if err := printChats(w, r.PerChat); err != nil {
		return err
	}
	if r.DryRun {
		fmt.Fprintln(w, "a dry run: nothing was published, and nothing stored")
	}
	fmt.Fprintf(w, "%s: %d records read as %d events, %d events published, %d known, %d stored, %d updated, %d already stored, %d dead-lettered, %d facts, %d unparsed, %d ambiguous, %d overlapping, in %.1f s\n",
		counted(r.Files, "file"), r.Read, r.Events, r.Published, r.Known, r.Stored, r.Updated, r.Already, r.Dead, r.Facts, r.Unparsed, r.Ambiguous, r.Overlapping, r.Seconds)
	if len(r.PerChat) > 0 {
		printMeanings(w, r)
	}
	printDead(w, r)
	printNotices(w, r.Notices)
	if r.Resumed > 0 {
		fmt.Fprintf(w, "went on after %d records that an earlier import had read\n", r.Resumed)
	}
	if r.Rejects != "" {
		fmt.Fprintf(w, "rejected: %d records and files that could not be read; %s lists them with the reasons\n", r.Rejected, r.Rejects)
	}
	if r.Belonging > 0 {
		fmt.Fprintf(w, "beside them %s of the exports: media, styles, lists\n", counted(r.Belonging, "file"))
	}
	for i, s := range r.Skipped {
		if i == shownPlaces {
			fmt.Fprintf(w, "... and %d more files skipped; --output json lists them\n", len(r.Skipped)-i)
			break
		}
		fmt.Fprintf(w, "skipped %s: %s\n", s.Path, strings.Map(printable, s.Why))
	}
	for i, p := range r.Places {
		if i == shownPlaces {
			fmt.Fprintf(w, "... and %d more; --output json lists them\n", r.Unparsed-i)
			break
		}
		fmt.Fprintf(w, "unparsed: %s, line %d, offset %d: %s\n", p.File, p.Line, p.Offset, strings.Map(printable, p.Reason))
	}
	return nil
}

// printMeanings explains the counts of an import that are not 0. Their names are the same in the table, in the line and in the JSON.
func printMeanings(w io.Writer, r *importReport) {
	for _, m := range []struct {
		said bool
		text string
	}{
		{true, "records: what the files consist of: messages, lines"},
		{true, "events: what the records tell: a message and each version of it, reactions, who is who, what a chat is called"},
		{r.Published > 0, "published: events that were sent on to be stored"},
		{r.Known > 0, "known: events that were stored before, and were not published again"},
		{r.Stored > 0, "stored: published events that are new in PostgreSQL"},
		{r.Updated > 0, "updated: published events that PostgreSQL held, and that were completed or corrected"},
		{r.Already > 0, "already stored: published events that PostgreSQL held as they are; two files may tell the same"},
		{r.Dead > 0, "dead-lettered: published events that could not be stored; agrichat dlq list shows them"},
		{r.Facts > 0, "facts, in the table aggregated: what changed by these events, and is in ClickHouse now"},
		{r.Unparsed > 0, "unparsed: records that could not be understood; they are kept as they came"},
		{r.Ambiguous > 0, "ambiguous: records without an id that others may equal (the same text in one minute, or no time), so that they were told apart by counting"},
		{r.Overlapping > 0, "overlapping: messages that seem to stand twice; the notes say why"},
	} {
		if m.said {
			fmt.Fprintln(w, "  "+m.text)
		}
	}
}

// printChats prints what became of each chat, and an empty line; nothing if there is none.
func printChats(w io.Writer, chats []chatReport) error {
	if len(chats) == 0 {
		return nil
	}
	t := newTable(w)
	updated := slices.ContainsFunc(chats, func(c chatReport) bool { return c.Updated > 0 })
	row := func(source, namespace, chat string, c *chatReport) {
		cells := []any{source, namespace, chat, c.Read, c.Published, c.Known, c.Stored}
		if updated {
			cells = append(cells, c.Updated)
		}
		t.row(append(cells, c.Facts, c.Unparsed)...)
	}
	heads := []any{"NETWORK", "NAMESPACE", "CHAT", "EVENTS", "PUBLISHED", "KNOWN", "STORED"}
	if updated {
		heads = append(heads, "UPDATED")
	}
	t.row(append(heads, "AGGREGATED", "UNPARSED")...)
	shown, rest := largestChats(chats)
	for _, c := range shown {
		row(c.Source, c.Namespace, cmp.Or(c.Name, c.Channel, "-"), &c)
	}
	if n := len(chats) - len(shown); n > 0 {
		row(fmt.Sprintf("... and %d more", n), "", "", &rest)
	}
	t.row()
	return t.done()
}

// shownChats is how many chats are listed for a person; the JSON has all.
const shownChats = 50

// largestChats returns those with most events, in the order in which they come, and the sum of all others.
func largestChats(chats []chatReport) (shown []chatReport, rest chatReport) {
	if len(chats) <= shownChats {
		return chats, rest
	}
	sizes := make([]int, len(chats))
	for i, c := range chats {
		sizes[i] = c.Read
	}
	slices.SortFunc(sizes, func(a, b int) int { return cmp.Compare(b, a) })
	least := sizes[shownChats-1]
	equal := 0 // of that size, shown
	for _, n := range sizes[:shownChats] {
		if n == least {
			equal++
		}
	}
	for _, c := range chats {
		if c.Read > least || c.Read == least && equal > 0 {
			if c.Read == least {
				equal--
			}
			shown = append(shown, c)
			continue
		}
		rest.Read, rest.Published, rest.Known = rest.Read+c.Read, rest.Published+c.Published, rest.Known+c.Known
		rest.Stored, rest.Facts, rest.Unparsed = rest.Stored+c.Stored, rest.Facts+c.Facts, rest.Unparsed+c.Unparsed
		rest.Updated += c.Updated
	}
	return shown, rest
}

// figuresReport is who wrote most and when.
type figuresReport struct {
	Totals  archive.Figures   `json:"totals"`
	Chats   []archive.Chat    `json:"chats"`
	Authors []archive.Author  `json:"authors"`
	Hours   []hourOfDay       `json:"hours_of_day"`
	Busiest []hourOfWeek      `json:"busiest_hours_of_week"`
	Zone    string            `json:"zone"` // in which clocks showed these hours
	Nets    []archive.Network `json:"networks"`

	Zoneless archive.Zoneless `json:"without_zone"`
}

// hourOfDay is an hour of every day.
type hourOfDay struct {
	Hour       uint8  `json:"hour"`
	Messages   uint64 `json:"messages"`
	Characters uint64 `json:"characters"`
	Words      uint64 `json:"words"`
	Reactions  uint64 `json:"reactions"`
}

// hourOfWeek is an hour of one day of the week, by its number, 0 for Sunday, and its name.
type hourOfWeek struct {
	WeekdayName string `json:"weekday_name"`
	archive.Hour
}

func printFigures(w io.Writer, r *figuresReport) error {
	t := newTable(w)
	t.row("WHO WROTE MOST", "NETWORK", "MESSAGES", "WORDS", "REACTIONS")
	for _, p := range r.Authors {
		t.row(cmp.Or(p.Name, p.ID), p.Source, p.Messages, p.Words, p.Reactions)
	}
	t.row()
	in := r.Zone
	if r.Zoneless.Messages > 0 {
		in += fmt.Sprintf("; %d of %d messages carry no zone", r.Zoneless.Messages, r.Zoneless.Of)
	}
	t.row("BUSIEST HOURS ("+in+")", "", "MESSAGES", "WORDS", "REACTIONS")
	for _, h := range r.Busiest {
		t.row(fmt.Sprintf("%s %02d:00", h.WeekdayName, h.Hour.Hour), "", h.Messages, h.Words, h.Reactions)
	}
	if err := t.done(); err != nil || r.Zoneless.Messages == 0 {
		return err
	}
	_, err := fmt.Fprintln(w, "messages that carry no zone are counted as they were read: in the zone that was named (import or reread --zone), else as if the printed time were UTC")
	return err
}

func printVerify(w io.Writer, r *verify.Report) error {
	t := newTable(w)
	t.row("UP TO SEQUENCE", "BUS", "POSTGRES", "CLICKHOUSE", "MISSING", "EXTRA", "DIFFERING", "DEAD LETTERS")
	t.row(r.Sequence, r.Bus, r.Postgres, r.ClickHouse, r.Missing, r.Extra, r.Differing, r.DeadLetters)
	t.row()
	t.row("THINGS", "", "POSTGRES", "CLICKHOUSE", "MISSING", "EXTRA", "DIFFERING")
	for _, k := range r.Things {
		t.row(k.Kind, "", k.Postgres, k.ClickHouse, k.Missing, k.Extra, k.Differing)
	}
	if err := t.done(); err != nil {
		return err
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s: %s\n", p.What, problemLine(p))
	}
	if found := r.Missing + r.Extra + r.Differing; found > uint64(len(r.Problems)) {
		fmt.Fprintf(w, "... and %d more\n", found-uint64(len(r.Problems)))
	}
	for _, line := range verifyNotes(r) {
		fmt.Fprintf(w, "%s\n", line)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict(r))
	return err
}

// problemLine says what a problem is about. Not every one has an id, and what ClickHouse lacks is not looked up on the bus.
func problemLine(p verify.Problem) string {
	detail := strings.Map(printable, p.Detail)
	switch {
	case p.ID == "" && strings.HasPrefix(detail, p.Kind): // it names the sequences
		return detail
	case p.Sequence == 0:
		return fmt.Sprintf("%s %s %s", p.Kind, p.ID, detail)
	}
	return fmt.Sprintf("%s %s (sequence %d) %s", p.Kind, p.ID, p.Sequence, detail)
}

// verifyNotes are lines about what no comparison of the stores can show.
func verifyNotes(r *verify.Report) []string {
	var out []string
	if r.Unstored > 0 {
		out = append(out, fmt.Sprintf("%d sequences were removed from the stream CHAT before they were stored: import their archives again if there are any; "+
			"agrichat verify --accept-unstored accepts the rest, or all if they were removed on purpose", r.Unstored))
	}
	if r.OutOfRange > 0 {
		out = append(out, fmt.Sprintf("%d times lie outside 1900-2261 and are empty in ClickHouse, PostgreSQL has them", r.OutOfRange))
	}
	if r.Truncated > 0 {
		out = append(out, fmt.Sprintf("%d facts were too large for a message of the bus and are truncated in ClickHouse, PostgreSQL has all of them", r.Truncated))
	}
	if r.WithoutHash > 0 {
		out = append(out, fmt.Sprintf("%d rows in ClickHouse have no content hash, for an older version of this program published them, and were compared by version only; "+
			"agrichat replay aggregate publishes them again", r.WithoutHash))
	}
	if r.Accepted > 0 {
		out = append(out, fmt.Sprintf("%d sequences were removed before they were stored, accepted at %s", r.Accepted, r.AcceptedAt.Format(time.RFC3339)))
	}
	return out
}

// verdict says in a line what was found, and what to do.
func verdict(r *verify.Report) string {
	switch {
	case r.Equal && r.DeadLetters > r.Settled:
		return fmt.Sprintf("verified up to sequence %d: the bus, PostgreSQL and ClickHouse hold the same; %d messages are dead letters (agrichat dlq list)",
			r.Sequence, r.DeadLetters-r.Settled)
	case r.Equal && r.Settled > 0:
		return fmt.Sprintf("verified up to sequence %d: the bus, PostgreSQL and ClickHouse hold the same, but for %d messages whose dead letters were dropped or requeued",
			r.Sequence, r.Settled)
	case r.Equal:
		return fmt.Sprintf("verified up to sequence %d: the bus, PostgreSQL and ClickHouse hold the same", r.Sequence)
	case r.Missing+r.Differing+r.Extra == 0:
		return fmt.Sprintf("NOT EQUAL up to sequence %d: what the stores hold is the same, %d sequences were never stored; see above", r.Sequence, r.Unstored)
	case r.Missing+r.Differing == 0:
		return fmt.Sprintf("NOT EQUAL up to sequence %d: agrichat verify --repair makes anew what PostgreSQL lost; beyond that what is extra is not deleted, agrichat replay rebuilds a store afresh",
			r.Sequence)
	}
	return fmt.Sprintf("NOT EQUAL up to sequence %d: agrichat verify --repair applies what is missing", r.Sequence)
}
