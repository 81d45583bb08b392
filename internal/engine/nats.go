package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/agrichat/agrichat/internal/fault"
)

// NATSConfig says which NATS server to run and where.
type NATSConfig struct {
	// Dir holds the streams, the port and the password.
	Dir string
	// Port is a free one, kept in Dir, if zero.
	Port int
	// Password of the user agrichat; if empty a new one, kept in Dir.
	Password string
	// MaxStore bounds the sum of the streams' limits, in bytes; no bound if zero.
	MaxStore int64
	// NoSync leaves writing to disk to the system. For tests: what was acknowledged may then be lost with the power.
	NoSync bool
	// Log gets what the server says; slog.Default() if nil.
	Log *slog.Logger
}

// NATS is one NATS server with JetStream in this process. Its methods may be called from any goroutine, Run from one at
// a time.
type NATS struct {
	cfg   NATSConfig
	kept  kept
	ready readiness
	pid   atomic.Int64 // of RunApart

	mu  sync.Mutex // covers srv
	srv *server.Server
}

// NATSBatch is how many messages one atomic batch may have here; the server's own limit is 1000. For every batch it makes a
// store with files of its own and syncs it, and the stream's once more: with batches of 4000 publishing a message costs a sixth
// less of the processor than with 1000, and a quarter less than with 500. Batches of 8000 would save a few hundredths more; but
// the server holds each several times while it commits, direct reads wait for that, and after a crash in the middle of it
// a start stores the rest one by one, each with a sync of its own.
const NATSBatch = 4000

// unboundedStore is above any sum of limits. The server's own default is three quarters of what is free on the disk when it
// starts: whether a stream could be made would depend on whatever else is on the disk at that moment.
const unboundedStore = 1 << 60

// natsStart bounds the opening of the port, which comes after the streams were recovered.
const natsStart = 10 * time.Second

// NewNATS settles the port and the password, so that URL holds before the server runs. It starts nothing.
func NewNATS(cfg NATSConfig) (*NATS, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	k, err := keep(cfg.Dir, kept{Port: cfg.Port, Password: cfg.Password})
	if err != nil {
		return nil, fmt.Errorf("placing NATS: %w", err)
	}
	return &NATS{cfg: cfg, kept: k}, nil
}

// URL is the address for any client, the password included.
func (n *NATS) URL() string {
	u := url.URL{Scheme: "nats", User: url.UserPassword(Role, n.kept.Password), Host: address(n.kept.Port)}
	return u.String()
}

// WaitReady returns when the server answers, or when ctx ends. It goes on waiting across restarts.
func (n *NATS) WaitReady(ctx context.Context) error { return n.ready.wait(ctx, "NATS") }

// InProcessConn connects to the server without the network, for nats.InProcessServer; URL must be given as well, for its
// password. It fails while the server does not run.
func (n *NATS) InProcessConn() (net.Conn, error) {
	n.mu.Lock()
	srv := n.srv
	n.mu.Unlock()
	if srv == nil {
		return nil, errors.New("connecting to the embedded NATS: it is not running")
	}
	return srv.InProcessConn()
}

// Run starts the server and returns when it has stopped and written everything: nil if ctx ended, else the reason. It may
// be called again.
func (n *NATS) Run(ctx context.Context) error {
	held, err := lock(n.cfg.Dir)
	if err != nil {
		return fmt.Errorf("starting NATS: %w", fault.AsFatal(err))
	}
	defer held.Close()
	if !bindable(n.kept.Port) {
		return fmt.Errorf("starting NATS: port %d of %s is taken by another program; stop that one, or set another port",
			n.kept.Port, loopback)
	}
	srv, err := server.NewServer(n.options())
	if err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	log := natsLog{log: n.cfg.Log, fatal: make(chan string, 1)}
	srv.SetLoggerV2(log, false, false, false)
	return n.serve(ctx, srv, log.fatal)
}

func (n *NATS) serve(ctx context.Context, srv *server.Server, fatal <-chan string) error {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		srv.WaitForShutdown()
	}()
	defer func() { <-gone }()
	srv.Start() // returns when the streams are recovered
	defer srv.Shutdown()
	select {
	case why := <-fatal:
		return fmt.Errorf("starting NATS in %s: %s", n.cfg.Dir, why)
	default:
	}
	if !srv.ReadyForConnections(natsStart) || !srv.JetStreamEnabled() {
		return fmt.Errorf("starting NATS in %s: it does not answer", n.cfg.Dir)
	}
	n.set(srv)
	n.ready.set()
	defer n.set(nil)
	defer n.ready.clear()
	select {
	case <-ctx.Done():
		return nil
	case <-gone:
		return errors.New("running NATS: it stopped by itself")
	}
}

func (n *NATS) set(srv *server.Server) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.srv = srv
}

func (n *NATS) options() *server.Options {
	return &server.Options{
		ServerName: "agrichat", Host: loopback, Port: n.kept.Port, Username: Role, Password: n.kept.Password,
		JetStream: true, StoreDir: filepath.Join(n.cfg.Dir, "jetstream"), JetStreamMaxStore: cmp.Or(n.cfg.MaxStore, unboundedStore),
		// The server's default writes acknowledged messages to disk only every two minutes.
		SyncAlways:      !n.cfg.NoSync,
		JetStreamLimits: server.JSLimitOpts{MaxBatchSize: NATSBatch},
		// Every delivery is acknowledged to an address of its own: a memory of who listens where is filled and emptied for
		// nothing, and without it delivering costs a twentieth less.
		NoSublistCache: true,
		NoSigs:         true,                          // the process is not the server's own
		MaxPayload:     8 << 20, MaxPending: 64 << 20, // a message with its raw form and a batch of them
	}
}

// natsLog passes what the server says on to slog.
type natsLog struct {
	log   *slog.Logger
	fatal chan string
}

func (l natsLog) Noticef(f string, v ...any) { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l natsLog) Errorf(f string, v ...any)  { l.log.Error(fmt.Sprintf(f, v...)) }
func (l natsLog) Debugf(f string, v ...any)  { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l natsLog) Tracef(f string, v ...any)  { l.log.Debug(fmt.Sprintf(f, v...)) }

// Warnf leaves out the advice on passwords: ours is new, random and in no file of the server's.
func (l natsLog) Warnf(f string, v ...any) {
	if text := fmt.Sprintf(f, v...); !strings.HasPrefix(text, "Plaintext passwords detected") {
		l.log.Warn(text)
	}
}

// Fatalf is called where the server as a program would exit.
func (l natsLog) Fatalf(f string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(f, v...):
	default: // the first reason is the one to tell
	}
}
