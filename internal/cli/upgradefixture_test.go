package cli_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	schema "github.com/agrichat/agrichat/schemas/postgres"
)

const fixtureDir = "testdata/upgrade"

func fixture(name string) string { return filepath.Join(fixtureDir, name) }

// fixtureTables are the tables that the fixture has rows of, in the order in which they can be loaded.
func fixtureTables() []string {
	return []string{"store", "fence", "incarnations", "ledger", "channels", "people", "identities", "events", "messages", "reactions",
		"memberships", "membership_words", "dead_letters"}
}

// fixtureViews are the views that were there then. ClickHouse counts from its states, so its figures are among them.
func fixtureViews() (postgres, clickhouse []string) {
	return []string{"v_messages", "v_versions", "v_reactions", "v_memberships", "v_identities", "v_sources", "v_attachments", "v_links"},
		[]string{"v_messages", "v_versions", "v_reactions", "v_memberships", "v_by_hour", "v_by_day", "v_by_person", "v_by_chat"}
}

// TestWriteUpgradeFixture makes the fixture with an older program: see its README.
func TestWriteUpgradeFixture(t *testing.T) {
	old := os.Getenv("AGRICHAT_UPGRADE_FROM")
	if old == "" {
		t.Skip("AGRICHAT_UPGRADE_FROM does not name an older program")
	}
	w := newWorld(t)
	run := func(args ...string) []byte {
		c := exec.Command(old, args...)
		c.Env = w.env
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return out
	}
	for _, name := range []string{"orchard.jsonl", "second.jsonl"} {
		run("import", fixture(name))
	}
	up := exec.Command(old, "up")
	up.Env = w.env
	told := newWatched()
	up.Stderr = told
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Process.Kill() }) // if the test failed before it was stopped
	eventually(t, "the older program is up", func() bool { return strings.Contains(told.String(), "Ctrl-C stops") })
	var s standing
	if err := json.Unmarshal(run("status", "--output", "json"), &s); err != nil {
		t.Fatal(err)
	}
	w.with("AGRICHAT_NATS_URLS="+s.NATS.URL).publish("chat.jsonl.nina.apples", "this is no envelope")
	eventually(t, "there is a dead letter", func() bool {
		var letters []json.RawMessage
		return json.Unmarshal(run("dlq", "list", "--output", "json"), &letters) == nil && len(letters) == 1
	})
	var views bytes.Buffer
	for _, a := range viewAnswers(t, s.Postgres.DSN, s.ClickHouse.URL, nil) {
		fmt.Fprintf(&views, "%s\t%s\n%s\n\n", a.name, strings.Join(a.columns, ","), strings.Join(a.rows, "\n"))
	}
	keep(t, "views.txt", views.Bytes())
	keep(t, "postgres.sql", dumpRows(t, s.Postgres.DSN))
	if err := errors.Join(up.Process.Signal(syscall.SIGINT), up.Wait()); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"clickhouse", "nats"} {
		pack(t, filepath.Join(w.data, dir), dir+".tar.gz")
	}
}

func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(fixture(name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// dumpRows returns the rows as statements that psql understands too.
func dumpRows(t *testing.T, dsn string) []byte {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var out bytes.Buffer
	for _, table := range fixtureTables() {
		var columns string
		err := c.QueryRow(t.Context(), `SELECT string_agg(attname::text, ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = ('agrichat.' || $1)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`, table).Scan(&columns)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "COPY agrichat.%s (%s) FROM stdin;\n", table, columns)
		if _, err := c.PgConn().CopyTo(t.Context(), &out, fmt.Sprintf("COPY (SELECT %s FROM agrichat.%s ORDER BY 1, 2) TO STDOUT", columns, table)); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\\.\n")
	}
	var counter int64
	if err := c.QueryRow(t.Context(), "SELECT last_value FROM agrichat.ledger_counter").Scan(&counter); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "SELECT setval('agrichat.ledger_counter', %d);\n", counter)
	return out.Bytes()
}

// loadRows makes the schema as it was and fills it.
func loadRows(ctx context.Context, dsn string) error {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	then := fstest.MapFS{}
	for _, name := range []string{"0001_record.sql", "0002_views.sql"} {
		data, err := fs.ReadFile(schema.Migrations, name)
		if err != nil {
			return err
		}
		then[name] = &fstest.MapFile{Data: data}
	}
	if err := pg.Migrate(ctx, pool, then); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, "TRUNCATE agrichat.store, agrichat.fence"); err != nil {
		return err
	}
	dump, err := os.ReadFile(fixture("postgres.sql"))
	if err != nil {
		return err
	}
	c, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	for rest := string(dump); rest != ""; {
		statement, after, _ := strings.Cut(rest, ";\n")
		rest = after
		if !strings.HasPrefix(statement, "COPY ") {
			if _, err := c.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
			continue
		}
		data := ""
		if !strings.HasPrefix(rest, "\\.\n") {
			data, rest, _ = strings.Cut(rest, "\n\\.\n")
			data += "\n"
		} else {
			rest = rest[len("\\.\n"):]
		}
		if _, err := c.Conn().PgConn().CopyFrom(ctx, strings.NewReader(data), statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// restore makes the data folder as the older program left it.
func (w *world) restore(folders ...string) {
	w.t.Helper()
	server, err := engine.NewPostgres(engine.PostgresConfig{Binaries: testenv.Binaries(w.t), Dir: filepath.Join(w.data, "postgres")})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Run(run) }()
	err = server.WaitReady(ctx)
	if err == nil {
		err = loadRows(ctx, server.DSN())
	}
	stop()
	if err = errors.Join(err, <-ended); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range folders {
		unpack(w.t, name+".tar.gz", filepath.Join(w.data, name))
	}
}

// pack keeps a folder, without its locks and without the port and the password.
func pack(t *testing.T, dir, name string) {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	a := tar.NewWriter(z)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == "engine.json" || strings.HasSuffix(rel, "lock") || rel == "clickhouse.xml" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		h := &tar.Header{Name: rel, Mode: int64(info.Mode().Perm()), Typeflag: tar.TypeDir}
		switch {
		case link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, link
		case !d.IsDir():
			h.Typeflag, h.Size = tar.TypeReg, info.Size()
		}
		if err := a.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil {
			_, err = a.Write(data)
		}
		return err
	})
	if err = errors.Join(err, a.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	keep(t, name, out.Bytes())
}

func unpack(t testing.TB, name, dir string) {
	t.Helper()
	f, err := os.Open(fixture(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	for a := tar.NewReader(z); ; {
		h, err := a.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = unpackOne(a, h, filepath.Join(dir, h.Name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unpackOne(a io.Reader, h *tar.Header, path string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o700)
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, path)
	}
	data, err := io.ReadAll(a)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, fs.FileMode(h.Mode))
}
