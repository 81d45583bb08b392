package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/cli"
	"github.com/agrichat/agrichat/internal/testenv"
)

// programMark makes this test program the program itself, where a process of its own is wanted.
const programMark = "CLI_TEST_PROGRAM"

func TestMain(m *testing.M) {
	// The embedded ClickHouse is a child of the running program, called so; here that is the test program.
	if len(os.Args) > 1 && os.Args[1] == "engine" || os.Getenv(programMark) != "" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	testenv.Main(m)
}

// patience is how long anything may take before it is called stuck: several packages' servers share the machine.
const patience = 60 * time.Second

// world is the environment of one user: a home, a data folder, and nothing else of this machine.
type world struct {
	t    testing.TB
	data string
	env  []string
}

// newWorld makes one whose servers are embedded.
func newWorld(t testing.TB) *world {
	t.Helper()
	testenv.Binaries(t)
	home := t.TempDir()
	return &world{t: t, data: filepath.Join(home, "data"), env: []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "AGRICHAT_DATA=" + filepath.Join(home, "data"),
		"AGRICHAT_ENGINES=" + engines(t), "AGRICHAT_LISTEN_HTTP=127.0.0.1:0",
	}}
}

// newOutside makes one whose servers are somebody else's.
func newOutside(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	// A server whose streams may take more than the disk has refuses them, and tests share the disk.
	return w.with("AGRICHAT_NATS_URLS="+testenv.NATS(t).URL(), "AGRICHAT_POSTGRES_DSN="+testenv.Postgres(t),
		"AGRICHAT_CLICKHOUSE_URL="+testenv.ClickHouse(t), "AGRICHAT_NATS_CHAT_MAX_BYTES=1GB", "AGRICHAT_NATS_FACTS_MAX_BYTES=1GB")
}

// with returns the same world with more variables; the later of two with one name counts.
func (w *world) with(env ...string) *world {
	c := *w
	c.env = append(append([]string(nil), w.env...), env...)
	return &c
}

// variable is the value of a variable.
func (w *world) variable(name string) string {
	for i := len(w.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(w.env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

func root(t testing.TB) string {
	t.Helper()
	dir, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func engines(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("AGRICHAT_ENGINES"); dir != "" {
		return dir
	}
	return filepath.Join(root(t), ".engines")
}

// sample is a path in the sample archive.
func sample(t testing.TB, parts ...string) string {
	return filepath.Join(append([]string{root(t), "deploy", "sample"}, parts...)...)
}

// result is how a command ended.
type result struct {
	t      testing.TB
	args   []string
	status int
	out    string
	err    string
}

// run runs a command to its end.
func (w *world) run(args ...string) result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var out, errOut bytes.Buffer
	status := cli.Main(ctx, args, w.env, strings.NewReader(""), &out, &errOut)
	if ctx.Err() != nil {
		w.t.Errorf("%q did not end: %s", args, errOut.String())
	}
	return result{w.t, args, status, out.String(), errOut.String()}
}

// want fails the test unless the command ended with this status.
func (r result) want(status int) result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%q ended with %d, want %d\n%s\n%s", r.args, r.status, status, r.out, r.err)
	}
	return r
}

// quiet fails the test if the command logged anything.
func (r result) quiet() result {
	r.t.Helper()
	if strings.Contains(r.err, `"level"`) {
		r.t.Errorf("%q logged:\n%s", r.args, r.err)
	}
	return r
}

// one fails the test unless the command printed exactly one line on standard error, with all these words.
func (r result) one(words ...string) result {
	r.t.Helper()
	if strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "agrichat: ") {
		r.t.Errorf("%q said, not in one line:\n%s", r.args, r.err)
	}
	return r.says(words...)
}

// says fails the test unless standard error holds all these words.
func (r result) says(words ...string) result {
	r.t.Helper()
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			r.t.Errorf("%q does not say %q:\n%s", r.args, w, r.err)
		}
	}
	return r
}

// prints fails the test unless standard output holds all these words.
func (r result) prints(words ...string) result {
	r.t.Helper()
	for _, w := range words {
		if !strings.Contains(r.out, w) {
			r.t.Errorf("%q does not print %q:\n%s", r.args, w, r.out)
		}
	}
	return r
}

// into reads standard output as one JSON value.
func (r result) into(v any) result {
	r.t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.out))
	if err := dec.Decode(v); err != nil {
		r.t.Fatalf("%q does not print JSON: %v\n%s\n%s", r.args, err, r.out, r.err)
	}
	if _, err := dec.Token(); err != io.EOF {
		r.t.Fatalf("%q prints more than one value:\n%s", r.args, r.out)
	}
	return r
}

// running is a command that runs on.
type running struct {
	t      testing.TB
	args   []string
	cancel context.CancelFunc
	ended  chan struct{}
	status int // after ended
	out    *watched
	err    *watched
}

// start runs a command until the test ends, if it is not stopped before, and waits until it has printed something.
func (w *world) start(said string, args ...string) *running {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: w.t, args: args, cancel: cancel, ended: make(chan struct{}), out: newWatched(), err: newWatched()}
	go func() {
		defer close(r.ended)
		r.status = cli.Main(ctx, args, w.env, strings.NewReader(""), r.out, r.err)
	}()
	w.t.Cleanup(func() { r.stop() })
	r.await(said)
	return r
}

// await waits until the command has printed something on standard error.
func (r *running) await(said string) {
	r.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		text, more := r.err.read()
		if strings.Contains(text, said) {
			return
		}
		select {
		case <-more:
		case <-r.ended:
			r.t.Fatalf("%q ended with %d:\n%s", r.args, r.status, r.err)
		case <-late.C:
			r.t.Fatalf("%q does not say %q:\n%s", r.args, said, text)
		}
	}
}

// stop ends the command as Ctrl-C does.
func (r *running) stop() result {
	r.t.Helper()
	r.cancel()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("%q does not stop:\n%s", r.args, r.err)
	}
	return result{r.t, r.args, r.status, r.out.String(), r.err.String()}
}

// watched is a buffer that signals when something was written.
type watched struct {
	mu   sync.Mutex // covers all below
	text bytes.Buffer
	more chan struct{} // closed by the next write
}

func newWatched() *watched { return &watched{more: make(chan struct{})} }

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.more)
	w.more = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) read() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.more
}

// String returns what was written.
func (w *watched) String() string {
	text, _ := w.read()
	return text
}

// eventually polls until the answer is yes.
func eventually(t testing.TB, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("it does not come about that %s", what)
		}
	}
}
