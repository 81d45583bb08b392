package labtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/testenv"
)

func TestExpand(t *testing.T) {
	got, err := expand("a: ${ONE}, b: ${ONE}${TWO}, c: $ONE", map[string]string{"ONE": "1", "TWO": "${ONE}"})
	if want := "a: 1, b: 1${ONE}, c: $ONE"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := expand("${ONE} ${TWO}", map[string]string{"ONE": "1"}); err == nil || !strings.Contains(err.Error(), "${TWO}") {
		t.Errorf("a missing value: %v", err)
	}
}

// A file that the lab does not start is one that nobody has tried.
func TestEveryFileIsUsed(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{hosts: allHosts(t.TempDir())}
	used, there := map[string]bool{}, map[string]bool{}
	for _, h := range l.hosts {
		_, files, _ := l.server(h)
		for _, f := range files {
			used[f] = true
		}
	}
	for _, dir := range []string{"etcd", "nats", "patroni"} {
		names, err := filepath.Glob(filepath.Join(root, "deploy", dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			there[dir+"/"+filepath.Base(name)] = true
		}
	}
	if diff := cmp.Diff(used, there); diff != "" {
		t.Errorf("-used +there:\n%s", diff)
	}
}

// A variable that a file explains and does not use, or uses and does not explain, misleads whoever fills it in.
func TestEveryVariableIsExplained(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	l := &Lab{hosts: allHosts(t.TempDir())}
	for _, h := range l.hosts {
		_, files, _ := l.server(h)
		for _, file := range files {
			text, err := os.ReadFile(filepath.Join(root, "deploy", file))
			if err != nil {
				t.Fatal(err)
			}
			for name := range l.settings(h) {
				used := strings.Contains(string(text), "${"+name+"}")
				if used && !explains(string(text), name) {
					t.Errorf("%s does not explain %s", file, name)
				}
			}
		}
	}
}

// explains looks for a word in the comments.
func explains(text, name string) bool {
	for line := range strings.Lines(text) {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
			if strings.HasPrefix(line, "#") && word == name {
				return true
			}
		}
	}
	return false
}

func TestHostsAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range allHosts("/x") {
		if seen[h.Name] || seen[h.Address] || len(h.Name) > 15 {
			t.Errorf("%s at %s is taken, or too long for an interface", h.Name, h.Address)
		}
		seen[h.Name], seen[h.Address] = true, true
	}
}
