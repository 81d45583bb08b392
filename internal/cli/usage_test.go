package cli_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsageError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		args  string
		words []string
	}{
		{"frobnicate", []string{"frobnicate", "--help"}},
		{"verfy", []string{"did you mean verify?"}},
		{"dlq frob", []string{"dlq frob"}},
		{"dlq", []string{"list", "show", "requeue", "drop"}},
		{"consume", []string{"normalise", "aggregate"}},
		{"consume everything", []string{"consume everything"}},
		{"up --nosuch", []string{"--nosuch", "agrichat up --help"}},
		{"up here", []string{"takes no arguments"}},
		{"import", []string{"at least one file or folder"}},
		{"import nowhere", []string{"nothing at nowhere"}},
		{"up --import nowhere", []string{"nothing at nowhere"}},
		{"import . --source frob", []string{"frob", "telegram"}},
		{"import . --zone Mars/X", []string{"--zone", "Mars/X"}},
		{"verify --output xml", []string{"text or json"}},
		{"verify --sequence many", []string{"--sequence"}},
		{"replay frob", []string{"normalise and aggregate"}},
		{"replay", []string{"normalise or aggregate"}},
		{"dlq show", []string{"one id"}},
		{"produce", []string{"no source is configured"}},
	} {
		r := w.run(strings.Fields(tt.args)...).want(2).one(tt.words...)
		if r.out != "" {
			t.Errorf("%q prints %q", tt.args, r.out)
		}
	}
}

// TestUsageError_TouchesNothing holds that a typing mistake makes no folder and starts no server.
func TestUsageError_TouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("import", "nowhere").want(2)
	w.run("import", t.TempDir()).want(1).one("there are no files")
	w.run("import", sample(t, "telegram", "photos")).want(1).says("no source recognises anything in 2 files").prints("skipped")
	w.run("import", "--dry-run", sample(t)).want(0)
	w.run("produce").want(2).one("no source is configured")
	w.run("produce", "libera").want(2).one("libera")
	if _, err := os.Stat(w.data); !os.IsNotExist(err) {
		t.Errorf("the data folder is there: %v", err)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{{}, {"help"}, {"--help"}, {"import", "--help"}, {"dlq", "--help"}} {
		if r := w.run(args...).want(0); !strings.Contains(r.out, "Usage:") || r.err != "" {
			t.Errorf("%q prints %q and says %q", args, r.out, r.err)
		}
	}
}

const mistaken = `natz: {}
nats: {urls: [http://x], replicas: 9}
postgres: {dsn: "postgres://a:geheim@/x", maxconns: 3}
import: {zone: Mars/X, batch: 0}
sources:
  - {name: a, kind: frob}
`

func TestConfig_AllErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "bad.yaml")
	write(t, file, mistaken)
	r := w.run("up", "--config", file).want(2).says("natz: no such key; did you mean nats?", "9 is out of range; 1 to 5 will do",
		"0 is out of range; 1 to 4000 will do", "names no host", "max_conns?", "Mars/X", "frob")
	if n := strings.Count(r.err, file+":"); n != 8 {
		t.Errorf("%d mistakes are told, want 8:\n%s", n, r.err)
	}
	if strings.Contains(r.err, "geheim") {
		t.Errorf("a password is told:\n%s", r.err)
	}
	w.run("up", "--config", file+".not").want(2).one("no such file")
}

func TestConfig_Secrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("AGRICHAT_POSTGRES_DSN=postgres://u:geheim@h:1/d", "AGRICHAT_NATS_PASSWORD=geheim", "AGRICHAT_NATS_USER=u",
		"AGRICHAT_NATS_URLS=nats://h:1", "AGRICHAT_CLICKHOUSE_URL=http://h:1/d?password=geheim")
	for _, output := range []string{"text", "json"} {
		if r := w.run("config", "--output", output).want(0).prints("h:1"); strings.Contains(r.out, "geheim") {
			t.Errorf("a secret is printed:\n%s", r.out)
		}
	}
	var c map[string]any
	w.run("config", "--output", "json").into(&c)
	if c["data"] != w.data {
		t.Errorf("the data folder is %v, want %s", c["data"], w.data)
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("sources").want(0).prints("SOURCE", "Telegram", "IRC", "server:")
	var list []map[string]json.RawMessage
	w.run("sources", "--output", "json").want(0).into(&list)
	names := map[string]bool{}
	for _, s := range list {
		names[string(s["name"])] = true
		var can map[string]bool
		if err := json.Unmarshal(s["can"], &can); err != nil {
			t.Error(err)
		}
		want := []string{"archive", "backfill", "deletions", "edits", "live", "reactions"}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(can))); diff != "" {
			t.Errorf("%s, -want +got:\n%s", s["name"], diff)
		}
	}
	for _, want := range []string{`"irc"`, `"jsonl"`, `"telegram"`} {
		if !names[want] {
			t.Errorf("there is no source %s", want)
		}
	}
}

func TestEngines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("engines").want(0).prints(engines(t))
	var got map[string]string
	if w.run("engines", "--output", "json").want(0).into(&got); got["engines"] != engines(t) {
		t.Errorf("prints %v", got)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
