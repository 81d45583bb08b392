package testenv

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/engine"
)

//go:embed sql/create_database.sql
var createDatabase string

//go:embed sql/drop_database.sql
var dropDatabase string

// postgres is the server of this program.
type postgres struct {
	server lazy[*pgServer]

	mu        sync.Mutex // covers templates
	templates map[string]*lazy[string]
}

type pgServer struct {
	*running
	dsn   string
	admin *pgxpool.Pool
}

// Postgres returns the address of an empty database that is the test's own, until the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template0")
}

// PostgresFrom is Postgres with a database that prepare has filled. It is called once a key in a program, and what it made is
// copied for each test; it must close its connections.
func PostgresFrom(t testing.TB, key string, prepare func(ctx context.Context, dsn string) error) string {
	t.Helper()
	s, err := process.postgres.get()
	require(t, err)
	name, err := process.postgres.template(key).get(func() (string, error) { return s.prepare(prepare) })
	if err != nil {
		t.Fatalf("preparing the database %s: %v", key, err)
	}
	return newDatabase(t, name)
}

// PostgresServer returns the address of an empty database on a server that is the test's own, until the test ends. All such
// servers have the same database, role and password; only their ports differ.
func PostgresServer(t testing.TB) string {
	t.Helper()
	s, err := startPostgres()
	require(t, err)
	t.Cleanup(func() {
		s.admin.Close()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s.dsn
}

// PostgresPool is Postgres with a pool of connections to it.
func PostgresPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return Pool(t, Postgres(t))
}

// Pool opens a pool that is closed when the test ends, before its database is dropped.
func Pool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatalf("connecting to PostgreSQL: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func newDatabase(t testing.TB, template string) string {
	t.Helper()
	s, err := process.postgres.get()
	require(t, err)
	name := process.name()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := s.exec(ctx, createDatabase, name, template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		if err := s.exec(ctx, dropDatabase, name); err != nil {
			t.Error(err)
		}
	})
	return s.address(name)
}

func (s *pgServer) exec(ctx context.Context, sql string, names ...any) error {
	sql = fmt.Sprintf(sql, names...)
	if _, err := s.admin.Exec(ctx, sql); err != nil {
		return fmt.Errorf("executing %q: %w", sql, err)
	}
	return nil
}

func (s *pgServer) address(database string) string {
	u, err := url.Parse(s.dsn)
	if err != nil {
		return s.dsn // it is the engine's own and always parses
	}
	u.Path = "/" + database
	return u.String()
}

func (s *pgServer) prepare(prepare func(context.Context, string) error) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	name := process.name()
	if err := s.exec(ctx, createDatabase, name, "template0"); err != nil {
		return "", err
	}
	return name, prepare(ctx, s.address(name))
}

func (p *postgres) template(key string) *lazy[string] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.templates == nil {
		p.templates = map[string]*lazy[string]{}
	}
	if p.templates[key] == nil {
		p.templates[key] = &lazy[string]{}
	}
	return p.templates[key]
}

func (p *postgres) get() (*pgServer, error) { return p.server.get(startPostgres) }

func (p *postgres) stop() error {
	if !p.server.made {
		return nil
	}
	p.server.v.admin.Close()
	return p.server.v.stop()
}

func startPostgres() (*pgServer, error) {
	engines, b, err := locate()
	if err != nil {
		return nil, err
	}
	template, err := clusterTemplate(engines, b)
	if err != nil {
		return nil, err
	}
	var server *engine.Postgres
	r, err := startServer("postgres", func(dir string) (runner, error) {
		if err := CopyTree(filepath.Join(template, "data"), filepath.Join(dir, "data")); err != nil {
			return nil, err
		}
		server, err = engine.NewPostgres(config(b, dir))
		return server, err
	})
	if err != nil {
		return nil, err
	}
	admin, err := adminPool(server.DSN())
	if err != nil {
		return nil, err
	}
	return &pgServer{running: r, dsn: server.DSN(), admin: admin}, nil
}

func adminPool(dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading the address of PostgreSQL: %w", err)
	}
	// Each CREATE DATABASE copies files; more at once only stand in each other's way.
	cfg.MaxConns, cfg.HealthCheckPeriod = 2, time.Hour
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	return pool, nil
}

// config gives up durability and most of the memory: several programs' servers run at once.
func config(b engine.Binaries, dir string) engine.PostgresConfig {
	return engine.PostgresConfig{
		Binaries: b, Dir: dir, Password: "of-the-tests", Log: quiet(),
		Settings: map[string]string{
			"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
			"shared_buffers": "64MB", "max_wal_size": "1GB", "max_connections": "200",
		},
	}
}
