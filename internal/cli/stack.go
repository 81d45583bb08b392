package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/supervise"
	"github.com/agrichat/agrichat/internal/verify"
	clickhouse "github.com/agrichat/agrichat/schemas/clickhouse"
	postgres "github.com/agrichat/agrichat/schemas/postgres"
)

// stack is the servers of one run of the program, embedded or not, and the connections to them. Connections are opened
// when first asked for, so that a producer needs no database.
type stack struct {
	cfg      config.Config
	log      *slog.Logger
	hook     func(point string) // nil but in crash tests
	registry *prometheus.Registry
	health   *obs.Health
	gate     gate.Gate

	folder *folder // nil: nothing is embedded, or somebody else runs it
	joined bool    // somebody else runs the embedded servers
	at     addresses

	nats       *engine.NATS // nil where not ours to run
	postgres   *engine.Postgres
	clickhouse *engine.ClickHouse

	delivery *deliver.Metrics
	intake   *ingest.Metrics
	writes   prometheus.Observer

	mu      sync.Mutex // covers the connections
	bus     *bus.Bus
	record  *pgxpool.Pool
	figures *ch.DB
	keeper  *normalise.Keeper
	facts   *aggregate.Handler
}

// prepare finds out where the servers are: configured ones are used, each by itself; the others are embedded, run by
// whoever holds the data folder. exclusive refuses to join somebody else.
func (a *app) prepare(ctx context.Context, exclusive bool) (*stack, error) {
	cfg, log, err := a.config()
	if err != nil {
		return nil, err
	}
	s := &stack{cfg: cfg, log: log, hook: deathPoint(a.environ), registry: obs.NewRegistry(obs.ReadBuild()), health: obs.NewHealth(),
		gate: gate.Open{}}
	s.registry.MustRegister(s.health)
	s.delivery, s.intake = deliver.NewMetrics(s.registry), ingest.NewMetrics(s.registry)
	s.writes = normaliseMetrics(s.registry)
	embedded := cfg.NATS.Embedded() || cfg.Postgres.Embedded() || cfg.ClickHouse.Embedded()
	if !embedded && !exclusive {
		return s, nil
	}
	if err := s.take(ctx, exclusive); err != nil {
		return nil, err
	}
	if s.joined || !embedded {
		return s, nil
	}
	if err := s.placeEngines(); err != nil {
		return nil, errors.Join(err, s.folder.release())
	}
	return s, nil
}

// take holds the data folder, or finds out where its holder's servers are.
func (s *stack) take(ctx context.Context, exclusive bool) error {
	try := func() (bool, error) {
		f, err := takeFolder(s.cfg.Data)
		if errors.Is(err, errTaken) {
			return false, nil
		}
		s.folder = f
		return err == nil, err
	}
	got, err := try()
	if err != nil || got {
		return err
	}
	if exclusive {
		return fmt.Errorf("%w: %s; use it as it is (agrichat status shows where), stop it, or choose another folder with --data",
			errTaken, s.cfg.Data)
	}
	s.at, err = readAddresses(ctx, s.cfg.Data, func() bool {
		got, _ := try() // an error here is found again by whoever looks for the addresses
		return got
	})
	s.joined = s.folder == nil
	return err
}

// placeEngines makes the embedded servers that are wanted, and starts none.
func (s *stack) placeEngines() error {
	var err error
	if s.cfg.NATS.Embedded() {
		s.nats, err = engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(s.cfg.Data, "nats"), Log: s.log})
		if err != nil {
			return err
		}
		s.at.NATS = s.nats.URL()
	}
	if !s.cfg.Postgres.Embedded() && !s.cfg.ClickHouse.Embedded() {
		return nil
	}
	bin, err := engine.Locate(s.engineFolders()...)
	if err != nil {
		return err
	}
	if s.cfg.Postgres.Embedded() {
		s.postgres, err = engine.NewPostgres(engine.PostgresConfig{Binaries: bin, Dir: filepath.Join(s.cfg.Data, "postgres"), Log: s.log})
		if err != nil {
			return err
		}
		s.at.Postgres = s.postgres.DSN()
	}
	if s.cfg.ClickHouse.Embedded() {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program to start its child: %w", err)
		}
		s.clickhouse, err = engine.NewClickHouse(engine.ClickHouseConfig{Binaries: bin, Dir: filepath.Join(s.cfg.Data, "clickhouse"),
			Command: []string{self, "engine", "clickhouse"}, Log: s.log})
		if err != nil {
			return err
		}
		s.at.ClickHouse = s.clickhouse.URL()
	}
	return nil
}

// engineFolders is where the embedded servers' programs are looked for.
func (s *stack) engineFolders() []string {
	if s.cfg.Engines != "" {
		return []string{s.cfg.Engines}
	}
	dirs := []string{filepath.Join(s.cfg.Data, "engines")}
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(self), "..", ".engines"))
	}
	return dirs
}

// components of the embedded servers, and the connections to them, which end before they do; roles come after all of them.
func (s *stack) components() (list []supervise.Component, names []string) {
	add := func(name string, run, ready func(context.Context) error) {
		list = append(list, supervise.Component{Name: name, Run: run, Ready: ready, Essential: true})
		names = append(names, name)
	}
	if s.nats != nil {
		add("nats", s.nats.Run, s.nats.WaitReady)
	}
	if s.postgres != nil {
		add("postgres", s.postgres.Run, s.postgres.WaitReady)
	}
	if s.clickhouse != nil {
		add("clickhouse", s.clickhouse.Run, s.clickhouse.WaitReady)
	}
	list = append(list, supervise.Component{Name: "connections", After: names, Run: func(ctx context.Context) error {
		<-ctx.Done()
		return s.close()
	}})
	return list, append(names, "connections")
}

// openBus connects to the bus and makes its streams.
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
		Replicas: s.cfg.NATS.Replicas, ChatBytes: int64(s.cfg.NATS.ChatMaxBytes), FactsBytes: int64(s.cfg.NATS.FactsMaxBytes), Log: s.log}
	if s.cfg.NATS.Embedded() {
		c.URLs = []string{s.at.NATS}
		if s.nats != nil {
			c.Options = append(c.Options, nats.InProcessServer(s.nats))
		}
	}
	b, err := bus.Connect(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := b.Ensure(ctx); err != nil {
		b.Close()
		return nil, err
	}
	s.bus = b
	return b, nil
}

// openRecord connects to Postgres and brings its schema up to date.
func (s *stack) openRecord(ctx context.Context) (*pgxpool.Pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openRecordLocked(ctx)
}

func (s *stack) openRecordLocked(ctx context.Context) (*pgxpool.Pool, error) {
	if s.record != nil {
		return s.record, nil
	}
	pool, err := connectRecord(ctx, s.recordDSN(), int32(s.cfg.Postgres.MaxConns))
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

func connectRecord(ctx context.Context, dsn string, conns int32) (*pgxpool.Pool, error) {
	pool, err := pg.Open(ctx, pg.Config{DSN: dsn, MaxConns: conns, Name: "agrichat"})
	if err != nil {
		return nil, err
	}
	if err := pg.Migrate(ctx, pool, postgres.Migrations); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// openFigures connects to ClickHouse and brings its schema up to date.
func (s *stack) openFigures(ctx context.Context) (*ch.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.figures != nil {
		return s.figures, nil
	}
	db, err := connectFigures(ctx, s.figuresURL())
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

func connectFigures(ctx context.Context, url string) (*ch.DB, error) {
	db, err := ch.Open(ctx, ch.Config{URL: url, Create: true})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, clickhouse.FS); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openKeeper makes the keeper of the record.
func (s *stack) openKeeper(ctx context.Context) (*normalise.Keeper, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keeper != nil {
		return s.keeper, nil
	}
	b, err := s.openBusLocked(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := s.openRecordLocked(ctx)
	if err != nil {
		return nil, err
	}
	k, err := normalise.New(ctx, normalise.Config{Pool: pool, Gate: s.gate, Stream: b, Log: s.log, Hook: s.hook,
		Observe: func(t normalise.Transaction) { s.writes.Observe(t.Took.Seconds()) }})
	if err != nil {
		return nil, err
	}
	s.keeper = k
	return k, nil
}

// verifier compares the three stores.
func (s *stack) verifier(ctx context.Context) (*verify.Verifier, error) {
	k, err := s.openKeeper(ctx)
	if err != nil {
		return nil, err
	}
	figures, err := s.openFigures(ctx)
	if err != nil {
		return nil, err
	}
	_ = k // made first: it gives the store its generation
	return &verify.Verifier{Bus: busOf{s.bus}, Record: s.record, Aggregates: figures}, nil
}

// busOf is the bus as verification sees it.
type busOf struct{ *bus.Bus }

// Facts implements verify.Bus.
func (b busOf) Facts(ctx context.Context) (last, stored uint64, err error) {
	s, err := b.Stream(ctx, bus.Facts)
	if err != nil {
		return 0, 0, err
	}
	c, err := b.ConsumerStatus(ctx, bus.Facts, bus.Aggregate)
	return s.Last, c.AckFloor, err
}

// close ends the connections. The engines end with their components.
func (s *stack) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.figures != nil {
		err = s.figures.Close()
	}
	if s.record != nil {
		s.record.Close()
	}
	if s.bus != nil {
		s.bus.Close()
	}
	s.figures, s.record, s.bus, s.keeper = nil, nil, nil, nil
	return err
}

func normaliseMetrics(r *prometheus.Registry) prometheus.Observer {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "agrichat_normalise_transaction_seconds", Help: "How long storing a batch took, facts included.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
	})
	r.MustRegister(h)
	return h
}

// stopPatience is how long embedded servers may take to end.
const stopPatience = 90 * time.Second
