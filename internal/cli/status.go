package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/obs"
)

func statusCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Where the servers are, with their passwords, the gate, and how far the consumers are", Args: noArgs,
		Long: "Shows the addresses of the servers as any client takes them, whether an agrichat runs on the data folder, the gate, the\n" +
			"streams of the bus, how much each consumer has before it, and the health checks that are not OK of every process that the\n" +
			"bus reaches, such as a link to a server, and the notices of its live sources, such as messages that may be duplicates. A message of\n" +
			"the bus may carry many events of a chat. It prints passwords: mind who looks on. It starts nothing, creates nothing and locks\n" +
			"nothing; where nothing runs it says so, and the exit status is 1.",
		Example: "  # where everything is, and how far\n" +
			"  agrichat status\n\n" +
			"  # the address of PostgreSQL, for psql and others\n" +
			"  agrichat status --output json | jq -r .postgres.dsn\n\n" +
			"  # what waits for each consumer\n" +
			"  agrichat status --output json | jq '.consumers[] | {name, pending, ack_pending}'",
		RunE: func(c *cobra.Command, _ []string) error {
			err := p.run(c.Context(), app.Options{Requirements: app.AllStores(), Lazy: true, Inspect: true}, func(ctx context.Context, a *app.App) error {
				r, err := a.Status(ctx)
				if err != nil {
					return err
				}
				if p.output == "json" {
					return p.printJSON(r)
				}
				return p.printStatus(r)
			})
			if errors.Is(err, app.ErrNothingRuns) && p.output == "json" {
				cfg, _, _ := p.config() // it was loaded before
				err = errors.Join(p.printJSON(app.EmptyStatus(cfg)), err)
			}
			return err
		},
	}
}

func (p *program) printStatus(r *app.StatusReport) error {
	t := report.NewTable(p.out)
	t.Row("data", r.Data)
	up := "no: the servers below are those of the configuration"
	if r.Up {
		up = "yes"
	}
	t.Row("up", up)
	if r.HTTP != "" {
		t.Row("http", r.HTTP)
	}
	t.Row("postgres", r.Postgres.DSN)
	t.Row("clickhouse", r.ClickHouse.URL)
	t.Row("nats", r.NATS.URL)
	if r.Missing != "" {
		t.Row("missing", r.Missing)
	}
	printGate(t, r.Gate)
	t.Row()
	t.Row("STREAM", "MESSAGES", "BYTES", "LIMIT", "FIRST", "LAST")
	for _, s := range r.Streams {
		t.Row(s.Name, s.Messages, s.Bytes, s.MaxBytes, s.First, s.Last)
	}
	t.Row()
	t.Row("CONSUMER", "STREAM", "UNPROCESSED", "ACK PENDING", "REDELIVERED", "ACK FLOOR", "PAUSED")
	for _, c := range r.Consumers {
		t.Row(c.Name, c.Stream, c.Pending, c.AckPending, c.Redelivered, c.AckFloor, yes(c.Paused))
	}
	printProcesses(t, r.Processes)
	return t.Done()
}

// printProcesses prints a row for each check that is not OK, one for a process of which all are, and the notices of live sources.
func printProcesses(t *report.Table, list []app.ProcessReport) {
	t.Row()
	t.Row("PROCESS", "CHECK", "STATE", "REASON")
	for _, p := range list {
		if p.Ready {
			t.Row(p.Process, fmt.Sprintf("all %d", len(p.Checks)), obs.OK, "")
			continue
		}
		for _, c := range p.Checks {
			if c.State != obs.OK {
				t.Row(p.Process, c.Name, c.State, c.Reason)
			}
		}
	}
	first := true
	for _, p := range list {
		for _, n := range p.Notices {
			if first {
				t.Row()
				t.Row("SOURCE", "COUNT", "NOTICE")
				first = false
			}
			t.Row(n.Source, n.Count, n.Text)
		}
	}
}
