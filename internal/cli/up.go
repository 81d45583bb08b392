package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/files"
)

type upFlags struct {
	importFlags
	paths []string
	once  bool
}

func upCommand(p *program) *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use: "up", Short: "Run everything: the servers that are not configured, the consumers, the sources", Args: noArgs,
		Long: "Runs the embedded servers (or uses those that are configured), stores and aggregates what is on the bus, connects\n" +
			"the configured live sources, and serves health and metrics, until it is stopped. With --import it first imports\n" +
			"archives, and prints the result.",
		Example: "  # until Ctrl-C\n" +
			"  agrichat up\n\n" +
			"  # import exports, see the result, and end\n" +
			"  agrichat up --import ~/exports --account alice --once\n\n" +
			"  # several at once, with everything that is written in a folder of your choice\n" +
			"  agrichat up --import ~/exports/telegram --import ~/exports/slack.zip --data ~/chats\n\n" +
			"  # as a service\n" +
			"  agrichat up --config /etc/agrichat/agrichat.yaml --data /var/lib/agrichat",
		RunE: func(c *cobra.Command, _ []string) error {
			return up(c.Context(), p, f)
		},
	}
	p.importFlags(c, &f.importFlags)
	c.Flags().StringArrayVar(&f.paths, "import", nil, "first import this file or folder (may be repeated)")
	c.Flags().BoolVar(&f.once, "once", false, "end after the import")
	return c
}

func demoCommand(p *program) *cobra.Command {
	f := upFlags{}
	c := &cobra.Command{
		Use: "demo [PATH]", Short: "Run everything with the sample archive of the repository", Args: someArgs(0, 1, "at most one folder"),
		Long: "The same as agrichat up --import deploy/sample, which is found from the repository's folder; elsewhere PATH says where it\n" +
			"is. What it imports is added to what is in the data folder already: give it a folder of its own.",
		Example: "  # in the repository: import the sample, see the result, and go on until Ctrl-C\n" +
			"  agrichat demo --data /tmp/agrichat-demo\n\n" +
			"  # the same, and end\n" +
			"  agrichat demo --data /tmp/agrichat-demo --once\n\n" +
			"  # elsewhere\n" +
			"  agrichat demo ~/src/agrichat/deploy/sample --data /tmp/agrichat-demo --once",
		RunE: func(c *cobra.Command, args []string) error {
			f.paths = []string{"deploy/sample"}
			if len(args) > 0 {
				f.paths = args
			}
			return up(c.Context(), p, f)
		},
	}
	p.importFlags(c, &f.importFlags)
	c.Flags().BoolVar(&f.once, "once", false, "end after the import")
	return c
}

// up runs all roles, until ctx ends or, with once, the import has ended.
func up(ctx context.Context, p *program, f upFlags) (err error) {
	began := time.Now()
	in := &files.Findings{}
	if len(f.paths) > 0 {
		if in, err = p.lookFor(f.importFlags, f.paths); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	o := app.Options{Requirements: app.AllStores(), Exclusive: true, Create: true, Lasting: !f.once}
	o.Control = true
	r := app.Roles{Consumers: app.AllConsumers(), Control: true, Sources: true, HTTP: !f.once, Connect: app.EmbeddedBus}
	if f.once {
		r.Connect = app.AllRequired
	}
	return p.serve(ctx, o, r, func(ctx context.Context, a *app.App) error {
		p.note("ready in %.1f s; data in %s\n", time.Since(began).Seconds(), a.Config().Data)
		if err := upImport(ctx, p, a, f, in); err != nil || f.once {
			return err
		}
		printAddresses(p, a)
		<-ctx.Done()
		return nil
	})
}

// printAddresses says how to reach what runs, without the passwords: others may see a screen. status has them.
func printAddresses(p *program, a *app.App) {
	postgres, clickhouse, nats := a.Addresses()
	for _, s := range []struct {
		name, address string
		embedded      bool
	}{{"PostgreSQL", postgres.DSN, postgres.Embedded}, {"ClickHouse", clickhouse.URL, clickhouse.Embedded}, {"NATS", nats.URL, nats.Embedded}} {
		where := "configured"
		if s.embedded {
			where = "embedded"
		}
		p.note("  %-10s  %-24s %s\n", s.name, app.Hosts(s.address), where)
	}
	p.note("  health      %s/readyz, %s/metrics\n", a.Endpoints().HTTP, a.Endpoints().HTTP)
	p.note("agrichat status%s shows addresses with passwords; Ctrl-C stops\n", sameData(p, a))
}

// sameData is the flag that leads another command to the same data folder, if it needs one.
func sameData(p *program, a *app.App) string {
	for _, v := range p.given.values() {
		if v.Key == "data" {
			return " --data " + a.Config().Data
		}
	}
	return ""
}

// upImport imports archives and prints the result: what was read, who wrote most, when, and the verification.
func upImport(ctx context.Context, p *program, a *app.App, f upFlags, in *files.Findings) error {
	if len(in.Files) == 0 {
		return nil
	}
	r, failed := p.newImport(a, f.importFlags, in).Run(ctx)
	if ctx.Err() != nil {
		return failed
	}
	statistics, err := a.Statistics(ctx, 10)
	if err != nil {
		return err
	}
	v, err := a.Verify(ctx, 0, time.Minute, app.Corrections{})
	if err != nil {
		return err
	}
	if p.output == "json" {
		err = p.printJSON(map[string]any{"import": r, "figures": statistics, "verify": v})
	} else {
		err = errors.Join(report.Import(p.out, r), printLine(p), report.Statistics(p.out, statistics), printLine(p), report.Verify(p.out, v))
	}
	switch {
	case err != nil:
		return err
	case failed != nil && f.once:
		return failed
	case failed != nil:
		fmt.Fprintln(p.errOut, "agrichat:", app.OneLine(failed.Error()))
	case !v.Equal && f.once:
		return errProblems
	}
	return nil
}

// printLine separates two tables.
func printLine(p *program) error {
	_, err := fmt.Fprintln(p.out)
	return err
}
