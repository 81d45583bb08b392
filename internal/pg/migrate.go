package pg

import (
	"context"
	_ "embed" // for the statements below
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/agrichat/agrichat/internal/fault"
)

//go:embed queries/schema_made.sql
var schemaMadeSQL string

//go:embed queries/schema_version.sql
var schemaVersionSQL string

// Schema is what a database has of the schema, and what this program knows.
type Schema struct {
	Version int64 // the newest migration that was applied; 0: none
	Newest  int64 // the newest one of this program
	applied int
	known   int
}

// Current reports whether every migration of this program was applied, and no newer one.
func (s Schema) Current() bool { return s.Version == s.Newest && s.applied >= s.known }

// Inspect reads the version of the schema, and changes nothing. A schema of a time before it was frozen is fatal.
func Inspect(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) (Schema, error) {
	s, err := known(migrations)
	if err != nil {
		return s, err
	}
	var versioned, frozen bool
	if err := pool.QueryRow(ctx, schemaMadeSQL).Scan(&versioned, &frozen); err != nil {
		return s, Classify(fmt.Errorf("looking for the schema: %w", err))
	}
	if !frozen {
		return s, fault.AsFatal(errors.New("the schema in PostgreSQL was made by a version of this program from before its schema was frozen, " +
			"and cannot be migrated: every event is on the stream CHAT, so keep NATS as it is, name an empty database (in a data folder, move its " +
			"folders postgres and clickhouse aside), run `agrichat up`, which fills it from the stream, and then `agrichat verify`"))
	}
	if !versioned {
		return s, nil
	}
	if err := pool.QueryRow(ctx, schemaVersionSQL).Scan(&s.Version, &s.applied); err != nil {
		return s, Classify(fmt.Errorf("reading the schema's version: %w", err))
	}
	return s, nil
}

// known is what the files say.
func known(migrations fs.FS) (Schema, error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil || len(names) == 0 {
		return Schema{}, fault.AsFatal(fmt.Errorf("reading the migrations: %d found: %v", len(names), err))
	}
	s := Schema{known: len(names)}
	for _, name := range names {
		digits, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return s, fault.AsFatal(fmt.Errorf("reading the number of migration %s: %w", name, err))
		}
		s.Newest = max(s.Newest, n)
	}
	return s, nil
}

// Migrate brings the schema up to date. Several may do it at once; one does, the others wait. Where it is up to date nothing is
// executed that needs rights on the schema. A schema that is newer than the migrations is fatal: an old program must not write
// what it does not understand.
func Migrate(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
	return MigrateStepwise(ctx, pool, migrations, nil)
}

// MigrateStepwise is Migrate, and calls applied after each migration; nil: nothing is called.
func MigrateStepwise(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS, applied func()) error {
	s, err := Inspect(ctx, pool, migrations)
	if err != nil || s.Current() {
		return err
	}
	if s.Version > s.Newest {
		return s.newer()
	}
	if err := up(ctx, pool, migrations, applied); err != nil {
		return mayNot(Classify(err))
	}
	return nil
}

func (s Schema) newer() error {
	return fault.AsFatal(fmt.Errorf("the database's schema is version %d, this program knows %d: run the newer program that made it", s.Version, s.Newest))
}

// Require returns an error, which says what to do, unless the schema is current.
func (s Schema) Require() error {
	switch {
	case s.Current():
		return nil
	case s.Version > s.Newest:
		return s.newer()
	case s.Version == 0:
		return fault.AsFatal(errors.New("there is no schema in the database of PostgreSQL, and nothing was created"))
	}
	return fault.AsFatal(fmt.Errorf("the schema in PostgreSQL is version %d, this program needs %d, and nothing was migrated", s.Version, s.Newest))
}

// mayNot says who can migrate where this user cannot.
func mayNot(err error) error {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "42501" {
		return fault.AsFatal(fmt.Errorf("%w; run `agrichat migrate` as a user who owns the schema, then start this again", err))
	}
	return err
}

func up(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS, applied func()) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("preparing the migration lock: %w", err)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }() // nothing of ours is unwritten in it
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations,
		goose.WithSessionLocker(locker), goose.WithTableName("agrichat_migrations"))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if applied == nil {
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrating the schema: %w", err)
		}
		return nil
	}
	for {
		if _, err := p.UpByOne(ctx); errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		} else if err != nil {
			return fmt.Errorf("migrating the schema: %w", err)
		}
		applied()
	}
}
