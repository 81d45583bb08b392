package pg

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/agrichat/agrichat/internal/fault"
)

// Migrate brings the schema up to date. Several may do it at once; one does, the others wait. A schema that is newer than
// the migrations is fatal: an old program must not write what it does not understand.
func Migrate(ctx context.Context, pool *pgxpool.Pool, migrations fs.FS) error {
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
	if _, err := p.Up(ctx); err != nil {
		return Classify(fmt.Errorf("migrating the schema: %w", err))
	}
	have, newest, err := p.GetVersions(ctx)
	if err != nil {
		return Classify(fmt.Errorf("reading the schema's version: %w", err))
	}
	if have > newest {
		return fault.AsFatal(fmt.Errorf("the database's schema is version %d, this program knows %d: run the newer program that made it", have, newest))
	}
	return nil
}
