package deploytest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// secrets are what deploy/compose/init made in a folder of its own.
type secrets struct {
	dir   string
	names []string
	files map[string]string
}

// secretsOf runs deploy/compose/init.
func secretsOf(t *testing.T) secrets {
	t.Helper()
	return runInit(t, filepath.Join(t.TempDir(), "new", "secrets"))
}

func runInit(t *testing.T, dir string) secrets {
	t.Helper()
	if out, err := exec.Command("sh", filepath.Join(root(t), "deploy/compose/init"), dir).CombinedOutput(); err != nil {
		t.Fatalf("deploy/compose/init: %v\n%s", err, out)
	}
	s := secrets{dir: dir, files: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s.files[e.Name()] = string(b)
	}
	s.names = slices.Sorted(maps.Keys(s.files))
	return s
}

func TestInit(t *testing.T) {
	t.Parallel()
	s := secretsOf(t)
	word := regexp.MustCompile(`^[0-9a-f]{64}$`)
	for name, text := range s.files {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != 0o444 {
			t.Errorf("%s has mode %v: the users of containers could not read it, or could change it", name, got)
		}
		if strings.HasSuffix(name, "_password") && !word.MatchString(text) {
			t.Errorf("%s is no password of 32 bytes", name)
		}
	}
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of secrets is open to others: %v, %v", info.Mode(), err)
	}
	if diff := cmp.Diff(s.files, runInit(t, s.dir).files); diff != "" {
		t.Errorf("a second run changed something:\n%s", diff)
	}
	if other := secretsOf(t); other.files["nats_password"] == s.files["nats_password"] {
		t.Error("two folders have the same password")
	}
	if s.files["nats_password"] == s.files["postgres_password"] {
		t.Error("two servers have the same password")
	}
}

// TestInitKeepsWhatIsThere: a file that somebody has put there stays, and what is made of a password is made of that one.
func TestInitKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "postgres_password"), "mine")
	write(t, filepath.Join(dir, "clickhouse_url"), "elsewhere")
	s := runInit(t, dir)
	for name, want := range map[string]string{
		"postgres_password": "mine",
		"clickhouse_url":    "elsewhere",
		"postgres_dsn":      "postgres://agrichat:mine@postgres:5432/agrichat?sslmode=disable",
	} {
		if s.files[name] != want {
			t.Errorf("%s is %q, want %q", name, s.files[name], want)
		}
	}
}

// TestSecretsStayHere: neither git nor an image may take them.
func TestSecretsStayHere(t *testing.T) {
	t.Parallel()
	if got := read(t, "deploy/compose/.gitignore"); !strings.Contains("\n"+got, "\n/secrets/\n") {
		t.Errorf("deploy/compose/.gitignore does not name /secrets/: %q", got)
	}
	lines := strings.Split(strings.TrimSpace(read(t, ".dockerignore")), "\n")
	for i, line := range lines {
		if line == "*" {
			for _, l := range lines[i:] {
				if taken := strings.TrimPrefix(l, "!"); taken != l && strings.HasPrefix("deploy/compose/secrets", taken) {
					t.Errorf(".dockerignore lets the secrets into the build: %s", l)
				}
			}
			return
		}
	}
	t.Error(".dockerignore does not begin with nothing")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
