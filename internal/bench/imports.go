package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/verify"
	postgres "github.com/agrichat/agrichat/schemas/postgres"
)

// imports measures the whole way: an import into empty stores, its verification, and the same import again. The rows that it
// made are then copied by PostgreSQL alone.
func (b *run) imports(ctx context.Context, a variant) error {
	return b.with(ctx, uses{postgres: true, clickhouse: true}, func(ctx context.Context, r *env) error {
		first, err := r.importOnce(ctx, corpus.Telegram)
		if err != nil {
			return err
		}
		proved, err := r.verifyOnce(ctx)
		if err != nil {
			return err
		}
		var said importer.Report
		again, err := r.phase(ctx, &said, "import", r.archives[corpus.Telegram])
		if err != nil {
			return err
		}
		if said.Published > 0 {
			r.problem("importing the same file again published %d events", said.Published)
		}
		if err := r.count(ctx); err != nil {
			return err
		}
		addImport(r, a, first, proved, again)
		if a == repeated {
			return nil
		}
		return errors.Join(r.weigh(), r.copyLimit(ctx))
	})
}

// importOnce imports an archive into empty stores.
func (r *env) importOnce(ctx context.Context, f corpus.Format) (phase, error) {
	var said importer.Report
	p, err := r.phase(ctx, &said, "import", r.archives[f])
	if err != nil {
		return p, err
	}
	if said.Unparsed > 0 || said.Read < r.report.Corpora[f].Messages || int(said.Stored) != said.Published {
		r.problem("the import read %d records, could not read %d, published %d events and stored %d", said.Read, said.Unparsed, said.Published, said.Stored)
	}
	return p, nil
}

// verifyOnce verifies the stores.
func (r *env) verifyOnce(ctx context.Context) (phase, error) {
	r.report.Proof = verify.Report{}
	p, err := r.phase(ctx, &r.report.Proof, "verify")
	if v := &r.report.Proof; err == nil && !v.Equal {
		r.problem("the verification found %d missing, %d extra, %d differing", v.Missing, v.Extra, v.Differing)
	}
	return p, err
}

func addImport(r *env, a variant, first, proved, again phase) {
	n := float64(r.report.Corpora[corpus.Telegram].Messages)
	u := first.processor
	for name, v := range map[string]float64{
		"end_to_end": n / first.seconds, "end_to_end_verified": n / (first.seconds + proved.seconds), "again": first.seconds / again.seconds,
		"verify": proved.seconds, "memory": mega(first.peak), "cpu_ours": micro(u.ours, n), "cpu_postgres": micro(u.postgres, n),
		"cpu_clickhouse": micro(u.clickhouse, n), "cpu_others": micro(u.others, n), "cpu_share": u.ours / max(u.postgres, 0.01),
	} {
		r.add(name, a, v)
	}
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }

func micro(seconds, n float64) float64 { return seconds * 1e6 / n }

// largeImport imports a larger archive once, for the memory.
func (b *run) largeImport(ctx context.Context) error {
	c := b.Corpus
	c.Messages = b.Large
	dir := filepath.Join(b.dir, "archives", "large")
	made, path, err := c.Make(corpus.Telegram, dir)
	if err != nil {
		return err
	}
	const large corpus.Format = "large"
	b.report.Corpora[large], b.archives[large] = made, path
	return b.with(ctx, uses{postgres: true, clickhouse: true}, func(ctx context.Context, r *env) error {
		p, err := r.importOnce(ctx, large)
		if err != nil {
			return err
		}
		b.add("memory_large", measured, mega(p.peak))
		b.add("large", measured, float64(made.Messages)/p.seconds)
		return nil
	})
}

// count asks the stores what they hold.
func (r *env) count(ctx context.Context) error {
	pool, err := pg.Open(ctx, pg.Config{DSN: r.postgres.DSN(), MaxConns: 1, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if r.report.Postgres, err = measure.RowsInPostgres(ctx, pool); err != nil {
		return err
	}
	db, err := ch.Open(ctx, ch.Config{URL: r.clickhouse.URL()})
	if err != nil {
		return err
	}
	r.report.ClickHouse, err = measure.RowsInClickHouse(ctx, db)
	if want := uint64(r.report.Corpora[corpus.Telegram].Messages); r.report.Postgres.Messages != want || r.report.ClickHouse != r.report.Postgres {
		r.problem("of %d messages PostgreSQL holds %+v, ClickHouse %+v", want, r.report.Postgres, r.report.ClickHouse)
	}
	return errors.Join(err, db.Close())
}

// weigh looks at what the servers have taken, while they still run.
func (r *env) weigh() error {
	var errs []error
	for name, dir := range map[string]string{"disk_nats": "nats", "disk_postgres": "postgres", "disk_clickhouse": "clickhouse"} {
		n, err := measure.Size(filepath.Join(r.data, dir))
		r.add(name, measured, mega(n))
		errs = append(errs, err)
	}
	n, err := measure.Peak(r.clickhouse.PID())
	r.add("memory_clickhouse", measured, mega(n))
	return errors.Join(append(errs, err)...)
}

// copyLimit copies the rows of PostgreSQL into the same tables of a new database of the same server.
func (r *env) copyLimit(ctx context.Context) (err error) {
	from, err := pg.Open(ctx, pg.Config{DSN: r.postgres.DSN(), MaxConns: 1, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer from.Close()
	dir := filepath.Join(r.data, "copies")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := errors.Join(measure.CopyOut(ctx, from, dir), measure.MakeLimits(ctx, from)); err != nil {
		return err
	}
	dsn, err := url.Parse(r.postgres.DSN())
	if err != nil {
		return fmt.Errorf("reading the address of PostgreSQL: %w", err)
	}
	dsn.Path = "/" + measure.Limits
	to, err := pg.Open(ctx, pg.Config{DSN: dsn.String(), MaxConns: 8, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer to.Close()
	if err := pg.Migrate(ctx, to, postgres.Migrations); err != nil {
		return err
	}
	unix.Sync()
	before, err := r.processorTime()
	if err != nil {
		return err
	}
	began := time.Now()
	rows, err := measure.CopyIn(ctx, to, dir)
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	after, err := r.processorTime()
	if err != nil {
		return err
	}
	n := float64(r.report.Corpora[corpus.Telegram].Messages)
	r.add("limit_copy", measured, n/seconds)
	r.add("cpu_copy", measured, micro(after.postgres-before.postgres, n))
	r.Notify("COPY: %d rows in %.1f s\n", rows, seconds)
	return nil
}
