package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/app/replay"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/verify"
)

func migrateCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Create the streams, and bring the schemas of PostgreSQL and ClickHouse up to date", Args: noArgs,
		Long: "Creates the streams, buckets and consumers of NATS that are not there, and applies the migrations that PostgreSQL and\n" +
			"ClickHouse lack. What is up to date stays as it is. agrichat up, import, produce and consume do the same for the servers\n" +
			"that they use; commands that only look never do. Where those roles have no right to change a schema, run this first, as\n" +
			"a user who has.",
		Example: "  # once, before the roles start, and after each update\n" +
			"  agrichat migrate --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # the number of the schema, for a script\n" +
			"  agrichat migrate --output json | jq .postgres",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.run(c.Context(), app.Options{Create: true, Requirements: app.AllStores()}, func(ctx context.Context, a *app.App) error {
				postgres, clickhouse, err := a.Schemas(ctx) // opening the stores has migrated them
				if err != nil {
					return err
				}
				r := migrateReport{Postgres: postgres.Version, ClickHouse: clickhouse.Version}
				return p.printf(r, "the streams are there; the schema is number %d in PostgreSQL, %d in ClickHouse\n", r.Postgres, r.ClickHouse)
			})
		},
	}
}

// migrateReport is the versions of the schemas after a migration: the numbers of the newest ones.
type migrateReport struct {
	Postgres   int64  `json:"postgres"`
	ClickHouse uint32 `json:"clickhouse"`
}

func verifyCommand(p *program) *cobra.Command {
	var until uint64
	var do app.Corrections
	var wait time.Duration
	c := &cobra.Command{
		Use: "verify", Short: "Prove that PostgreSQL and ClickHouse hold what the bus says, or list the problems", Args: noArgs,
		Long: "Compares the three stores by id, up to a sequence of the bus that it names: every event of the bus in PostgreSQL or\n" +
			"among the dead letters, every thing in PostgreSQL in ClickHouse, in its current version and with the same content. The exit status is 1 if\n" +
			"anything is missing, extra or differing, or was removed from the stream CHAT before it was stored, which somebody may accept.",
		Example: "  # is everything where it should be?\n" +
			"  agrichat verify\n\n" +
			"  # store again what a store has lost, and compare again\n" +
			"  agrichat verify --repair\n\n" +
			"  # CHAT was trimmed on purpose before this database was filled\n" +
			"  agrichat verify --accept-unstored\n\n" +
			"  # behind a long queue: wait for it; the problems, for a script\n" +
			"  agrichat verify --wait 30m --output json | jq .problems",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.run(c.Context(), app.Options{Consume: true, Requirements: app.AllStores()}, func(ctx context.Context, a *app.App) error {
				r, err := a.Verify(ctx, until, wait, do)
				if err != nil {
					return err
				}
				return p.printVerified(r)
			})
		},
	}
	c.Flags().Uint64Var(&until, "sequence", 0, "compare up to this sequence of the bus (default: the last)")
	c.Flags().BoolVar(&do.Repair, "repair", false, "apply what is missing, and compare again")
	c.Flags().BoolVar(&do.Accept, "accept-unstored", false, "accept that messages were removed from the stream CHAT before they were stored, such as by\n"+
		"trimming it before this database was filled; records who accepts it, and when")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for what is still on its way")
	return c
}

// printVerified prints a report; that the stores differ is an error.
func (p *program) printVerified(r *verify.Report) error {
	err := p.print(r, func(w io.Writer) error { return report.Verify(w, r) })
	if err == nil && !r.Equal {
		return errProblems
	}
	return err
}

func replayCommand(p *program) *cobra.Command {
	var f replay.Config
	var since string
	c := &cobra.Command{
		Use: "replay normalise|aggregate", Short: "Run a consumer over the past again, into the same stores or into fresh ones",
		Long: "normalise applies the messages of the bus to PostgreSQL again, from a sequence, a time or the start; in the same database this\n" +
			"changes nothing, a fresh one (--into-postgres) it rebuilds. aggregate publishes again what PostgreSQL holds;\n" +
			"with --into-clickhouse it rebuilds the statistics there.",
		Example: "  # everything anew beside the stores in use; PostgreSQL's database is there and empty, ClickHouse's is made\n" +
			"  agrichat replay normalise --into-postgres postgres://me:secret@host:5432/fresh \\\n" +
			"      --into-clickhouse http://me:secret@host:8123/fresh\n\n" +
			"  # the statistics alone\n" +
			"  agrichat replay aggregate --into-clickhouse http://me:secret@host:8123/fresh\n\n" +
			"  # ClickHouse was restored from a backup: publish what came since\n" +
			"  agrichat replay aggregate --from-time 2026-11-01T00:00:00Z",
		Args: someArgs(1, 1, "normalise or aggregate"),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if f.Consumer = args[0]; f.Consumer != bus.Normalise && f.Consumer != bus.Aggregate {
				return app.UsageErrorf("there is no consumer %q; there are normalise and aggregate", args[0])
			}
			if f.Time, err = parseTime("--from-time", since); err != nil {
				return err
			}
			return p.run(c.Context(), app.Options{Consume: true, Requirements: app.AllStores()}, func(ctx context.Context, a *app.App) error {
				r, err := replay.Run(ctx, a, f)
				if err != nil {
					return err
				}
				return p.printf(r, "%s: %d events from sequence %d, %d facts published, in %.1f s\n", r.Consumer, r.Events, r.From, r.Facts, r.Seconds)
			})
		},
	}
	fl := c.Flags()
	fl.Uint64Var(&f.Sequence, "from-sequence", 1, "first sequence of the bus")
	fl.StringVar(&since, "from-time", "", "first time at which the bus took a message, such as 2026-11-01T00:00:00Z")
	fl.BoolVar(&f.Force, "force", false, "apply what the ledger holds too")
	fl.StringVar(&f.Postgres, "into-postgres", "", "another PostgreSQL than the configured one")
	fl.StringVar(&f.ClickHouse, "into-clickhouse", "", "another ClickHouse than the configured one")
	return c
}

// parseTime reads the value of a flag; zero if it was not given.
func parseTime(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, app.UsageErrorf("%s %q is no time; write it like 2026-11-01T00:00:00Z or 2026-11-01T03:00:00+03:00", flag, value)
	}
	return t, nil
}
