package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/fault"
)

// ClickHouseConfig says which ClickHouse engine to run and where.
type ClickHouseConfig struct {
	Binaries Binaries
	// Dir holds the data, the port and the password.
	Dir string
	// Port is a free one, kept in Dir, if zero.
	Port int
	// Password of the user agrichat; if empty a new one, kept in Dir.
	Password string
	// Command starts a program that calls ServeClickHouse; Env is added to its environment.
	Command []string
	Env     []string
	// Memory bounds what the engine takes, in bytes; a quarter of the machine's, between 1 and 4 GiB, if zero.
	Memory int64
	// Log gets what the engine says; slog.Default() if nil.
	Log *slog.Logger
}

// ClickHouse is the ClickHouse engine in a child of our own: it cannot take the pipeline down, and its memory is seen
// apart. Its methods may be called from any goroutine, Run from one at a time.
type ClickHouse struct {
	cfg   ClickHouseConfig
	kept  kept
	ready readiness
	pid   atomic.Int64
}

// chGrace is the time to stop, before a kill that loses nothing which was acknowledged.
const chGrace = chDrain + 10*time.Second

// NewClickHouse settles the port and the password, so that URL holds before the engine runs. It starts nothing.
func NewClickHouse(cfg ClickHouseConfig) (*ClickHouse, error) {
	if len(cfg.Command) == 0 {
		return nil, errors.New("placing ClickHouse: there is no command for its process")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("placing ClickHouse: %w", err)
	}
	cfg.Dir = dir
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Memory == 0 {
		cfg.Memory = memoryShare()
	}
	k, err := keep(dir, kept{Port: cfg.Port, Password: cfg.Password})
	if err != nil {
		return nil, fmt.Errorf("placing ClickHouse: %w", err)
	}
	return &ClickHouse{cfg: cfg, kept: k}, nil
}

func memoryShare() int64 {
	const least, most = 1 << 30, 4 << 30
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return least
	}
	return min(max(int64(info.Totalram)*int64(info.Unit)/4, least), most)
}

// URL is the address for clickhouse-go and for any HTTP client, the password included.
func (c *ClickHouse) URL() string {
	u := url.URL{Scheme: "http", User: url.UserPassword(Role, c.kept.Password), Host: address(c.kept.Port), Path: "/" + Database}
	return u.String()
}

// PID is the process to look at for the engine's memory and processor time, or zero.
func (c *ClickHouse) PID() int { return int(c.pid.Load()) }

// WaitReady returns when the engine answers, or when ctx ends. It goes on waiting across restarts.
func (c *ClickHouse) WaitReady(ctx context.Context) error { return c.ready.wait(ctx, "ClickHouse") }

// Run starts the engine and returns when it is gone: nil if ctx ended, else the reason. It may be called again.
func (c *ClickHouse) Run(ctx context.Context) error {
	held, err := lock(c.cfg.Dir)
	if err != nil {
		return fmt.Errorf("starting ClickHouse: %w", fault.AsFatal(err))
	}
	defer held.Close()
	if err := c.stopLeftover(ctx); err != nil {
		return fmt.Errorf("starting ClickHouse: %w", err)
	}
	if !bindable(c.kept.Port) {
		return fmt.Errorf("starting ClickHouse: port %d of %s is taken by another program; stop that one, or set another port",
			c.kept.Port, loopback)
	}
	defer c.ready.clear()
	defer c.pid.Store(0)
	cmd := exec.Command(c.cfg.Command[0], c.cfg.Command[1:]...)
	cmd.Env = plainEnv(append([]string{"LC_ALL=C", "TZ=UTC"}, c.cfg.Env...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting ClickHouse: %w", err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting ClickHouse: %w", err)
	}
	return child{
		name: "ClickHouse", cmd: cmd, stopSignal: syscall.SIGTERM, grace: chGrace, log: c.cfg.Log,
		started: func(context.Context) error { return c.introduce(cmd.Process.Pid, in, out) },
	}.run(ctx)
}

// introduce tells the child what to serve and waits until it does. It ends with the child, whose end closes both pipes.
func (c *ClickHouse) introduce(pid int, in io.Writer, out io.Reader) error {
	c.pid.Store(int64(pid))
	err := json.NewEncoder(in).Encode(childConfig{
		Library: c.cfg.Binaries.ClickHouse, Path: filepath.Join(c.cfg.Dir, "data"), Port: c.kept.Port,
		User: Role, Password: c.kept.Password, Memory: c.cfg.Memory,
	})
	if err != nil {
		return fmt.Errorf("telling ClickHouse what to serve: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != childReady {
		return fmt.Errorf("waiting for ClickHouse to be ready: it said %q and: %w", line, err)
	}
	c.ready.set()
	return nil
}

// stopLeftover waits for the child of a killed process, which ends by itself, and helps if it does not.
func (c *ClickHouse) stopLeftover(ctx context.Context) error {
	name := filepath.Join(c.cfg.Dir, childLockFile)
	wait, cancel := context.WithTimeout(ctx, chLeftover)
	defer cancel()
	f, err := waitLock(wait, name)
	if err == nil {
		return f.Close()
	}
	if ctx.Err() != nil {
		return err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("looking for the ClickHouse that an earlier process left running: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return fmt.Errorf("looking for the ClickHouse that an earlier process left running: %w", err)
	}
	c.cfg.Log.Warn("killing the ClickHouse that an earlier process left running", "pid", pid)
	if err := stopProcess(ctx, pid, syscall.SIGKILL, time.Second); err != nil {
		return fmt.Errorf("stopping the ClickHouse that an earlier process left running: %w", err)
	}
	return nil
}
