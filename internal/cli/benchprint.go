package cli

import (
	"fmt"
	"io"
)

func printBench(w io.Writer, r *benchReport) error {
	c := r.Corpus
	n := float64(c.Messages)
	fmt.Fprintf(w, "%d messages of %.0f bytes (text: %.0f), %.0f%% Russian, %.0f%% replies, %.0f%% edited, %.0f%% with reactions; %d processors\n\n",
		c.Messages, float64(c.Bytes)/n, float64(c.TextBytes)/n, 100*float64(c.Russian)/n, 100*float64(c.Replies)/n,
		100*float64(c.Edited)/n, 100*float64(c.Reactions)/n, r.Processors)
	t := newTable(w)
	t.row("", "SECONDS", "MESSAGES/S", "PROCESSOR S: OURS", "NATS", "POSTGRES", "CLICKHOUSE", "OTHERS", "PEAK OF OURS")
	for _, p := range []struct {
		name string
		*phase
	}{{"import until all is aggregated", &r.Import}, {"verify", &r.Verify}} {
		u := p.Processor
		t.row(p.name, fmt.Sprintf("%.1f", p.Seconds), fmt.Sprintf("%.0f", p.PerSecond), fmt.Sprintf("%.1f", u.Ours),
			fmt.Sprintf("%.1f", u.NATS), fmt.Sprintf("%.1f", u.Postgres), fmt.Sprintf("%.1f", u.ClickHouse),
			fmt.Sprintf("%.1f", u.Others), megabytes(p.Peak))
	}
	u := r.Import.Processor
	t.row("import, a message (µs)", "", "", micro(u.Ours, n), micro(u.NATS, n), micro(u.Postgres, n), micro(u.ClickHouse, n))
	t.row("on disk", "", "", "", megabytes(r.Sizes.NATS), megabytes(r.Sizes.Postgres), megabytes(r.Sizes.ClickHouse))
	t.row("most memory", "", "", "", megabytes(r.Peaks.NATS), "", megabytes(r.Peaks.ClickHouse))
	t.row()
	t.row("ROWS", "MESSAGES", "EVENTS", "REACTIONS")
	t.row("PostgreSQL", r.Record.Messages, r.Record.Events, r.Record.Reactions)
	t.row("ClickHouse", r.Figures.Messages, r.Figures.Events, r.Figures.Reactions)
	if err := t.done(); err != nil {
		return err
	}
	verdict := "complete: verified, and both stores hold every message"
	if !r.Complete {
		verdict = fmt.Sprintf("NOT COMPLETE: missing %d, extra %d, differing %d", r.Proof.Missing, r.Proof.Extra, r.Proof.Differing)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }

func micro(seconds, n float64) string { return fmt.Sprintf("%.1f", seconds*1e6/n) }
