// Package sqlfile reads the SQL statements that packages embed. A package embeds its folder queries; the name of a statement is
// that of its file, without the ending.
//
// It has one policy for what is not there: it panics. Files are embedded when the program is built, so that a missing one is a
// mistake in the program, which the tests that prepare every statement find before anybody runs it.
package sqlfile

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Text returns a statement of the folder queries.
func Text(files fs.FS, name string) string {
	b, err := fs.ReadFile(files, "queries/"+name+".sql")
	if err != nil {
		panic(fmt.Sprintf("reading statement %s: %v", name, err))
	}
	return string(b)
}

// All returns all statements of the folder queries by name, for who runs them so often that reading each time would cost.
func All(files fs.FS) map[string]string {
	names, err := fs.Glob(files, "queries/*.sql")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("reading statements: %d found, %v", len(names), err))
	}
	all := make(map[string]string, len(names))
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".sql")
		all[name] = Text(files, name)
	}
	return all
}
