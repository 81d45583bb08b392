package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
)

// printReport prints a table of the figures, how each was measured, and whether the report is complete.
func printReport(w io.Writer, r *Report) error {
	c := r.Corpora[corpus.Telegram]
	n := float64(c.Messages)
	fmt.Fprintf(w, "%d messages of %.0f bytes (text: %.0f), %.0f%% Russian, %.0f%% replies, %.0f%% edited, %.0f%% with reactions; %d processors; medians of %d runs\n\n",
		c.Messages, float64(c.Bytes)/n, float64(c.TextBytes)/n, 100*float64(c.Russian)/n, 100*float64(c.Replies)/n,
		100*float64(c.Edited)/n, 100*float64(c.Reactions)/n, r.Processors, r.Runs)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row(t, "", "MEDIAN", "UNIT", "FROM", "TO", "A/A", "GOAL", "")
	for _, f := range r.Figures {
		row(t, f.Title, number(f.Median), f.Unit, number(f.Least), number(f.Most), noise(f), goal(f.Goal), met(f))
	}
	if c.Messages > 0 && r.Postgres.Messages > 0 {
		row(t)
		row(t, "ROWS", "MESSAGES", "EVENTS", "REACTIONS")
		row(t, "PostgreSQL", r.Postgres.Messages, r.Postgres.Events, r.Postgres.Reactions)
		row(t, "ClickHouse", r.ClickHouse.Messages, r.ClickHouse.Events, r.ClickHouse.Reactions)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, "\nA/A: how far the median of the same measurements, made once more between the others, lies from the median.\n\n")
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s: %s\n", strings.TrimSpace(f.Title), f.How)
	}
	for _, why := range r.LeftOut {
		fmt.Fprintf(w, "left out: %s\n", why)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict(r))
	return err
}

func verdict(r *Report) string {
	switch {
	case !r.Complete:
		return "NOT COMPLETE: " + strings.Join(r.Problems, "; ")
	case r.Postgres.Messages > 0:
		return "complete: verified, and both stores hold every message"
	}
	return "no problems found"
}

// number writes three digits that count, and no more than are there.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || a == 0:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func noise(f *measure.Figure) string {
	if f.Noise == nil {
		return ""
	}
	return fmt.Sprintf("%+.1f%%", 100**f.Noise)
}

func goal(g *measure.Goal) string {
	switch {
	case g == nil:
		return ""
	case g.Least:
		return "≥ " + number(g.Value)
	}
	return "≤ " + number(g.Value)
}

func met(f *measure.Figure) string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return "met"
	}
	return "MISSED"
}

// row writes cells in columns. A table keeps them until it is flushed, which returns the first error of writing.
func row(t *tabwriter.Writer, cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = fmt.Sprint(c)
	}
	fmt.Fprintln(t, strings.Join(text, "\t"))
}
