package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/cli"
	"github.com/agrichat/agrichat/internal/testenv"
)

// agrichatMark makes this test program agrichat, which the benchmark starts as a process of its own.
const agrichatMark = "BENCH_TEST_AGRICHAT"

func TestMain(m *testing.M) {
	// The engines' children get no environment of ours: without the second condition each would run every test again.
	if os.Getenv(agrichatMark) != "" || len(os.Args) > 1 && os.Args[1] == "engine" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	testenv.Main(m)
}

// timeout is how long a benchmark may take before it is called stuck: several packages' servers share the machine.
const timeout = 5 * time.Minute

// world is the environment of one user: a home, a data directory, and nothing else of this machine.
type world struct {
	t    testing.TB
	data string
	env  []string
}

func newWorld(t testing.TB, env ...string) *world {
	t.Helper()
	testenv.Binaries(t)
	engines := os.Getenv("AGRICHAT_ENGINES")
	if engines == "" {
		root, err := testenv.Root()
		if err != nil {
			t.Fatal(err)
		}
		engines = filepath.Join(root, ".engines")
	}
	home := t.TempDir()
	data := filepath.Join(home, "data")
	return &world{t: t, data: data, env: append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "AGRICHAT_DATA=" + data,
		"AGRICHAT_ENGINES=" + engines, agrichatMark + "=1"}, env...)}
}

// result is how a benchmark ended.
type result struct {
	t        testing.TB
	args     []string
	status   int
	out, err string
}

func (w *world) run(args ...string) result {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), timeout)
	defer cancel()
	var out bytes.Buffer
	errOut, err := os.Create(filepath.Join(w.t.TempDir(), "stderr")) // a file, as several children write to it at once
	if err != nil {
		w.t.Fatal(err)
	}
	defer errOut.Close()
	status := Main(ctx, append(args, "--agrichat", self), w.env, &out, errOut)
	text, err := os.ReadFile(errOut.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	return result{w.t, args, status, out.String(), string(text)}
}

// want fails the test unless the benchmark ended with this status.
func (r result) want(status int) result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%q ended with %d, want %d\n%s\n%s", r.args, r.status, status, r.out, r.err)
	}
	return r
}

// prints fails the test unless standard output holds all these words.
func (r result) prints(words ...string) {
	r.t.Helper()
	for _, w := range words {
		if !strings.Contains(r.out, w) {
			r.t.Errorf("%q does not print %q:\n%s", r.args, w, r.out)
		}
	}
}

// into reads standard output as JSON.
func (r result) into(v any) result {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.out), v); err != nil {
		r.t.Fatalf("%q does not print JSON: %v\n%s\n%s", r.args, err, r.out, r.err)
	}
	return r
}

// benchmark is what a benchmark says at its end.
type benchmark struct {
	Runs                 int
	Corpora              map[string]struct{ Messages, Edited, Reactions int }
	Figures              []figure
	Postgres, ClickHouse struct{ Messages, Events int }
	Proof                struct{ Equal bool }
	LeftOut              []string `json:"left_out"`
	Problems             []string `json:"amiss"`
	Complete             bool
}

type figure struct {
	Name, Title, Unit, How string
	Values, Control        []float64
	Median, Least, Most    float64
	Noise                  *float64
}

// has fails the test unless these figures were measured; those in twice once more as well.
func (b *benchmark) has(t *testing.T, names, twice []string) {
	t.Helper()
	for _, name := range append(names, twice...) {
		i := slices.IndexFunc(b.Figures, func(f figure) bool { return f.Name == name })
		if i < 0 {
			t.Errorf("%s is not there: %+v", name, b.Figures)
			continue
		}
		f := b.Figures[i]
		if len(f.Values) != b.Runs || f.Median <= 0 || f.Least > f.Median || f.Most < f.Median || f.Unit == "" || f.How == "" || f.Title == "" {
			t.Errorf("%s was not measured: %+v", name, f)
		}
		if again := slices.Contains(twice, name); again && (len(f.Control) != b.Runs || f.Noise == nil) || !again && f.Control != nil {
			t.Errorf("%s was measured again %d times: %+v", name, len(f.Control), f)
		}
	}
}

// The whole way, small: a process of its own for every part, real servers, everything durable.
func TestRun_import(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1_000
	var got benchmark
	r := w.run("--messages", "1000", "--runs", "1", "--only", "import", "--output", "json").want(0).into(&got)
	if !got.Complete || !got.Proof.Equal || got.Postgres.Messages != n || got.ClickHouse.Messages != n {
		t.Errorf("not every message is where it should be: %s", r.out)
	}
	if want := n + got.Corpora["telegram"].Reactions; got.Postgres.Events < want || got.Postgres.Events > want+2 {
		t.Errorf("there are %d events, want one a message, one a message with reactions, and the chat's", got.Postgres.Events)
	}
	got.has(t, []string{"limit_copy", "cpu_copy", "memory_clickhouse", "disk_nats", "disk_postgres", "disk_clickhouse"},
		[]string{"end_to_end", "end_to_end_verified", "again", "verify", "cpu_ours", "cpu_postgres", "cpu_clickhouse", "cpu_share", "memory"})
	if left, err := filepath.Glob(filepath.Join(w.data, "bench-*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q behind: %v", left, err)
	}
}

func TestRun_live(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got benchmark
	w.run("--messages", "500", "--runs", "1", "--only", "live", "--live", "500ms", "--output", "json").want(0).into(&got)
	got.has(t, []string{"apart", "apart_ours", "apart_nats", "apart_postgres", "apart_clickhouse",
		"live_row_p50", "live_row_p99", "live_figure_p50", "live_figure_p99",
		"live_import_rate", "live_import_row_p50", "live_import_row_p99", "live_import_figure_p50", "live_import_figure_p99"}, nil)
	if !got.Complete || got.Corpora["second"].Messages != 500 {
		t.Errorf("not every message of two archives and two live sources is in the stores: %+v %q", got.Corpora, got.Problems)
	}
	if left, err := filepath.Glob(filepath.Join(w.data, "bench-*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q behind: %v", left, err)
	}
}

func TestRun_bus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got benchmark
	w.run("--messages", "800", "--runs", "1", "--only", "bus", "--output", "json").want(0).into(&got)
	for _, format := range []string{"telegram", "telegram-html", "whatsapp", "discord", "discord-csv", "slack"} {
		if got.Corpora[format].Messages != 800 {
			t.Errorf("there is no archive of %s: %+v", format, got.Corpora)
		}
	}
	got.has(t, []string{"limit_publish", "bus_telegram-html", "bus_whatsapp", "bus_discord", "bus_discord-csv", "bus_slack"},
		[]string{"bus_telegram", "bus_ours"})
}

// What people read: a table, how each figure came to be, and what was left out.
func TestRun_text(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := filepath.Join(t.TempDir(), "kept")
	r := w.run("--messages", "300", "--runs", "2", "--only", "bus", "--formats", "telegram,slack", "--large", "400", "--keep", kept).want(0)
	r.prints("medians of 2 runs", "MEDIAN", "A/A", "file to bus, durable", "≥ 30000", "the machine: bare publishing", "file to bus, slack", "of 400 messages", "%", "no problems found")
	for _, absent := range []string{"the same file again", "whatsapp", "Bento"} {
		if strings.Contains(r.out, absent) {
			t.Errorf("it prints %q, which was not measured:\n%s", absent, r.out)
		}
	}
	if _, err := os.Stat(filepath.Join(kept, "archives", "slack", "channels.json")); err != nil {
		t.Error(err)
	}
}

func TestRun_usage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{{"--keep", t.TempDir()}, {"--messages", "0"}, {"--runs", "0"}, {"--formats", "icq"}, {"--only", "speed"},
		{"--rate", "0"}, {"--live", "-1s"}} {
		w.run(args...).want(2)
	}
}

// A Bento that works is measured; one that does not is reported, and costs no other figure.
func TestRun_bento(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"works":  fmt.Sprintf("exec env -u %s %s=1 %s -test.run='^TestBentoItself$' -- \"$@\"", agrichatMark, bentoMark, os.Args[0]),
		"breaks": "exit 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "bento"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, "PATH="+dir+":"+os.Getenv("PATH"))
			var got benchmark
			r := w.run("--messages", "700", "--runs", "1", "--only", "bento", "--output", "json").into(&got)
			if name == "breaks" {
				r.want(1) // nothing was measured
				if got.Complete || len(got.Figures) != 0 || len(got.LeftOut) != 1 || !strings.Contains(got.LeftOut[0], "exit status 3") {
					t.Errorf("it says %s\n%s", r.out, r.err)
				}
				return
			}
			if r.want(0); len(got.LeftOut) != 0 || len(got.Figures) != 3 || got.Figures[0].Name != "bento" || got.Figures[0].Median <= 0 {
				t.Errorf("it says %s\n%s", r.out, r.err)
			}
		})
	}
}
