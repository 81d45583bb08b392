package cli

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/agrichat/agrichat/internal/bench"
)

func printBench(w io.Writer, r *benchReport) error {
	c := r.Corpora[bench.Telegram]
	n := float64(c.Messages)
	fmt.Fprintf(w, "%d messages of %.0f bytes (text: %.0f), %.0f%% Russian, %.0f%% replies, %.0f%% edited, %.0f%% with reactions; %d processors; medians of %d runs\n\n",
		c.Messages, float64(c.Bytes)/n, float64(c.TextBytes)/n, 100*float64(c.Russian)/n, 100*float64(c.Replies)/n,
		100*float64(c.Edited)/n, 100*float64(c.Reactions)/n, r.Processors, r.Runs)
	t := newTable(w)
	t.row("", "MEDIAN", "UNIT", "FROM", "TO", "A/A", "GOAL", "")
	for _, f := range r.Figures {
		t.row(f.Title, number(f.Median), f.Unit, number(f.Least), number(f.Most), noise(f), goal(f.Goal), met(f))
	}
	if c.Messages > 0 && r.Record.Messages > 0 {
		t.row()
		t.row("ROWS", "MESSAGES", "EVENTS", "REACTIONS")
		t.row("PostgreSQL", r.Record.Messages, r.Record.Events, r.Record.Reactions)
		t.row("ClickHouse", r.Store.Messages, r.Store.Events, r.Store.Reactions)
	}
	if err := t.done(); err != nil {
		return err
	}
	fmt.Fprint(w, "\nA/A: how far the median of the same measurements, made once more between the others, lies from the median.\n\n")
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s: %s\n", strings.TrimSpace(f.Title), f.How)
	}
	for _, why := range r.LeftOut {
		fmt.Fprintf(w, "left out: %s\n", why)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", benchVerdict(r))
	return err
}

func benchVerdict(r *benchReport) string {
	switch {
	case !r.Complete:
		return "NOT COMPLETE: " + strings.Join(r.Amiss, "; ")
	case r.Record.Messages > 0:
		return "complete: verified, and both stores hold every message"
	}
	return "nothing was amiss"
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

func noise(f *bench.Figure) string {
	if f.Noise == nil {
		return ""
	}
	return fmt.Sprintf("%+.1f%%", 100**f.Noise)
}

func goal(g *bench.Goal) string {
	switch {
	case g == nil:
		return ""
	case g.Least:
		return "≥ " + number(g.Value)
	}
	return "≤ " + number(g.Value)
}

func met(f *bench.Figure) string {
	switch {
	case f.Met == nil:
		return ""
	case *f.Met:
		return "met"
	}
	return "MISSED"
}
