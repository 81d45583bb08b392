package engine_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/engine"
)

func newPostgres(t testing.TB, dir string) *engine.Postgres {
	t.Helper()
	p, err := engine.NewPostgres(engine.PostgresConfig{Binaries: binaries(t), Dir: dir, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pgQuery[T any](t *testing.T, dsn, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func pgExec(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPostgresKeepsItsDataAndAddress(t *testing.T) {
	t.Parallel()
	where := dir(t)
	p := newPostgres(t, where)
	r := start(t, p)
	pgExec(t, p.DSN(), `CREATE TABLE t AS SELECT 'Съешь ещё' AS v`)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	again := newPostgres(t, where)
	if again.DSN() != p.DSN() {
		t.Errorf("the address changed from %s to %s", p.DSN(), again.DSN())
	}
	start(t, again)
	if got := pgQuery[string](t, p.DSN(), `SELECT upper(v) FROM t`); got != "СЪЕШЬ ЕЩЁ" {
		t.Errorf("got %q", got)
	}
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "data_checksums": "on", "shared_buffers": "256MB",
		"max_connections": "60", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "TimeZone": "UTC",
	} {
		if got := pgQuery[string](t, p.DSN(), "SHOW "+setting); got != want {
			t.Errorf("%s is %q, not %q", setting, got, want)
		}
	}
}

// TestPostgresStopsWithoutAWarning holds that the ends of connections and workers that we ask for are no news.
func TestPostgresStopsWithoutAWarning(t *testing.T) {
	t.Parallel()
	said := watchedLog{words: "while it runs", seen: make(chan struct{})}
	p, err := engine.NewPostgres(engine.PostgresConfig{Binaries: binaries(t), Dir: dir(t),
		Log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, p)
	open, err := pgx.Connect(t.Context(), p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close(context.Background())
	if _, err := open.Exec(t.Context(), "DO $$ BEGIN RAISE WARNING 'while it runs'; END $$"); err != nil {
		t.Fatal(err)
	}
	// The server's words come through a pipe: what is still in it when the stop begins counts as said at the stop.
	select {
	case <-said.seen:
	case <-t.Context().Done():
		t.Fatal("the warning was never logged")
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ words, level string }{
		{"while it runs", "level=WARN"},
		{"FATAL:  terminating connection due to administrator command", "level=DEBUG"},
	} {
		if line := said.line(tt.words); !strings.Contains(line, tt.level) {
			t.Errorf("%q is not said with %s but: %s", tt.words, tt.level, line)
		}
	}
}

// watchedLog keeps what was logged, and closes seen when some words first are. Everything is written before Run returns, and
// read after; slog writes a line at a time.
type watchedLog struct {
	bytes.Buffer
	words string
	seen  chan struct{}
}

// Write implements io.Writer.
func (w *watchedLog) Write(line []byte) (int, error) {
	if w.words != "" && bytes.Contains(line, []byte(w.words)) {
		w.words = ""
		close(w.seen)
	}
	return w.Buffer.Write(line)
}

// line returns the first line with these words.
func (w *watchedLog) line(words string) string {
	for l := range strings.Lines(w.String()) {
		if strings.Contains(l, words) {
			return l
		}
	}
	return ""
}

func TestPostgresAsksForThePassword(t *testing.T) {
	t.Parallel()
	p := newPostgres(t, dir(t))
	start(t, p)
	cfg, err := pgx.ParseConfig(p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Password = "wrong"
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err == nil {
		conn.Close(context.Background())
		t.Fatal("a wrong password was taken")
	}
	if !strings.Contains(err.Error(), "password authentication failed") {
		t.Error(err)
	}
}

func TestPostgresSurvivesTheKillingOfItsMainProcess(t *testing.T) {
	t.Parallel()
	where := dir(t)
	p := newPostgres(t, where)
	r := start(t, p)
	pgExec(t, p.DSN(), `CREATE TABLE t AS SELECT 1 AS v`)
	// A backend that computes does not notice its main process's death: it must not keep the next from starting.
	busy, err := pgx.Connect(t.Context(), p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close(context.Background())
	kill(t, postmasterPID(t, where), syscall.SIGKILL)
	if err := r.wait(); err == nil {
		t.Fatal("Run did not tell of the death")
	}
	start(t, p)
	if got := pgQuery[int](t, p.DSN(), `SELECT v FROM t`); got != 1 {
		t.Errorf("got %d", got)
	}
}

func postmasterPID(t testing.TB, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}
