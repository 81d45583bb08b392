package pg_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	schema "github.com/agrichat/agrichat/schemas/postgres"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestMigratingIsSafeAtOnceAndAgain(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	var g errgroup.Group
	for range 3 {
		g.Go(func() error {
			pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn})
			if err != nil {
				return err
			}
			defer pool.Close()
			return pg.Migrate(t.Context(), pool, schema.Migrations)
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pg.Migrate(t.Context(), pool, schema.Migrations); err != nil {
		t.Errorf("migrating what is up to date, over a new connection: %v", err)
	}
	old := fstest.MapFS{"0001_only.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")}}
	if err := pg.Migrate(t.Context(), pool, old); fault.Of(err) != fault.Fatal {
		t.Errorf("an older program took a newer schema: %v", err)
	}
}

func TestAWrongAddressSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t)
	for name, c := range map[string]struct {
		dsn   string
		class fault.Class
		say   string
	}{
		"no address":     {"nonsense", fault.Fatal, "it should look like postgres://"},
		"wrong password": {strings.Replace(dsn, "agrichat:", "agrichat:x", 1), fault.Fatal, "check user, password, database"},
		"nobody there":   {"postgres://a:b@127.0.0.1:1/x", fault.Transient, "connecting to PostgreSQL at 127.0.0.1:1, database x as a"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pg.Open(t.Context(), pg.Config{DSN: c.dsn})
			if err == nil || fault.Of(err) != c.class || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v (%s), want %s and %q", err, fault.Of(err), c.class, c.say)
			}
		})
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]fault.Class{
		"25006": fault.Transient, "57P01": fault.Transient, "53100": fault.Transient, "08006": fault.Transient,
		"22P05": fault.Poison, "23514": fault.Poison, "54000": fault.Poison, "28P01": fault.Fatal, "42P01": fault.Fatal,
	} {
		if got := fault.Of(pg.Classify(&pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s is %s, want %s", code, got, want)
		}
	}
	if !pg.Conflict(errors.Join(&pgconn.PgError{Code: "23505"})) || pg.Conflict(errors.New("x")) {
		t.Error("conflicts are not recognised")
	}
}
