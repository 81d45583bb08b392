package ch

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

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

//go:embed queries/schema_made.sql
var schemaMadeSQL string

// Schema is what a database has of the schema, and what this program knows.
type Schema struct {
	Version uint32 // the newest migration that was applied; 0: none
	Newest  uint32 // the newest one of this program
}

// Inspect reads the version of the schema, and changes nothing. A schema of a time before it was frozen is fatal.
func (db *DB) Inspect(ctx context.Context, files fs.FS) (Schema, error) {
	all, err := migrations(files)
	if err != nil {
		return Schema{}, err
	}
	s := Schema{Newest: all[len(all)-1].number}
	var versioned, things, positions uint64
	rows, err := db.Query(ctx, schemaMadeSQL, nil)
	if err != nil {
		return s, fmt.Errorf("looking for the schema of ClickHouse at %s: %w", db.host, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&versioned, &things, &positions); err != nil {
			return s, fmt.Errorf("looking for the schema of ClickHouse at %s: %w", db.host, Classify(err))
		}
	}
	if err := rows.Err(); err != nil {
		return s, fmt.Errorf("looking for the schema of ClickHouse at %s: %w", db.host, Classify(err))
	}
	if things > 0 && positions == 0 {
		return s, fault.AsFatal(fmt.Errorf("the schema of ClickHouse at %s was made by a version of this program from before its schema was "+
			"frozen, and cannot be migrated: name a new database in clickhouse.url (in a data folder, move its folder clickhouse aside), "+
			"and run `agrichat up` and `agrichat replay aggregate`, which fill it", db.host))
	}
	if versioned == 0 {
		return s, nil
	}
	s.Version, err = db.SchemaVersion(ctx)
	return s, err
}

// Require returns an error, which says what to do, unless the schema can be read: an older one can, for what this program asks
// of the aggregates is in the oldest.
func (s Schema) Require(current bool) error {
	switch {
	case s.Version == 0:
		return fault.AsFatal(errors.New("there is no schema in the database of ClickHouse, and nothing was created"))
	case current && s.Version < s.Newest:
		return fault.AsFatal(fmt.Errorf("the schema in ClickHouse is number %d, this program needs %d, and nothing was migrated", s.Version, s.Newest))
	case current && s.Version > s.Newest:
		return fault.AsFatal(fmt.Errorf("the schema in ClickHouse is number %d, and this program knows up to %d: run a newer program", s.Version, s.Newest))
	}
	return nil
}

// Migrate brings the schema to what the files say. Several may do so at once: ClickHouse has no lock to offer, so every
// statement is one that may be run again. Where it is up to date nothing is executed that needs rights on the schema. A schema
// that is newer than the files is left alone and is fatal.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	return db.MigrateStepwise(ctx, files, func() {})
}

// MigrateStepwise is Migrate, and calls executed after each statement.
func (db *DB) MigrateStepwise(ctx context.Context, files fs.FS, executed func()) error {
	all, err := migrations(files)
	if err != nil {
		return err
	}
	s, err := db.Inspect(ctx, files)
	if err != nil || s.Version == s.Newest {
		return err
	}
	if s.Version > s.Newest {
		return fault.AsFatal(fmt.Errorf("the schema of ClickHouse at %s is number %d, and this program knows up to %d: run a newer program",
			db.host, s.Version, s.Newest))
	}
	if err := db.Exec(ctx, onCluster(createMigrationsSQL, db.cluster)); err != nil {
		return mayNot(fmt.Errorf("preparing the schema of ClickHouse at %s: %w", db.host, err))
	}
	for _, m := range all {
		if m.number <= s.Version {
			continue
		}
		if err := db.apply(ctx, m, executed); err != nil {
			return mayNot(fmt.Errorf("migrating ClickHouse at %s: %s: %w", db.host, m.name, err))
		}
	}
	return nil
}

// mayNot says who can migrate where this user cannot.
func mayNot(err error) error {
	var ex *clickhouse.Exception
	if errors.As(err, &ex) && ex.Code == codeAccessDenied {
		return fault.AsFatal(fmt.Errorf("%w; run `agrichat migrate` as a user who may, then start this again", err))
	}
	return err
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

func (db *DB) apply(ctx context.Context, m migration, executed func()) error {
	for _, s := range m.statements {
		if err := db.Exec(ctx, onCluster(s, db.cluster)); err != nil {
			return err
		}
		executed()
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
