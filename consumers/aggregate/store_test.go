package aggregate_test

import (
	"testing"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// store is a migrated database of the test's own.
func store(t testing.TB) *ch.DB {
	t.Helper()
	db, err := ch.Open(t.Context(), ch.Config{URL: testenv.ClickHouse(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), clickhouse.FS); err != nil {
		t.Fatal(err)
	}
	return db
}
