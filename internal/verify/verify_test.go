package verify_test

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/schemas/postgres"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestQueries holds that an empty database of the current schema prepares every query, and that the package uses each.
func TestQueries(t *testing.T) {
	t.Parallel()
	dsn := testenv.PostgresFrom(t, "migrated", func(ctx context.Context, dsn string) error {
		pool, err := pg.Open(ctx, pg.Config{DSN: dsn, Name: "test"})
		if err != nil {
			return err
		}
		defer pool.Close()
		return pg.Migrate(ctx, pool, postgres.Migrations)
	})
	pool := testenv.Pool(t, dsn)
	c, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	files, err := fs.Glob(os.DirFS("queries"), "*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("there are %d queries: %v", len(files), err)
	}
	named := sources(t)
	for _, f := range files {
		sql, err := os.ReadFile("queries/" + f)
		if err != nil {
			t.Fatal(err)
		}
		if name := strings.TrimSuffix(f, ".sql"); name == "snapshot_import" {
			continue // SET takes no parameters: its text is completed with a snapshot's name
		}
		if _, err := c.Conn().Prepare(t.Context(), f, string(sql)); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		name := strings.TrimSuffix(f, ".sql")
		if !strings.Contains(named, `query("`+name+`")`) && !strings.HasPrefix(name, "states_") {
			t.Errorf("nothing uses %s", f)
		}
	}
}

// sources is the text of the package.
func sources(t *testing.T) string {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
