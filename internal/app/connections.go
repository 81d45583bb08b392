package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/app/failpoint"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/pg"
	clickhouse "github.com/agrichat/agrichat/schemas/clickhouse"
	postgres "github.com/agrichat/agrichat/schemas/postgres"
)

// Connections are those of one process to its servers. Each is opened when it is first used, so that a producer needs no
// database, and kept until Close.
type Connections struct {
	base
	options Options
	gate    *leaderGate
	servers *servers
	metrics *storeMetrics
	checks  func() ([]byte, error) // answers requests of other processes for this one's health checks

	mu         sync.Mutex // covers all below
	bus        *bus.Bus
	postgres   *pgxpool.Pool
	clickhouse *ch.DB
	store      *normalise.Store
	aggregator *aggregate.Handler
	missing    error // what of the bus does not exist
}

func newConnections(b base, o Options, g *leaderGate, s *servers) *Connections {
	return &Connections{base: b, options: o, gate: g, servers: s, metrics: newStoreMetrics(b.registry)}
}

// Open connects to the servers that are required.
func (c *Connections) Open(ctx context.Context, r Requirements) error {
	if r.Bus {
		if _, err := c.Bus(ctx); err != nil {
			return err
		}
	}
	if r.Postgres {
		if _, err := c.Postgres(ctx); err != nil {
			return err
		}
	}
	if r.ClickHouse {
		_, err := c.ClickHouse(ctx)
		return err
	}
	return nil
}

// Bus connects to the bus, and creates its streams if this process may.
func (c *Connections) Bus(ctx context.Context) (*bus.Bus, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.busLocked(ctx)
}

func (c *Connections) busLocked(ctx context.Context) (*bus.Bus, error) {
	if c.bus != nil {
		return c.bus, nil
	}
	n := c.cfg.NATS
	config := bus.Config{URLs: n.URLs, User: n.User, Password: n.Password, Creds: n.CredsFile, Replicas: n.Replicas,
		ChatBytes: int64(n.ChatMaxBytes), FactsBytes: int64(n.FactsMaxBytes), BundleEvents: n.BundleEvents, Log: c.log}
	key := "nats.urls"
	if n.Embedded() {
		config.URLs, key = []string{c.servers.endpoints.NATS}, ""
		config.BatchMessages = engine.NATSBatch
		if c.servers.nats != nil {
			config.Options = append(config.Options, nats.InProcessServer(c.servers.nats))
		}
	}
	b, err := bus.Connect(ctx, config)
	if err != nil {
		return nil, connectError(err, "NATS", strings.Join(config.URLs, ","), key)
	}
	prepare := b.Check
	if c.options.Create {
		prepare = b.Ensure
	}
	err = prepare(ctx)
	if errors.Is(err, bus.ErrMissing) {
		if err = notCreated(err); c.options.Inspect {
			c.missing, err = err, nil
		}
	}
	if err != nil {
		b.Close()
		return nil, redacted{err}
	}
	if c.options.Create {
		if err := b.AnswerChecks(c.checks); err != nil {
			b.Close()
			return nil, err
		}
	}
	c.bus = b
	return b, nil
}

// Missing returns which streams, buckets and consumers do not exist, where the process inspects; nil if all do.
func (c *Connections) Missing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missing
}

// opened returns the connections that are open, nil for those that are not.
func (c *Connections) opened() (*bus.Bus, *pgxpool.Pool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bus, c.postgres
}

// Postgres connects to PostgreSQL, and migrates its schema if this process may.
func (c *Connections) Postgres(ctx context.Context) (*pgxpool.Pool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.postgresLocked(ctx)
}

func (c *Connections) postgresLocked(ctx context.Context) (*pgxpool.Pool, error) {
	if c.postgres != nil {
		return c.postgres, nil
	}
	key := "postgres.dsn"
	if c.cfg.Postgres.Embedded() {
		key = ""
	}
	config := pg.Config{DSN: c.servers.postgresDSN(), MaxConns: int32(c.cfg.Postgres.MaxConns)}
	if c.gate.follower != nil {
		config.Leader = c.gate.leader
	}
	pool, err := ConnectPostgres(ctx, config, key, c.options.Create, c.fail)
	if err != nil {
		return nil, err
	}
	c.postgres = pool
	return pool, nil
}

// resetPostgres closes every connection to PostgreSQL; the pool opens new ones.
func (c *Connections) resetPostgres() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.postgres != nil {
		c.postgres.Reset()
	}
}

// ConnectPostgres connects to PostgreSQL. One that may not create needs a current schema: it may write later. key is where the
// address was given; empty: the server is embedded.
func ConnectPostgres(ctx context.Context, c pg.Config, key string, create bool, fail failpoint.Func) (*pgxpool.Pool, error) {
	c.Name = "agrichat"
	pool, err := pg.Open(ctx, c)
	if err != nil {
		return nil, connectError(err, "PostgreSQL", c.DSN, key)
	}
	if create {
		var applied func() // nil: all migrations are applied in one step
		if fail != nil {
			applied = func() { fail("migrated.postgres") }
		}
		err = pg.MigrateStepwise(ctx, pool, postgres.Migrations, applied)
	} else {
		err = inspectPostgres(ctx, pool)
	}
	if err != nil {
		pool.Close()
		return nil, redacted{err}
	}
	return pool, nil
}

func inspectPostgres(ctx context.Context, pool *pgxpool.Pool) error {
	schema, err := pg.Inspect(ctx, pool, postgres.Migrations)
	if err != nil {
		return err
	}
	err = schema.Require()
	if err != nil && schema.Version <= schema.Newest {
		return notCreated(err)
	}
	return err
}

// notCreated says which command creates what is missing, and migrates what is old.
func notCreated(err error) error {
	return fmt.Errorf("%w; run `agrichat up` or `agrichat migrate`", err)
}

// ClickHouse connects to ClickHouse, and migrates its schema if this process may.
func (c *Connections) ClickHouse(ctx context.Context) (*ch.DB, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clickhouseLocked(ctx)
}

func (c *Connections) clickhouseLocked(ctx context.Context) (*ch.DB, error) {
	if c.clickhouse != nil {
		return c.clickhouse, nil
	}
	key := "clickhouse.url"
	if c.cfg.ClickHouse.Embedded() {
		key = ""
	}
	access := ReadOnly
	switch {
	case c.options.Create:
		access = Create
	case c.options.Postgres:
		access = Write
	}
	db, err := ConnectClickHouse(ctx, c.servers.clickhouseURL(), key, access, c.fail)
	if err != nil {
		return nil, err
	}
	c.clickhouse = db
	return db, nil
}

// Access is what may be done with the schema of ClickHouse.
type Access int

// Levels of access.
const (
	ReadOnly Access = iota // nothing is created, and any version will do
	Write                  // nothing is created, and the version must be this program's
	Create                 // it is created, or migrated
)

// ConnectClickHouse connects to ClickHouse. key is as in ConnectPostgres.
func ConnectClickHouse(ctx context.Context, url, key string, access Access, fail failpoint.Func) (*ch.DB, error) {
	db, err := ch.Open(ctx, ch.Config{URL: url, Create: access == Create})
	if err != nil {
		return nil, connectError(err, "ClickHouse", url, key)
	}
	if access == Create {
		err = db.MigrateStepwise(ctx, clickhouse.FS, func() { fail.Reach("migrated.clickhouse") })
	} else {
		err = inspectClickHouse(ctx, db, access == Write)
	}
	if err != nil {
		return nil, redacted{errors.Join(err, db.Close())}
	}
	return db, nil
}

func inspectClickHouse(ctx context.Context, db *ch.DB, current bool) error {
	schema, err := db.Inspect(ctx, clickhouse.FS)
	if err != nil {
		return err
	}
	err = schema.Require(current)
	if err != nil && schema.Version <= schema.Newest {
		return notCreated(err)
	}
	return err
}

// Schemas returns the versions of both schemas.
func (c *Connections) Schemas(ctx context.Context) (record pg.Schema, analytics ch.Schema, err error) {
	pool, err := c.Postgres(ctx)
	if err != nil {
		return record, analytics, err
	}
	db, err := c.ClickHouse(ctx)
	if err != nil {
		return record, analytics, err
	}
	if record, err = pg.Inspect(ctx, pool, postgres.Migrations); err != nil {
		return record, analytics, err
	}
	analytics, err = db.Inspect(ctx, clickhouse.FS)
	return record, analytics, err
}

// Store opens the store that writes to PostgreSQL.
func (c *Connections) Store(ctx context.Context) (*normalise.Store, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store != nil {
		return c.store, nil
	}
	b, err := c.busLocked(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := c.postgresLocked(ctx)
	if err != nil {
		return nil, err
	}
	s, err := normalise.New(ctx, normalise.Config{Pool: pool, Gate: c.gate.local, Stream: c.storeStream(b), Log: c.log, Failpoint: c.fail,
		Replaced: c.metrics.replace, Observe: c.metrics.observe})
	if err != nil {
		return nil, err
	}
	b.OnReconnect(s.Invalidate)
	c.store = s
	return s, nil
}

// Aggregator opens the handler that writes facts to ClickHouse.
func (c *Connections) Aggregator(ctx context.Context) (*aggregate.Handler, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	db, err := c.clickhouseLocked(ctx)
	if err != nil {
		return nil, err
	}
	if c.aggregator == nil {
		c.aggregator, err = aggregate.New(db, aggregate.Config{Metrics: c.registry, Failpoint: c.fail.Prefixed("aggregate.")})
	}
	return c.aggregator, err
}

// Close closes the connections. The aggregator stays: its metrics are registered once a process.
func (c *Connections) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.clickhouse != nil {
		err = c.clickhouse.Close()
	}
	if c.postgres != nil {
		c.postgres.Close()
	}
	if c.bus != nil {
		c.bus.Close()
	}
	c.clickhouse, c.postgres, c.bus, c.store = nil, nil, nil, nil
	return err
}
