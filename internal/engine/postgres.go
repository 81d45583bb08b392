package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/fault"
)

// PostgresConfig says which PostgreSQL to run and where.
type PostgresConfig struct {
	Binaries Binaries
	// Dir holds the data, the port and the password. It belongs to PostgreSQL alone and, under root, to its user.
	Dir string
	// Port is a free one, kept in Dir, if zero.
	Port int
	// Password of the role agrichat; if empty a new one, kept in Dir. It counts at the first start only.
	Password string
	// Settings are added to postgresql.conf and win over ours.
	Settings map[string]string
	// Log gets what the server says; slog.Default() if nil.
	Log *slog.Logger
}

// Postgres is one PostgreSQL server. Its methods may be called from any goroutine, Run from one at a time.
type Postgres struct {
	cfg   PostgresConfig
	kept  kept
	ready readiness
	pid   atomic.Int64
}

const (
	// Role owns Database and everything in it.
	Role     = "agrichat"
	Database = "agrichat"

	pgData  = "data"
	pidFile = "postmaster.pid"
	// The server needs at most one checkpoint to stop; on a slow disk with 4 GB of log that takes its time. What comes
	// after is a kill, which loses nothing but makes the next start replay the log.
	pgGrace = 60 * time.Second
)

// NewPostgres settles the port and the password, so that DSN holds before the server runs. It starts nothing.
func NewPostgres(cfg PostgresConfig) (*Postgres, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("placing PostgreSQL: %w", err)
	}
	cfg.Dir = dir
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	k, err := keep(dir, kept{Port: cfg.Port, Password: cfg.Password})
	if err != nil {
		return nil, fmt.Errorf("placing PostgreSQL: %w", err)
	}
	return &Postgres{cfg: cfg, kept: k}, nil
}

// DSN is the address for any client, the password included.
func (p *Postgres) DSN() string { return p.dsn(Database) }

func (p *Postgres) dsn(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(Role, p.kept.Password), Host: address(p.kept.Port), Path: "/" + database,
		RawQuery: "sslmode=disable", // loopback only
	}
	return u.String()
}

// PID is the server's main process, whose children are the others; or zero.
func (p *Postgres) PID() int { return int(p.pid.Load()) }

// WaitReady returns when the server answers, or when ctx ends. It goes on waiting across restarts.
func (p *Postgres) WaitReady(ctx context.Context) error { return p.ready.wait(ctx, "PostgreSQL") }

// Run starts the server and returns when it is gone: nil if ctx ended, else the reason. It may be called again.
func (p *Postgres) Run(ctx context.Context) error {
	held, err := lock(p.cfg.Dir)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", fault.AsFatal(err))
	}
	defer held.Close()
	o, err := findOwner(filepath.Dir(p.cfg.Dir), p.cfg.Binaries.Postgres)
	if err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	if err := p.prepare(ctx, o); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	if !bindable(p.kept.Port) {
		return fmt.Errorf("starting PostgreSQL: port %d of %s is taken by another program; stop that one, or set another port",
			p.kept.Port, loopback)
	}
	defer p.ready.clear()
	defer p.pid.Store(0)
	cmd := exec.Command(p.cfg.Binaries.postgres(), "-D", p.data())
	cmd.Env, cmd.Dir, cmd.SysProcAttr = plainEnv("LC_ALL=C"), "/", o.attributes()
	return child{
		name: "PostgreSQL", cmd: cmd, stopSignal: syscall.SIGINT, grace: pgGrace, log: p.cfg.Log,
		started: func(ctx context.Context) error {
			p.pid.Store(int64(cmd.Process.Pid))
			return p.awaitStart(ctx)
		},
		orphaned: func() { p.stopOrphans() },
	}.run(ctx)
}

// prepare makes the data folder ready to be started on, whatever happened to the last run.
func (p *Postgres) prepare(ctx context.Context, o owner) error {
	if err := o.give(p.cfg.Dir); err != nil {
		return err
	}
	if err := p.stopLeftover(ctx); err != nil {
		return err
	}
	if err := p.initialise(ctx, o); err != nil {
		return err
	}
	return p.writeSettings(o)
}

func (p *Postgres) data() string { return filepath.Join(p.cfg.Dir, pgData) }

// awaitStart returns when the server takes connections to our database, which it makes the first time. Until the server says
// in its file that it is ready, maybe after replaying its log, nothing connects: each try would be an error in its log.
func (p *Postgres) awaitStart(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond) // a start without replay takes 40
	defer tick.Stop()
	for !p.saysReady() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	if err := p.ensureDatabase(ctx); err != nil {
		return err
	}
	p.ready.set()
	return nil
}

// saysReady reads the state that the server keeps in the eighth line of its mark.
func (p *Postgres) saysReady() bool {
	content, err := os.ReadFile(filepath.Join(p.data(), pidFile))
	if err != nil {
		return false
	}
	lines := strings.Split(string(content), "\n")
	return len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
}

func (p *Postgres) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.dsn("postgres"))
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	if err := conn.QueryRow(ctx, findDatabase).Scan(&there); err != nil {
		return fmt.Errorf("looking for the database %s: %w", Database, err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, createDatabase); err != nil {
		return fmt.Errorf("creating the database %s: %w", Database, err)
	}
	return nil
}

// stopLeftover ends the server that a killed process of ours left behind, and clears its mark. A mark whose process number
// has since been given to a stranger would make the server refuse to start for ever.
func (p *Postgres) stopLeftover(ctx context.Context) error {
	if pid := p.postmaster(); pid != 0 {
		p.cfg.Log.Warn("stopping the PostgreSQL that an earlier process left running", "pid", pid)
		if err := stopProcess(ctx, pid, syscall.SIGINT, pgGrace); err != nil {
			return fmt.Errorf("stopping the PostgreSQL that an earlier process left running: %w", err)
		}
	}
	p.stopOrphans()
	if err := os.Remove(filepath.Join(p.data(), pidFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clearing the mark of an earlier PostgreSQL: %w", err)
	}
	return nil
}

// postmaster returns the main process running on our data, or zero.
func (p *Postgres) postmaster() int {
	content, err := os.ReadFile(filepath.Join(p.data(), pidFile))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || !worksIn(pid, p.data()) {
		return 0
	}
	return pid
}

// stopOrphans kills the backends of a postmaster that was killed: while one lives, the next cannot start. They have
// nothing to save, for what is not in the log was not committed.
func (p *Postgres) stopOrphans() {
	for _, pid := range processesIn(p.data()) {
		// The answer does not matter: who is gone is gone, and who stays makes the start fail and say so.
		_ = stopProcess(context.Background(), pid, syscall.SIGKILL, time.Second)
	}
}
