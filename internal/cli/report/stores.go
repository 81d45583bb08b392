package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/verify"
)

// Statistics prints who wrote most and when.
func Statistics(w io.Writer, r *app.StatisticsReport) error {
	t := NewTable(w)
	t.Row("WHO WROTE MOST", "NETWORK", "MESSAGES", "WORDS", "REACTIONS")
	for _, p := range r.Authors {
		t.Row(cmp.Or(p.Name, p.ID), p.Source, p.Messages, p.Words, p.Reactions)
	}
	t.Row()
	in := r.Zone
	if r.Zoneless.Messages > 0 {
		in += fmt.Sprintf("; %d of %d messages carry no zone", r.Zoneless.Messages, r.Zoneless.Of)
	}
	t.Row("BUSIEST HOURS ("+in+")", "", "MESSAGES", "WORDS", "REACTIONS")
	for _, h := range r.Busiest {
		t.Row(fmt.Sprintf("%s %02d:00", h.WeekdayName, h.Hour.Hour), "", h.Messages, h.Words, h.Reactions)
	}
	if err := t.Done(); err != nil || r.Zoneless.Messages == 0 {
		return err
	}
	_, err := fmt.Fprintln(w, "messages that carry no zone are counted as they were read: in the zone that was named (import or reread --zone), else as if the printed time were UTC")
	return err
}

// Verify prints what was compared, the problems, and a verdict.
func Verify(w io.Writer, r *verify.Report) error {
	t := NewTable(w)
	t.Row("UP TO SEQUENCE", "BUS", "POSTGRES", "CLICKHOUSE", "MISSING", "EXTRA", "DIFFERING", "DEAD LETTERS")
	t.Row(r.Sequence, r.Bus, r.Postgres, r.ClickHouse, r.Missing, r.Extra, r.Differing, r.DeadLetters)
	t.Row()
	t.Row("THINGS", "", "POSTGRES", "CLICKHOUSE", "MISSING", "EXTRA", "DIFFERING")
	for _, k := range r.Things {
		t.Row(k.Kind, "", k.Postgres, k.ClickHouse, k.Missing, k.Extra, k.Differing)
	}
	if err := t.Done(); err != nil {
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
	detail := strings.Map(Printable, p.Detail)
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
