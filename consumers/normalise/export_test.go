package normalise

import (
	"io/fs"
	"testing"
)

// Statements returns every statement by name.
func Statements(t *testing.T) map[string]string {
	t.Helper()
	m, err := loadQueries()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Queries returns the files.
func Queries() fs.FS { return queries }
