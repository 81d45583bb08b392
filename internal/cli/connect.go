package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/pg"
	clickhouse "github.com/agrichat/agrichat/schemas/clickhouse"
	postgres "github.com/agrichat/agrichat/schemas/postgres"
)

// open connects to the servers that are needed.
func (s *stack) open(ctx context.Context, n needs) error {
	if n.bus {
		if _, err := s.openBus(ctx); err != nil {
			return err
		}
	}
	if n.record {
		if _, err := s.openRecord(ctx); err != nil {
			return err
		}
	}
	if n.figures {
		_, err := s.openFigures(ctx)
		return err
	}
	return nil
}

// openBus connects to the bus, and makes its streams if this command may.
func (s *stack) openBus(ctx context.Context) (*bus.Bus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openBusLocked(ctx)
}

func (s *stack) openBusLocked(ctx context.Context) (*bus.Bus, error) {
	if s.bus != nil {
		return s.bus, nil
	}
	c := bus.Config{URLs: s.cfg.NATS.URLs, User: s.cfg.NATS.User, Password: s.cfg.NATS.Password, Creds: s.cfg.NATS.CredsFile,
		Replicas: s.cfg.NATS.Replicas, ChatBytes: int64(s.cfg.NATS.ChatMaxBytes), FactsBytes: int64(s.cfg.NATS.FactsMaxBytes),
		BundleEvents: s.cfg.NATS.BundleEvents, Log: s.log}
	key := "nats.urls"
	if s.cfg.NATS.Embedded() {
		c.URLs, key = []string{s.at.NATS}, ""
		c.BatchMessages = engine.NATSBatch
		if s.nats != nil {
			c.Options = append(c.Options, nats.InProcessServer(s.nats))
		}
	}
	b, err := bus.Connect(ctx, c)
	if err != nil {
		return nil, connecting(err, "NATS", strings.Join(c.URLs, ","), key)
	}
	prepare := b.Check
	if s.creates {
		prepare = b.Ensure
	}
	err = prepare(ctx)
	if errors.Is(err, bus.ErrMissing) {
		if err = toCreate(err); s.inspects {
			s.missing, err = err, nil
		}
	}
	if err != nil {
		b.Close()
		return nil, shown{err}
	}
	if s.creates {
		if err := s.answerChecks(b); err != nil {
			b.Close()
			return nil, err
		}
	}
	s.bus = b
	return b, nil
}

// openRecord connects to Postgres, and brings its schema up to date if this command may.
func (s *stack) openRecord(ctx context.Context) (*pgxpool.Pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openRecordLocked(ctx)
}

func (s *stack) openRecordLocked(ctx context.Context) (*pgxpool.Pool, error) {
	if s.record != nil {
		return s.record, nil
	}
	key := "postgres.dsn"
	if s.cfg.Postgres.Embedded() {
		key = ""
	}
	c := pg.Config{DSN: s.recordDSN(), MaxConns: int32(s.cfg.Postgres.MaxConns)}
	if s.follower != nil {
		c.Leader = s.leader
	}
	pool, err := connectRecord(ctx, c, key, s.creates, s.hook)
	if err != nil {
		return nil, err
	}
	s.record = pool
	return pool, nil
}

func (s *stack) recordDSN() string {
	if s.cfg.Postgres.Embedded() {
		return s.at.Postgres
	}
	return s.cfg.Postgres.DSN
}

// connectRecord connects to Postgres. Who may not create needs a schema that is current: it may come to write. The hook may be nil.
func connectRecord(ctx context.Context, c pg.Config, key string, creates bool, hook func(point string)) (*pgxpool.Pool, error) {
	c.Name = "agrichat"
	pool, err := pg.Open(ctx, c)
	if err != nil {
		return nil, connecting(err, "PostgreSQL", c.DSN, key)
	}
	if creates {
		var applied func()
		if hook != nil {
			applied = func() { hook("migrated.postgres") }
		}
		err = pg.MigrateStepwise(ctx, pool, postgres.Migrations, applied)
	} else {
		err = inspectRecord(ctx, pool)
	}
	if err != nil {
		pool.Close()
		return nil, shown{err}
	}
	return pool, nil
}

func inspectRecord(ctx context.Context, pool *pgxpool.Pool) error {
	schema, err := pg.Inspect(ctx, pool, postgres.Migrations)
	if err != nil {
		return err
	}
	err = schema.Require()
	if err != nil && schema.Version <= schema.Newest {
		return toCreate(err)
	}
	return err
}

// toCreate says what creates what is missing, and brings what is old up to date.
func toCreate(err error) error { return fmt.Errorf("%w; run `agrichat up` or `agrichat migrate`", err) }

// openFigures connects to ClickHouse, and brings its schema up to date if this command may.
func (s *stack) openFigures(ctx context.Context) (*ch.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.figures != nil {
		return s.figures, nil
	}
	key := "clickhouse.url"
	if s.cfg.ClickHouse.Embedded() {
		key = ""
	}
	db, err := connectFigures(ctx, s.figuresURL(), key, s.access(), s.reach)
	if err != nil {
		return nil, err
	}
	s.figures = db
	return db, nil
}

func (s *stack) figuresURL() string {
	if s.cfg.ClickHouse.Embedded() {
		return s.at.ClickHouse
	}
	return s.cfg.ClickHouse.URL
}

// access is what may be done with the schema of ClickHouse.
type access int

const (
	looks   access = iota // nothing is created, and any version will do
	writes                // nothing is created, and the version must be this program's
	creates               // it is created, or brought up to date
)

func (s *stack) access() access {
	switch {
	case s.creates:
		return creates
	case s.needs.record:
		return writes
	}
	return looks
}

func connectFigures(ctx context.Context, url, key string, may access, reach func(point string)) (*ch.DB, error) {
	db, err := ch.Open(ctx, ch.Config{URL: url, Create: may == creates})
	if err != nil {
		return nil, connecting(err, "ClickHouse", url, key)
	}
	if may == creates {
		err = db.MigrateStepwise(ctx, clickhouse.FS, func() { reach("migrated.clickhouse") })
	} else {
		err = inspectFigures(ctx, db, may == writes)
	}
	if err != nil {
		return nil, shown{errors.Join(err, db.Close())}
	}
	return db, nil
}

func inspectFigures(ctx context.Context, db *ch.DB, current bool) error {
	schema, err := db.Inspect(ctx, clickhouse.FS)
	if err != nil {
		return err
	}
	err = schema.Require(current)
	if err != nil && schema.Version <= schema.Newest {
		return toCreate(err)
	}
	return err
}
