package testenv_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// Two tests that make the same things at the same time.
func TestEachTestIsAlone(t *testing.T) {
	t.Parallel()
	for i := range 3 {
		t.Run(fmt.Sprint("postgres", i), func(t *testing.T) {
			t.Parallel()
			pool := testenv.PostgresPool(t)
			if _, err := pool.Exec(t.Context(), "CREATE TABLE same (v text)"); err != nil {
				t.Error(err)
			}
		})
		t.Run(fmt.Sprint("clickhouse", i), func(t *testing.T) {
			t.Parallel()
			opt, err := clickhouse.ParseDSN(testenv.ClickHouse(t))
			if err != nil {
				t.Fatal(err)
			}
			conn, err := clickhouse.Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.Exec(t.Context(), "CREATE TABLE same (v String) ENGINE = MergeTree ORDER BY v"); err != nil {
				t.Error(err)
			}
		})
		t.Run(fmt.Sprint("nats", i), func(t *testing.T) {
			t.Parallel()
			n := testenv.NATS(t)
			nc, err := nats.Connect(n.URL(), nats.InProcessServer(n))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SAME", Subjects: []string{"same"}}); err != nil {
				t.Error(err)
			}
			if _, err := js.Publish(t.Context(), "same", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPreparedDatabaseIsCopied(t *testing.T) {
	t.Parallel()
	calls := 0
	prepare := func(ctx context.Context, dsn string) error {
		calls++
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE prepared AS SELECT 1 AS v")
		return errors.Join(err, conn.Close(ctx))
	}
	for range 2 {
		pool := testenv.Pool(t, testenv.PostgresFrom(t, "prepared", prepare))
		if _, err := pool.Exec(t.Context(), "INSERT INTO prepared VALUES (2)"); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM prepared").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d rows, %v", n, err)
		}
	}
	if calls != 1 {
		t.Errorf("prepared %d times", calls)
	}
}

func TestSkipsWithAReason(t *testing.T) {
	t.Setenv("AGRICHAT_ENGINES", t.TempDir())
	t.Setenv("REQUIRE_REAL", "")
	var skipped string
	t.Run("inner", func(t *testing.T) {
		testenv.Binaries(skipSpy{TB: t, reason: &skipped})
	})
	if !strings.Contains(skipped, "make engines") {
		t.Errorf("the reason was %q", skipped)
	}
}

// skipSpy hears why a test is skipped.
type skipSpy struct {
	testing.TB
	reason *string
}

func (s skipSpy) Skipf(format string, v ...any) { *s.reason = fmt.Sprintf(format, v...) }

// A server that starts on a prepared data folder has the database, and one that starts on a copy beside it has a port of its own.
func TestFreshPostgres(t *testing.T) {
	t.Parallel()
	data, copied := t.TempDir(), filepath.Join(t.TempDir(), "data")
	testenv.FreshPostgres(t, data)
	for _, server := range []string{"nats", "clickhouse"} {
		if err := os.MkdirAll(filepath.Join(data, server), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, server, "engine.json"), []byte(`{"port":1,"password":"p"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("postgres", filepath.Join(data, "link")); err != nil {
		t.Fatal(err)
	}
	if err := testenv.CopyData(data, copied); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(filepath.Join(copied, "link")); to != "postgres" || err != nil {
		t.Errorf("the link became %q: %v", to, err)
	}
	if kept, err := os.ReadFile(filepath.Join(copied, "nats", "engine.json")); string(kept) != `{"password":"p"}` || err != nil {
		t.Errorf("the copy keeps %s: %v", kept, err)
	}
	seen := map[string]bool{}
	for _, dir := range []string{data, copied} {
		p := testenv.Restartable(t, dir)["postgres"]
		var name string
		p.Exec(t, "SELECT current_database()", &name)
		seen[p.URL] = true
	}
	if len(seen) != 2 {
		t.Errorf("both have the address %v", seen)
	}
}
