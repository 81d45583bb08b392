package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/agrichat/agrichat/internal/app/datadir"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/supervise"
)

// SmallStreams is what the streams and buckets without a setting may take, with room to spare. The embedded server must bear the
// sum of all limits, however little of the disk is free when it starts: it would otherwise refuse to make a stream whose limit
// is above that, though it may never come near it.
const SmallStreams = 4 << 30

// StopTimeout is how long embedded servers may take to stop.
const StopTimeout = 90 * time.Second

// servers are the embedded servers: run by this process, which then owns the data directory, or by the owner.
type servers struct {
	cfg config.Config
	log *slog.Logger

	lock      *datadir.Lock // nil: nothing is embedded, or another process owns the directory
	attached  bool          // another process runs the embedded servers
	endpoints datadir.Endpoints

	stopping atomic.Bool // the connections are closed, and the servers stop next

	nats       *engine.NATS // nil unless this process runs it
	postgres   *engine.Postgres
	clickhouse *engine.ClickHouse
}

// acquire locks the data directory, or attaches to its owner. A process that needs the servers for long does not attach to one
// that will end before it, but waits for its end.
func (s *servers) acquire(ctx context.Context, o Options, notify func(string, ...any)) error {
	try := func() (bool, error) {
		l, err := datadir.Acquire(s.cfg.Data)
		if errors.Is(err, datadir.ErrLocked) {
			return false, nil
		}
		s.lock = l
		return err == nil, err
	}
	got, err := try()
	if err != nil || got {
		return err
	}
	if o.Exclusive {
		return fmt.Errorf("%w: %s; use it as it is (agrichat status shows where), stop it, or choose another folder with --data",
			datadir.ErrLocked, s.cfg.Data)
	}
	s.endpoints, err = datadir.Await(ctx, s.cfg.Data, datadir.Waiter{
		Accept: func(e datadir.Endpoints) bool { return e.Lasting || !o.Lasting && !o.Consume },
		Waiting: func(e datadir.Endpoints) {
			notify("waiting until the agrichat that runs on %s (process %d) has ended\n", s.cfg.Data, e.PID)
		},
		Acquire: func() bool {
			got, _ := try() // an error is found again when the endpoints are read
			return got
		},
	})
	s.attached = s.lock == nil
	return err
}

// ErrNothingRuns says that no process runs on the data directory.
var ErrNothingRuns = errors.New("no agrichat runs here")

// attach uses the servers of the directory's owner, and neither waits for it nor takes its lock, not even for a moment: a process
// that starts would find it locked. With needed it is an error that there is no owner.
func (s *servers) attach(needed bool) error {
	e, found, err := datadir.Read(s.cfg.Data)
	if err != nil {
		return err
	}
	if found = found && datadir.Alive(e.PID); found {
		s.endpoints, s.attached = e, true
		return nil
	}
	if needed {
		return fmt.Errorf("%w: no servers run on %s, or they are still starting; agrichat up --data %s starts them",
			ErrNothingRuns, s.cfg.Data, s.cfg.Data)
	}
	return nil
}

// errOwnerEnded says that the servers ended with the process that ran them.
var errOwnerEnded = errors.New("the agrichat that ran the servers has ended")

// watchOwner cancels the work of an attached process when the owner has ended: its servers do not come back by themselves, and a
// publisher would retry without end. It returns when ctx ends.
func (s *servers) watchOwner(ctx context.Context, cancel context.CancelCauseFunc) {
	exited, err := datadir.AwaitExit(ctx, s.endpoints.PID)
	if err != nil {
		s.log.Debug("cannot watch the agrichat that runs the servers", "pid", s.endpoints.PID, "error", err)
		return
	}
	if exited {
		cancel(fmt.Errorf("%w: start it again (agrichat up --data %s) or not, and repeat this command: what is there already does no harm",
			errOwnerEnded, s.cfg.Data))
	}
}

// release gives the data directory back, if this process owns it.
func (s *servers) release() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Release()
}

// publish writes where the servers listen for other processes, if this process owns the directory.
func (s *servers) publish() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Publish(s.endpoints)
}

// create makes the embedded servers that are wanted, and starts none.
func (s *servers) create() error {
	var err error
	log := slog.New(stoppingHandler{s.log.Handler(), &s.stopping})
	if s.cfg.NATS.Embedded() {
		s.nats, err = engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(s.cfg.Data, "nats"), Log: log,
			MaxStore: int64(s.cfg.NATS.ChatMaxBytes+s.cfg.NATS.FactsMaxBytes) + SmallStreams})
		if err != nil {
			return err
		}
		s.endpoints.NATS = s.nats.URL()
	}
	if !s.cfg.Postgres.Embedded() && !s.cfg.ClickHouse.Embedded() {
		return nil
	}
	bin, err := engine.Locate(EngineDirs(s.cfg)...)
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
		s.endpoints.Postgres = s.postgres.DSN()
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
		s.endpoints.ClickHouse = s.clickhouse.URL()
	}
	return nil
}

// EngineDirs is where the programs of the embedded servers are looked for.
func EngineDirs(c config.Config) []string {
	if c.Engines != "" {
		return []string{c.Engines}
	}
	dirs := []string{filepath.Join(c.Data, "engines")}
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(self), "..", ".engines"))
	}
	return dirs
}

// components of the embedded servers of this process.
func (s *servers) components() (list []supervise.Component) {
	add := func(name string, run, ready func(context.Context) error) {
		list = append(list, supervise.Component{Name: name, Run: run, Ready: ready, Essential: true})
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
	return list
}

// postgresDSN is the address of PostgreSQL, with its password.
func (s *servers) postgresDSN() string {
	if s.cfg.Postgres.Embedded() {
		return s.endpoints.Postgres
	}
	return s.cfg.Postgres.DSN
}

// clickhouseURL is the address of ClickHouse, with its password.
func (s *servers) clickhouseURL() string {
	if s.cfg.ClickHouse.Embedded() {
		return s.endpoints.ClickHouse
	}
	return s.cfg.ClickHouse.URL
}

// natsURL is an address of NATS that another program can use, with its password.
func (s *servers) natsURL() string {
	if s.cfg.NATS.Embedded() {
		return s.endpoints.NATS
	}
	u, err := url.Parse(s.cfg.NATS.URLs[0])
	if err == nil && u.User == nil && s.cfg.NATS.User != "" {
		u.User = url.UserPassword(s.cfg.NATS.User, s.cfg.NATS.Password)
		return u.String()
	}
	return s.cfg.NATS.URLs[0]
}

// stoppingHandler is the log handler of an embedded server. While the server stops it warns of closed connections, which is
// expected; errors still pass.
type stoppingHandler struct {
	slog.Handler
	stopping *atomic.Bool
}

// Enabled implements slog.Handler.
func (h stoppingHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, l) && (l >= slog.LevelError || !h.stopping.Load())
}

// WithAttrs implements slog.Handler.
func (h stoppingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stoppingHandler{h.Handler.WithAttrs(attrs), h.stopping}
}

// WithGroup implements slog.Handler.
func (h stoppingHandler) WithGroup(name string) slog.Handler {
	return stoppingHandler{h.Handler.WithGroup(name), h.stopping}
}
