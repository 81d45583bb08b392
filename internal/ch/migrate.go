package ch

import (
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/fault"
)

// migration is one file of schemas/clickhouse.
type migration struct {
	number     uint32
	name       string
	statements []string
}

//go:embed queries/create_schema_migrations.sql
var createMigrationsSQL string

//go:embed queries/read_schema.sql
var readSchemaSQL string

//go:embed queries/record_migration.sql
var recordMigrationSQL string

// Migrate brings the schema to what the files say. Several may do so at once: ClickHouse has no lock to offer, so every
// statement is one that may be run again. A schema that is newer than the files is left alone and is fatal.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	all, err := migrations(files)
	if err != nil {
		return err
	}
	if err := db.Exec(ctx, onCluster(createMigrationsSQL, db.cluster)); err != nil {
		return fmt.Errorf("preparing the schema of ClickHouse at %s: %w", db.host, err)
	}
	has, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if newest := all[len(all)-1].number; has > newest {
		return fault.AsFatal(fmt.Errorf("the schema of ClickHouse at %s is number %d, and this program knows up to %d: run a newer program",
			db.host, has, newest))
	}
	for _, m := range all {
		if m.number <= has {
			continue
		}
		if err := db.apply(ctx, m); err != nil {
			return fmt.Errorf("migrating ClickHouse at %s: %s: %w", db.host, m.name, err)
		}
	}
	return nil
}

// SchemaVersion returns the number of the last migration that was applied.
func (db *DB) SchemaVersion(ctx context.Context) (uint32, error) {
	rows, err := db.Query(ctx, readSchemaSQL, nil)
	if err != nil {
		return 0, fmt.Errorf("reading the schema's number of ClickHouse at %s: %w", db.host, err)
	}
	defer rows.Close()
	var n uint32
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, fmt.Errorf("reading the schema's number of ClickHouse at %s: %w", db.host, Classify(err))
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("reading the schema's number of ClickHouse at %s: %w", db.host, Classify(err))
	}
	return n, nil
}

func (db *DB) apply(ctx context.Context, m migration) error {
	for _, s := range m.statements {
		if err := db.Exec(ctx, onCluster(s, db.cluster)); err != nil {
			return err
		}
	}
	record := strings.ReplaceAll(recordMigrationSQL, "{number}", strconv.FormatUint(uint64(m.number), 10))
	return db.Exec(ctx, strings.ReplaceAll(record, "{name}", m.name))
}

// migrations reads the files in order.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return nil, fault.AsFatal(fmt.Errorf("reading the migrations: %d found: %v", len(names), err))
	}
	slices.Sort(names)
	all := make([]migration, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fault.AsFatal(fmt.Errorf("reading the migrations: %w", err))
		}
		digits, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			return nil, fault.AsFatal(fmt.Errorf("reading the number of migration %s: %w", name, err))
		}
		all = append(all, migration{number: uint32(n), name: name, statements: statements(string(text))})
	}
	return all, nil
}

// statements cuts a file at the semicolons that end a line, and leaves out what is only comment.
func statements(text string) []string {
	var out []string
	for s := range strings.SplitSeq(text, ";\n") {
		if !onlyComment(s) {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func onlyComment(s string) bool {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			return false
		}
	}
	return true
}

// onCluster makes a statement for a single server one for all servers of a cluster.
func onCluster(sql, cluster string) string {
	if cluster == "" {
		return sql
	}
	return strings.NewReplacer(
		"/* ON CLUSTER */", "ON CLUSTER "+quoteName(cluster),
		"/* Replicated */", "Replicated",
	).Replace(sql)
}
