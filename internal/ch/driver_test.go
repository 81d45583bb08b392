package ch

import (
	"os"
	"regexp"
	"testing"
)

// TestRoom_driverVersion fails when the driver is updated. Room copies columns of the driver as whole structs, by reflection: that
// is right only while the types of plain hold their values and nothing that belongs to one insert. Read the declarations of those
// types in the new version (lib/column, and proto of ch-go), see that Reset still empties them, and then change the versions here.
func TestRoom_driverVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for module, want := range map[string]string{
		"github.com/ClickHouse/clickhouse-go/v2": "v2.50.0",
		"github.com/ClickHouse/ch-go":            "v0.74.0",
	} {
		m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(mod)
		if m == nil || string(m[1]) != want {
			t.Errorf("%s is required as %q; its columns were read as of %s", module, m, want)
		}
	}
}
