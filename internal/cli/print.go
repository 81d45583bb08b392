package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/agrichat/agrichat/internal/archive"
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

// figuresReport is who wrote most and when.
type figuresReport struct {
	Totals  archive.Counts    `json:"totals"`
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
