// Package app composes a process: which servers it runs, which it connects to, and which components run in it.
//
// It promises that servers which are configured are used and the others run embedded in the data directory; that one process
// owns that directory and others attach to its servers; that components start in the order of what they need and stop in the
// reverse one, after the work of the command; and that every writer to PostgreSQL goes through the gate. It parses no flags
// and prints nothing.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/app/datadir"
	"github.com/agrichat/agrichat/internal/app/failpoint"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/producers/all"
)

// Environment is what a process is started with.
type Environment struct {
	Config  config.Config
	Log     *slog.Logger
	Environ []string                         // as os.Environ gives it, for failpoints
	Notify  func(format string, args ...any) // reports to a person what is waited for; nil: there is no reader
}

// LoadConfig loads the configuration.
func LoadConfig(file string, environ []string, flags []config.Flag) (config.Config, error) {
	var kinds []string
	for _, d := range all.Definitions() {
		if d.Live != nil {
			kinds = append(kinds, string(d.Name))
		}
	}
	c, err := config.Load(config.Input{File: file, Environ: environ, Flags: flags, Kinds: kinds,
		Spare: []string{failpoint.DieVariable, failpoint.ReconcileVariable, "AGRICHAT_LAB", "AGRICHAT_LAB_DIR", "AGRICHAT_LAB_ROOT"}})
	if err != nil {
		return config.Config{}, UsageError{err}
	}
	return c, nil
}

// Requirements are the servers that a command uses. One that it does not use may be away.
type Requirements struct {
	Bus, Postgres, ClickHouse bool
	Gate                      bool // it reads the gate without writing to PostgreSQL
	Control                   bool // it controls the gate
}

// AllStores are the bus and both stores.
func AllStores() Requirements { return Requirements{Bus: true, Postgres: true, ClickHouse: true} }

// gated says that the desired state of the gate matters.
func (r Requirements) gated() bool { return r.Postgres || r.Gate }

// leader says that it matters who the leader is.
func (r Requirements) leader() bool { return r.gated() || r.Control }

// Options say how a process runs.
type Options struct {
	Requirements
	Exclusive bool // it must own the data directory
	Lasting   bool // it runs until it is stopped, so others may attach to it
	Consume   bool // something must store and aggregate while it runs: this process, unless the one that it attaches to does
	Create    bool // it creates the streams, and migrates the schemas
	Lazy      bool // it opens connections when it uses them, and works without some
	Inspect   bool // it reports missing streams instead of failing, and attaches without waiting
}

// base is what every part of an App needs.
type base struct {
	cfg      config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	health   *obs.Health
	id       string         // of this process, among those that follow the gate
	fail     failpoint.Func // nil but in crash tests
}

// App is one process.
type App struct {
	base
	*Connections
	options Options
	notify  func(format string, args ...any)
	gate    *leaderGate
	servers *servers
	workers *workers
	links   *links

	cancelWork context.CancelCauseFunc // ends the command's work, which then returns the cause
}

// New makes an App that runs no servers: it uses the configured ones. It is for what needs none of its own, and for tests.
func New(env Environment, o Options) (*App, error) {
	a := &App{options: o, notify: env.Notify, base: base{cfg: env.Config, log: env.Log, registry: obs.NewRegistry(obs.ReadBuild()),
		health: obs.NewHealth(), id: processID(), fail: failpoint.New(env.Environ)}}
	if a.notify == nil {
		a.notify = func(string, ...any) {}
	}
	a.registry.MustRegister(a.health)
	g, err := newLeaderGate(a.base, o.Control)
	if err != nil {
		return nil, err
	}
	a.gate, a.servers = g, &servers{cfg: env.Config, log: env.Log}
	a.Connections = newConnections(a.base, o, g, a.servers)
	a.workers = newWorkers(a.base, a.Connections, failpoint.SkipReconcile(env.Environ))
	a.Connections.checks = a.workers.checks
	a.links = newLinks(a.Connections)
	return a, nil
}

// open makes an App and finds its servers: the configured ones, each by itself; the others are embedded, run by the owner of the
// data directory. Where nothing embedded is needed, the directory is left alone.
func open(ctx context.Context, env Environment, o Options) (*App, error) {
	a, err := New(env, o)
	if err != nil {
		return nil, err
	}
	embedded := o.Bus && a.cfg.NATS.Embedded() || o.Postgres && a.cfg.Postgres.Embedded() || o.ClickHouse && a.cfg.ClickHouse.Embedded()
	if o.Inspect {
		return a, a.servers.attach(embedded)
	}
	if !embedded && !o.Exclusive {
		return a, nil
	}
	if err := a.servers.acquire(ctx, o, a.notify); err != nil {
		return nil, err
	}
	if a.servers.endpoints.Lasting = o.Lasting; a.servers.attached || !embedded {
		return a, nil
	}
	if err := a.servers.create(); err != nil {
		return nil, errors.Join(err, a.servers.release())
	}
	return a, nil
}

// processID is unique among the processes that follow the gate.
func processID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}

// Config returns the configuration.
func (a *App) Config() config.Config { return a.cfg }

// Log returns the log.
func (a *App) Log() *slog.Logger { return a.log }

// IngestMetrics returns the metrics of sources, which are registered once a process.
func (a *App) IngestMetrics() *ingest.Metrics { return a.workers.ingest }

// Failpoint returns the failpoints of this process.
func (a *App) Failpoint() failpoint.Func { return a.fail }

// Gate returns the gate that writers of this process wait at.
func (a *App) Gate() gate.Gate { return a.gate.local }

// OwnsNATS reports whether this process runs NATS: nothing but itself and what attaches to it uses that.
func (a *App) OwnsNATS() bool { return a.servers.nats != nil }

// Endpoints returns where the embedded servers listen.
func (a *App) Endpoints() datadir.Endpoints { return a.servers.endpoints }

// Attached reports whether another process runs the embedded servers.
func (a *App) Attached() bool { return a.servers.attached }
