// Package chserver answers ClickHouse's HTTP protocol over libchdb, ClickHouse as a shared library. The process that calls it
// becomes a ClickHouse server for clickhouse-go and for any HTTP client.
//
// It promises the protocol as far as those clients use it: statements and data in the address and the body, the Native
// format of the client's revision, compression of both kinds, settings, parameters, errors with ClickHouse's codes, and that
// a statement ends with its client. It keeps no sessions, takes no external tables and compresses no HTTP answers, and says so
// where one is asked for. It knows no folder but the one it is given, and starts no process.
package chserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "embed"
)

// Config says what to serve. It goes from a parent to its child in this form.
type Config struct {
	Library  string `json:"library"`
	Path     string `json:"path"`           // of the data; settings are written beside it
	Host     string `json:"host,omitempty"` // to listen on; loopback if empty
	Port     int    `json:"port"`
	Database string `json:"database"` // is created, and is the one of who names none
	User     string `json:"user"`
	Password string `json:"password"`
	Memory   int64  `json:"memory"`
}

// Drain is how long running statements may go on when the server is to stop; then they are cancelled.
const Drain = 5 * time.Second

// Serve loads the library and answers until ctx ends. It calls ready when it answers; an error of it ends the server. A process
// serves once, and one folder.
func Serve(ctx context.Context, cfg Config, ready func() error) error {
	lib, err := loadLibrary(cfg.Library)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(cfg.Host, "127.0.0.1"), strconv.Itoa(cfg.Port)))
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
		return fmt.Errorf("creating the database %s: %w", cfg.Database, err)
	}
	h := newHandler(lib, cfg)
	return serveHTTP(ctx, listener, h, ready)
}

// serveHTTP returns when every request is done: nothing may use the library after it.
func serveHTTP(ctx context.Context, listener net.Listener, h *handler, ready func() error) error {
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
	if err := ready(); err != nil {
		cancelRequests()
		return errors.Join(err, srv.Close(), <-failed)
	}
	var err error
	select {
	case err = <-failed:
		failed <- err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), Drain)
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
func engineArgs(cfg Config, config string) []string {
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
func sessionArgs(cfg Config, name string) []string {
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

//go:embed clickhouse.xml
var clickHouseXML []byte

// writeConfig puts the engine's own settings beside its data, and returns where. They belong to the engine and not to
// schemas/clickhouse: a server of a team has its own.
func writeConfig(cfg Config) (string, error) {
	name := filepath.Join(filepath.Dir(cfg.Path), "clickhouse.xml")
	if err := os.WriteFile(name, clickHouseXML, 0o600); err != nil {
		return "", fmt.Errorf("writing the settings of ClickHouse: %w", err)
	}
	return name, nil
}
