package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/pg"
	clickhouse "github.com/agrichat/agrichat/schemas/clickhouse"
	postgres "github.com/agrichat/agrichat/schemas/postgres"
)

// migrateReport is what the stores are after a migration.
type migrateReport struct {
	Postgres   int64  `json:"postgres"` // number of the newest migration
	ClickHouse uint32 `json:"clickhouse"`
}

func (a *app) migrateCommand() *cobra.Command {
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
			return a.within(c.Context(), session{creates: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				return a.migrated(ctx, s)
			})
		},
	}
}

// migrated reports what the schemas are: opening the stores has brought them up to date.
func (a *app) migrated(ctx context.Context, s *stack) error {
	record, figures, err := s.schemas(ctx)
	if err != nil {
		return err
	}
	r := migrateReport{Postgres: record.Version, ClickHouse: figures.Version}
	if a.output == "json" {
		return a.printJSON(r)
	}
	_, err = fmt.Fprintf(a.out, "the streams are there; the schema is number %d in PostgreSQL, %d in ClickHouse\n", r.Postgres, r.ClickHouse)
	return err
}

func (s *stack) schemas(ctx context.Context) (record pg.Schema, figures ch.Schema, err error) {
	pool, err := s.openRecord(ctx)
	if err != nil {
		return record, figures, err
	}
	db, err := s.openFigures(ctx)
	if err != nil {
		return record, figures, err
	}
	if record, err = pg.Inspect(ctx, pool, postgres.Migrations); err != nil {
		return record, figures, err
	}
	figures, err = db.Inspect(ctx, clickhouse.FS)
	return record, figures, err
}
