package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// childConfig goes to the child through its standard input, since arguments and environment can be read by others. The
// input then stays open for as long as the parent lives.
type childConfig struct {
	Library  string `json:"library"`
	Path     string `json:"path"`
	Host     string `json:"host,omitempty"` // to listen on; loopback if empty
	Port     int    `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Memory   int64  `json:"memory"`
}

const (
	// childReady is what the child says on its standard output when it answers.
	childReady    = "ready\n"
	childLockFile = "child.lock"
	// chDrain is how long running statements may go on when the child is to stop; then they are cancelled.
	chDrain = 5 * time.Second
	// chLeftover is how long a child whose parent was killed may take to end by itself.
	chLeftover = 3 * chDrain
)

// ServeClickHouse is what the child does: it loads the library and answers over HTTP until the parent is gone or ctx ends or
// it is told to by SIGTERM. It owns the standard input and output.
func ServeClickHouse(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	in, err := openInput()
	if err != nil {
		return err
	}
	defer in.Close()
	var cfg childConfig
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
	return serveClickHouse(ctx, cfg)
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

func serveClickHouse(ctx context.Context, cfg childConfig) error {
	lib, err := loadLibrary(cfg.Library)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(cfg.Host, loopback), strconv.Itoa(cfg.Port)))
	if err != nil {
		return fmt.Errorf("listening for clients of ClickHouse: %w", err)
	}
	defer listener.Close()
	config, err := writeConfig(cfg)
	if err != nil {
		return err
	}
	// The engine lives from the first connection to the last, so one stays open.
	anchor, err := lib.open(engineArgs(cfg, config)...)
	if err != nil {
		return fmt.Errorf("opening the data of ClickHouse in %s: %w", cfg.Path, err)
	}
	defer anchor.close()
	if _, _, err := anchor.query(createClickHouseDatabase, "Null", params{}); err != nil {
		return fmt.Errorf("creating the database %s: %w", Database, err)
	}
	h := newHandler(lib, cfg)
	return serveHTTP(ctx, listener, h)
}

// serveHTTP returns when every request is done: nothing may use the library after it.
func serveHTTP(ctx context.Context, listener net.Listener, h *handler) error {
	requests, cancelRequests := context.WithCancel(context.Background())
	defer cancelRequests()
	srv := &http.Server{
		Handler:     h,
		BaseContext: func(net.Listener) context.Context { return requests },
		// A client that connects and then says nothing holds a connection, no more.
		ReadHeaderTimeout: 30 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	if _, err := os.Stdout.WriteString(childReady); err != nil {
		cancelRequests()
		return errors.Join(fmt.Errorf("telling the parent that ClickHouse is ready: %w", err), srv.Close(), <-failed)
	}
	var err error
	select {
	case err = <-failed:
		failed <- err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), chDrain)
	defer cancel()
	if srv.Shutdown(drain) != nil {
		cancelRequests()
		_ = srv.Close() // the connections that are left; their requests are waited for next
	}
	h.running.Wait()
	if err = <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving ClickHouse: %w", err)
	}
	return nil
}

// engineArgs bound what the engine takes of a laptop's memory. Caches count as well: their defaults, 5 GB each, are a
// server's.
func engineArgs(cfg childConfig, config string) []string {
	return []string{
		"--path=" + cfg.Path,
		"--config-file=" + config,
		"--max_server_memory_usage=" + strconv.FormatInt(cfg.Memory, 10),
		"--mark_cache_size=" + strconv.FormatInt(cfg.Memory/16, 10),
		"--primary_index_cache_size=" + strconv.FormatInt(cfg.Memory/16, 10),
		"--index_mark_cache_size=" + strconv.FormatInt(cfg.Memory/32, 10),
		"--query_condition_cache_size=" + strconv.FormatInt(cfg.Memory/32, 10),
	}
}

// sessionArgs are the settings every statement starts with; a client may change them for its own.
func sessionArgs(cfg childConfig, name string) []string {
	return []string{
		"--path=" + cfg.Path,    // each connection must name it
		"--log_comment=" + name, // by which a statement is found and cancelled
		"--max_memory_usage=" + strconv.FormatInt(cfg.Memory*3/4, 10),
		"--max_bytes_before_external_group_by=" + strconv.FormatInt(cfg.Memory/3, 10),
		"--max_bytes_before_external_sort=" + strconv.FormatInt(cfg.Memory/3, 10),
		// The library's own default gathers inserts and lets their deduplication tokens go unheard.
		"--async_insert=0",
		// The profiler works by signals, which are the Go runtime's here.
		"--query_profiler_real_time_period_ns=0",
		"--query_profiler_cpu_time_period_ns=0",
	}
}
