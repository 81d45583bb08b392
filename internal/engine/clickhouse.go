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
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/engine/chserver"
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

const (
	// childReady is what a child says on its standard output when it answers.
	childReady    = "ready\n"
	childLockFile = "child.lock"
	// chLeftover is how long a child whose parent was killed may take to end by itself.
	chLeftover = 3 * chserver.Drain
)

// chGrace is the time to stop, before a kill that loses nothing which was acknowledged.
const chGrace = chserver.Drain + 10*time.Second

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
	err := json.NewEncoder(in).Encode(chserver.Config{
		Library: c.cfg.Binaries.ClickHouse, Path: filepath.Join(c.cfg.Dir, "data"), Port: c.kept.Port,
		Database: Database, User: Role, Password: c.kept.Password, Memory: c.cfg.Memory,
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

// ServeClickHouse is what the child does: it serves what its standard input says, until the parent is gone or ctx ends or it is
// told to by SIGTERM. The configuration comes that way since arguments and environment can be read by others; the input then
// stays open for as long as the parent lives. It owns the standard input and output.
func ServeClickHouse(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	in, err := openInput()
	if err != nil {
		return err
	}
	defer in.Close()
	var cfg chserver.Config
	if err := json.NewDecoder(in).Decode(&cfg); err != nil {
		return fmt.Errorf("reading what ClickHouse is to serve: %w", err)
	}
	held, err := lockChild(ctx, filepath.Dir(cfg.Path))
	if err != nil {
		return err
	}
	defer held.Close()
	ctx, parentGone := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer in.Close() // ends the watch
	defer parentGone()
	wg.Go(func() {
		defer parentGone()
		_, _ = in.Read(make([]byte, 1)) // nothing more is ever sent: it ends with the parent
	})
	return chserver.Serve(ctx, cfg, func() error {
		if _, err := os.Stdout.WriteString(childReady); err != nil {
			return fmt.Errorf("telling the parent that ClickHouse is ready: %w", err)
		}
		return nil
	})
}

// openInput gives the standard input in the form whose Close ends a Read that waits.
func openInput() (*os.File, error) {
	fd := int(os.Stdin.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("preparing the standard input: %w", err)
	}
	return os.NewFile(uintptr(fd), "stdin"), nil
}

// lockChild keeps two children off one folder, and tells the next parent whom to stop.
func lockChild(ctx context.Context, dir string) (*os.File, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, chLeftover, ErrInUse)
	defer cancel()
	f, err := waitLock(ctx, filepath.Join(dir, childLockFile))
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("marking the folder of ClickHouse: %w", err), f.Close())
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("marking the folder of ClickHouse: %w", err), f.Close())
	}
	return f, nil
}
