package clickhouse_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"testing"

	"github.com/agrichat/agrichat/schemas/clickhouse"
)

// frozen are the SHA-256 hashes of the migrations. A migration that has landed is never edited: databases have applied it, and
// will not apply it again.
func frozen() map[string]string {
	return map[string]string{
		"0001_facts.sql":        "d345a20936834cec58067fe97ceca4833c21cb764cb7034643ea9e5597f8fa3d",
		"0002_views.sql":        "865d213fc4f7c188273cb78ea1b1d1abc7e5038840953719d30895f5aa146601",
		"0003_sightings.sql":    "bb4af1cd023c0e67d7602588f48b3414be5159ba9b512fc14fb49ef493d4910f",
		"0004_content_hash.sql": "2f5b587d67e006d8cb04140f515c265435bbd9fc8575f7c208f1ef8cc9f71db4",
	}
}

// TestMigrations_Frozen holds that no migration that has landed is changed, renamed or removed.
func TestMigrations_Frozen(t *testing.T) {
	names, err := fs.Glob(clickhouse.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := frozen()
	for _, name := range names {
		text, err := fs.ReadFile(clickhouse.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		hash, known := fmt.Sprintf("%x", sha256.Sum256(text)), want[name]
		delete(want, name)
		switch {
		case known == "":
			t.Errorf("migration %s is new: add %q: %q to the list in this test when it lands", name, name, hash)
		case hash != known:
			t.Errorf("migration %s was edited, but databases have applied it and will not do so again: take the edit back, and add a migration with the next number", name)
		}
	}
	for name := range want {
		t.Errorf("migration %s is gone, but databases have applied it: bring it back", name)
	}
}
