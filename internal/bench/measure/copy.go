package measure

import (
	"context"
	_ "embed" // for the statements below
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

//go:embed queries/copy_out.sql
var copyOutSQL string

//go:embed queries/copy_in.sql
var copyInSQL string

//go:embed queries/make_database.sql
var makeDatabaseSQL string

// Limits is the database that rows are copied into.
const Limits = "limits"

// MakeLimits makes the database, which must not be there.
func MakeLimits(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, makeDatabaseSQL); err != nil {
		return fmt.Errorf("making the database %s: %w", Limits, err)
	}
	return nil
}

// copied are the tables whose rows come of messages. The ledger has a row a transaction, and is not counted.
func copied() []string {
	return []string{"channels", "identities", "events", "messages", "reactions", "memberships"}
}

// CopyOut writes the rows of every table into a file of its own, in PostgreSQL's binary form.
func CopyOut(ctx context.Context, pool *pgxpool.Pool, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a folder for copies: %w", err)
	}
	for _, table := range copied() {
		if err := copyOut(ctx, pool, table, filepath.Join(dir, table)); err != nil {
			return fmt.Errorf("copying %s to a file: %w", table, err)
		}
	}
	return nil
}

func copyOut(ctx context.Context, pool *pgxpool.Pool, table, path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return through(ctx, pool, func(c *pgconn.PgConn) error {
		_, err := c.CopyTo(ctx, f, fmt.Sprintf(copyOutSQL, table))
		return errors.Join(err, f.Sync())
	})
}

// CopyIn brings the files of CopyOut into the same tables of another database, all at the same time, a session and a transaction
// each, and returns how many rows there were. The pool needs as many connections.
func CopyIn(ctx context.Context, pool *pgxpool.Pool, dir string) (int64, error) {
	g, ctx := errgroup.WithContext(ctx)
	rows := make([]int64, len(copied()))
	for i, table := range copied() {
		g.Go(func() (err error) {
			rows[i], err = copyIn(ctx, pool, table, filepath.Join(dir, table))
			if err != nil {
				return fmt.Errorf("copying %s from a file: %w", table, err)
			}
			return nil
		})
	}
	err := g.Wait()
	var sum int64
	for _, n := range rows {
		sum += n
	}
	return sum, err
}

func copyIn(ctx context.Context, pool *pgxpool.Pool, table, path string) (rows int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = through(ctx, pool, func(c *pgconn.PgConn) error {
		tag, err := c.CopyFrom(ctx, io.Reader(f), fmt.Sprintf(copyInSQL, table))
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// through lends a connection.
func through(ctx context.Context, pool *pgxpool.Pool, do func(*pgconn.PgConn) error) error {
	c, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return do(c.Conn().PgConn())
}
