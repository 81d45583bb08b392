package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/control"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/consumers/normalise/recovery"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/patroni"
	"github.com/agrichat/agrichat/internal/supervise"
	"github.com/agrichat/agrichat/internal/verify"
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
	door     *gate.Door        // what gate is
	follower *patroni.Follower // nil: nobody elects leaders
	needs    needs
	creates  bool   // what is missing is created, and old schemas are migrated
	inspects bool   // missing streams are no error
	missing  error  // what of the bus is not there
	id       string // of this process, among those that follow the gate

	controller *control.Metrics // nil: this process does not control

	folder *folder // nil: nothing is embedded, or somebody else runs it
	joined bool    // somebody else runs the embedded servers
	at     addresses

	ending atomic.Bool // the connections are closed, and the engines end next
	giveUp func(error) // ends the command that is under way, which returns the error

	nats       *engine.NATS // nil where not ours to run
	postgres   *engine.Postgres
	clickhouse *engine.ClickHouse

	delivery *deliver.Metrics
	intake   *ingest.Metrics
	noted    liveNotices // of live sources
	unswept  bool        // tests show what happens without the sweep
	writes   *normaliseMetrics
	links    *links
	replaced *prometheus.CounterVec

	mu       sync.Mutex // covers the connections
	bus      *bus.Bus
	record   *pgxpool.Pool
	figures  *ch.DB
	keeper   *normalise.Store
	recovery *recovery.Recovery // of keeper
	facts    *aggregate.Handler
}

// prepare finds out where the servers are: configured ones are used, each by itself; the others are embedded, run by
// whoever holds the data folder. Where nothing embedded is needed, the folder is left alone.
func (a *app) prepare(ctx context.Context, want session) (*stack, error) {
	cfg, log, err := a.config()
	if err != nil {
		return nil, err
	}
	s := &stack{cfg: cfg, log: log, hook: deathPoint(a.environ), registry: obs.NewRegistry(obs.ReadBuild()), health: obs.NewHealth(),
		needs: want.needs, creates: want.creates, inspects: want.inspects, id: processID(), unswept: unswept(a.environ)}
	s.registry.MustRegister(s.health)
	s.delivery, s.intake = deliver.NewMetrics(s.registry), ingest.NewMetrics(s.registry)
	s.writes = newNormaliseMetrics(s.registry)
	s.links = newLinks(s)
	s.replaced = replacedMetrics(s.registry)
	if err := s.placeGate(); err != nil {
		return nil, err
	}
	n := want.needs
	embedded := n.bus && cfg.NATS.Embedded() || n.record && cfg.Postgres.Embedded() || n.figures && cfg.ClickHouse.Embedded()
	if want.inspects {
		return s, s.attach(embedded)
	}
	if !embedded && !want.exclusive {
		return s, nil
	}
	if err := s.take(ctx, want, a.note); err != nil {
		return nil, err
	}
	if s.at.Lasting = want.lasting; s.joined || !embedded {
		return s, nil
	}
	if err := s.placeEngines(); err != nil {
		return nil, errors.Join(err, s.leave())
	}
	return s, nil
}

// take holds the data folder, or finds out where its holder's servers are. Who needs them for long does not join a command
// that will end before, but waits for its end.
func (s *stack) take(ctx context.Context, want session, note func(string, ...any)) error {
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
	if want.exclusive {
		return fmt.Errorf("%w: %s; use it as it is (agrichat status shows where), stop it, or choose another folder with --data",
			errTaken, s.cfg.Data)
	}
	s.at, err = readAddresses(ctx, s.cfg.Data, joining{
		suits: func(a addresses) bool { return a.Lasting || !want.lasting && !want.consume },
		wait: func(a addresses) {
			note("waiting until the agrichat that runs on %s (process %d) has ended\n", s.cfg.Data, a.PID)
		},
		take: func() bool {
			got, _ := try() // an error here is found again by whoever looks for the addresses
			return got
		},
	})
	s.joined = s.folder == nil
	return err
}

// smallStreams is what the streams and buckets without a setting may take, with room to spare. The embedded server bears the
// sum of all limits, however little of the disk is free when it starts: it would otherwise refuse to make a stream whose limit
// is above that, though it may never come near it.
const smallStreams = 4 << 30

// leave gives the data folder back, if it was taken, before anything ran.
func (s *stack) leave() error {
	if s.folder == nil {
		return nil
	}
	return s.folder.release()
}

// placeEngines makes the embedded servers that are wanted, and starts none.
func (s *stack) placeEngines() error {
	var err error
	log := slog.New(calm{s.log.Handler(), &s.ending})
	if s.cfg.NATS.Embedded() {
		s.nats, err = engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(s.cfg.Data, "nats"), Log: log,
			MaxStore: int64(s.cfg.NATS.ChatMaxBytes+s.cfg.NATS.FactsMaxBytes) + smallStreams})
		if err != nil {
			return err
		}
		s.at.NATS = s.nats.URL()
	}
	if !s.cfg.Postgres.Embedded() && !s.cfg.ClickHouse.Embedded() {
		return nil
	}
	bin, err := engine.Locate(s.engineFolders()...)
	if errors.Is(err, engine.ErrNotFetched) {
		return fmt.Errorf("%w; `agrichat engines` fetches them", err)
	}
	if err != nil {
		return err
	}
	if s.cfg.Postgres.Embedded() {
		s.postgres, err = engine.NewPostgres(engine.PostgresConfig{Binaries: bin, Dir: filepath.Join(s.cfg.Data, "postgres"), Log: log})
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
			Command: []string{self, "engine", "clickhouse"}, Log: log})
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
// open, if not nil, opens the connections before the roles begin, and what it cannot open is given up: so it is for commands
// that are to end. What runs on connects when it has to, and waits for servers that are away.
func (s *stack) components(open func(context.Context) error) (list []supervise.Component, names []string) {
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
	if s.needs.leader() {
		list = append(list, s.leaderComponent())
		names = append(names, "leader")
	}
	list = append(list, s.connections(names, open))
	if s.needs.gated() {
		list = append(list, s.ordersComponent())
	}
	return list, append(names, "connections")
}

func (s *stack) connections(after []string, open func(context.Context) error) supervise.Component {
	opened := make(chan struct{})
	return supervise.Component{Name: "connections", After: after, Essential: true,
		Run: func(ctx context.Context) error {
			var err error
			if open != nil {
				err = open(ctx)
			}
			if err != nil && ctx.Err() == nil {
				s.giveUp(err)
			} else {
				close(opened)
			}
			<-ctx.Done()
			s.ending.Store(true)
			return s.close()
		},
		Ready: func(ctx context.Context) error {
			select {
			case <-opened:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}
}

// openKeeper makes the keeper of the record.
func (s *stack) openKeeper(ctx context.Context) (*normalise.Store, error) {
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
	k, err := normalise.New(ctx, normalise.Config{Pool: pool, Gate: s.gate, Stream: s.floored(b), Log: s.log, Failpoint: s.hook,
		Replaced: func(what string) { s.replaced.WithLabelValues(what).Inc() },
		Observe:  s.writes.observe})
	if err != nil {
		return nil, err
	}
	b.OnReconnect(k.Invalidate)
	s.keeper = k
	s.recovery = &recovery.Recovery{Stream: b, Locked: lock.On(pool), Log: s.log}
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
	return &verify.Verifier{Bus: busOf{s.bus}, Postgres: s.record, ClickHouse: figures, Incarnation: k.Incarnation}, nil
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

// stopPatience is how long embedded servers may take to end.
const stopPatience = 90 * time.Second

// calm is the log of an embedded server. While it ends it complains of the ends of connections, which is no news; what it
// calls an error still is.
type calm struct {
	slog.Handler
	ending *atomic.Bool
}

// Enabled implements slog.Handler.
func (c calm) Enabled(ctx context.Context, l slog.Level) bool {
	return c.Handler.Enabled(ctx, l) && (l >= slog.LevelError || !c.ending.Load())
}

// WithAttrs implements slog.Handler.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calm{c.Handler.WithAttrs(attrs), c.ending}
}

// WithGroup implements slog.Handler.
func (c calm) WithGroup(name string) slog.Handler { return calm{c.Handler.WithGroup(name), c.ending} }
