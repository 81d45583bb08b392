package postgres_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"testing"

	"github.com/agrichat/agrichat/schemas/postgres"
)

// frozen are the SHA-256 hashes of the migrations. A migration that has landed is never edited: databases have applied it, and
// will not apply it again.
func frozen() map[string]string {
	return map[string]string{
		"0001_record.sql":             "578ce24f1b07f8fccd19f87962629271b545bb6bdbe9702634d018e925f01be3",
		"0002_views.sql":              "ce50c988550a3a655598287c2d32508169a1f574c80cf3db16d40256fa383412",
		"0004_unstored_sequences.sql": "231fbd81be88a2668c2e505b88d91ae72c03fa7dff685be12ca98b5e0b8e0b5c",
		"0005_incremental_fold.sql":   "a8480b40f5f01fc9a8c2065e536cc2f934f99cb1b284eed81cc9a24312439e84",
		"0006_sightings.sql":          "d11ec0eb65ce918827be3fe0712f203fe1d10f11141457a9d5644f95b577f643",
		"0007_store_identity.sql":     "13d056a81250e62d8ffef47b41cf8bf9b89ef2948caac93fc26cf29942edd713",
		"0008_readings.sql":           "940258cd3f9cdb4b7f84ed49a842552245de1b11aa4264bcddf4012264942e9b",
		"0009_edit_copies.sql":        "e079fe94f6a26c9bea60dfcf163d5c3baa0e2032c9181731aa22beb05401ae66",
	}
}

// TestMigrations_Frozen holds that no migration that has landed is changed, renamed or removed.
func TestMigrations_Frozen(t *testing.T) {
	names, err := fs.Glob(postgres.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	want := frozen()
	for _, name := range names {
		text, err := fs.ReadFile(postgres.Migrations, name)
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
