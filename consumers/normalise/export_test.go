package normalise

import (
	"io/fs"
	"testing"

	"github.com/agrichat/agrichat/internal/sqlfile"
)

// Statements returns every statement by name.
func Statements(t *testing.T) map[string]string {
	t.Helper()
	return sqlfile.All(queries)
}

// Queries returns the files.
func Queries() fs.FS { return queries }
