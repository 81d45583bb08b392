// Package deploytest loads, checks and, as far as that can be done without a container engine, starts what deploy/ and
// docker-compose.yml hold.
//
// It promises that the compose file is one that compose takes, that it keeps the rules in rules_test.go, that every role in
// it has a command and a configuration that this program understands, and that the servers' own files are what these servers
// read. It does not promise that the images exist, or that they are built as their authors say.
package deploytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// root is the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
