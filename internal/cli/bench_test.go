package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.yaml.in/yaml/v3"
)

// benchmark is what a benchmark says at its end.
type benchmark struct {
	Runs                 int
	Corpora              map[string]struct{ Messages, Edited, Reactions int }
	Figures              []figure
	Postgres, ClickHouse struct{ Messages, Events int }
	Proof                struct{ Equal bool }
	LeftOut              []string `json:"left_out"`
	Amiss                []string
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
func TestBenchMeasuresTheWholeWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(programMark + "=1")
	const n = 1_000
	var got benchmark
	r := w.run("bench", "--messages", "1000", "--runs", "1", "--only", "import", "--output", "json").want(0).into(&got)
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

func TestBenchMeasuresTheLivePath(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(programMark + "=1")
	var got benchmark
	w.run("bench", "--messages", "500", "--runs", "1", "--only", "live", "--live", "500ms", "--output", "json").want(0).into(&got)
	got.has(t, []string{"apart", "apart_ours", "apart_nats", "apart_postgres", "apart_clickhouse",
		"live_row_p50", "live_row_p99", "live_figure_p50", "live_figure_p99",
		"live_import_rate", "live_import_row_p50", "live_import_row_p99", "live_import_figure_p50", "live_import_figure_p99"}, nil)
	if !got.Complete || got.Corpora["second"].Messages != 500 {
		t.Errorf("not every message of two archives and two live sources is in the stores: %+v %q", got.Corpora, got.Amiss)
	}
	if left, err := filepath.Glob(filepath.Join(w.data, "bench-*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q behind: %v", left, err)
	}
}

func TestBenchMeasuresEveryFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(programMark + "=1")
	var got benchmark
	w.run("bench", "--messages", "800", "--runs", "1", "--only", "bus", "--output", "json").want(0).into(&got)
	for _, format := range []string{"telegram", "telegram-html", "whatsapp", "discord", "discord-csv", "slack"} {
		if got.Corpora[format].Messages != 800 {
			t.Errorf("there is no archive of %s: %+v", format, got.Corpora)
		}
	}
	got.has(t, []string{"limit_publish", "bus_telegram-html", "bus_whatsapp", "bus_discord", "bus_discord-csv", "bus_slack"},
		[]string{"bus_telegram", "bus_ours"})
}

// What people read: a table, how each figure came to be, and what was left out.
func TestBenchPrintsWhatItMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(programMark + "=1")
	kept := filepath.Join(t.TempDir(), "kept")
	r := w.run("bench", "--messages", "300", "--runs", "2", "--only", "bus", "--formats", "telegram,slack", "--large", "400", "--keep", kept).want(0)
	r.prints("medians of 2 runs", "MEDIAN", "A/A", "file to bus, durable", "≥ 30000", "the machine: bare publishing", "file to bus, slack", "of 400 messages", "%", "nothing was amiss")
	for _, absent := range []string{"the same file again", "whatsapp", "Bento"} {
		if strings.Contains(r.out, absent) {
			t.Errorf("it prints %q, which was not measured:\n%s", absent, r.out)
		}
	}
	if _, err := os.Stat(filepath.Join(kept, "archives", "slack", "channels.json")); err != nil {
		t.Error(err)
	}
}

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, args := range [][]string{{"--keep", t.TempDir()}, {"--messages", "0"}, {"--runs", "0"}, {"--formats", "icq"}, {"--only", "speed"},
		{"--rate", "0"}, {"--live", "-1s"}} {
		w.run(append([]string{"bench"}, args...)...).want(2)
	}
}

// A Bento that works is measured; one that does not is told of, and costs no other figure.
func TestBenchMeasuresBento(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"works":  fmt.Sprintf("exec env -u %s %s=1 %s -test.run='^TestBentoItself$' -- \"$@\"", programMark, bentoMark, os.Args[0]),
		"breaks": "exit 3",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "bento"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t).with(programMark+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
			var got benchmark
			r := w.run("bench", "--messages", "700", "--runs", "1", "--only", "bento", "--output", "json").into(&got)
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

// bentoMark makes this test program stand in for Bento.
const bentoMark = "CLI_TEST_BENTO"

// bentoFile is what of its configuration a stand-in understands. Keys that it does not know are refused, as Bento does.
type bentoFile struct {
	Input struct {
		File *struct {
			Paths   []string
			Scanner map[string]any
		}
		NATS *bentoBus `yaml:"nats_jetstream"`
	}
	Output struct {
		NATS *bentoBus `yaml:"nats_jetstream"`
		SQL  *struct {
			Driver, DSN, Table string
			Columns            []string
			Mapping            string         `yaml:"args_mapping"`
			InFlight           int            `yaml:"max_in_flight"`
			Idle               int            `yaml:"conn_max_idle"`
			Batching           map[string]any `yaml:"batching"`
		} `yaml:"sql_insert"`
	}
	HTTP, Logger map[string]any
}

type bentoBus struct {
	URLs                     []string
	Subject, Stream, Durable string
	Deliver                  string
	AckWait                  string `yaml:"ack_wait"`
	Unacked                  int    `yaml:"max_ack_pending"`
	InFlight                 int    `yaml:"max_in_flight"`
}

// TestBentoItself is no test, but a Bento of sixty lines: from a file to a stream, or from a stream to a table.
func TestBentoItself(t *testing.T) {
	if os.Getenv(bentoMark) == "" {
		t.Skip("run as Bento by another test")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	if err := bentoItself(ctx, os.Args[len(os.Args)-1]); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
}

func bentoItself(ctx context.Context, config string) error {
	f, err := os.Open(config)
	if err != nil {
		return err
	}
	defer f.Close()
	var c bentoFile
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		return err
	}
	if c.Input.File != nil {
		return bentoPublishes(ctx, c)
	}
	return bentoInserts(ctx, c)
}

func bentoPublishes(ctx context.Context, c bentoFile) error {
	nc, err := nats.Connect(c.Output.NATS.URLs[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Input.File.Paths[0])
	if err != nil {
		return err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if _, err := js.Publish(ctx, c.Output.NATS.Subject, []byte(s.Text())); err != nil {
			return err
		}
	}
	return nil
}

func bentoInserts(ctx context.Context, c bentoFile) error {
	nc, err := nats.Connect(c.Input.NATS.URLs[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	old, err := nc.JetStream()
	if err != nil {
		return err
	}
	sub, err := old.SubscribeSync(c.Input.NATS.Subject, nats.BindStream(c.Input.NATS.Stream), nats.Durable(c.Input.NATS.Durable), nats.ManualAck())
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, c.Output.SQL.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		var v map[string]any
		if err := json.Unmarshal(m.Data, &v); err != nil {
			return err
		}
		row := make([]any, len(c.Output.SQL.Columns))
		for i, name := range c.Output.SQL.Columns {
			row[i] = v[name]
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(v["sent"]))
		if err != nil {
			return err
		}
		row[1] = at
		if _, err := db.CopyFrom(ctx, pgx.Identifier{c.Output.SQL.Table}, c.Output.SQL.Columns, pgx.CopyFromRows([][]any{row})); err != nil {
			return err
		}
		if err := m.Ack(); err != nil {
			return err
		}
	}
}
