package crashtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
)

// midway returns a channel that is closed when so many messages of facts have gone over the bus: the record is at work
// then, and far from its end.
func (h *house) midway(facts int64) <-chan struct{} {
	h.Helper()
	b, err := os.ReadFile(filepath.Join(h.data, "agrichat.run.json")) // where commands that join look too
	if err != nil {
		h.Fatal(err)
	}
	var at struct {
		NATS string `json:"nats"`
	}
	if err := json.Unmarshal(b, &at); err != nil {
		h.Fatal(err)
	}
	conn, err := nats.Connect(cmp.Or(h.nats, at.NATS))
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(conn.Close)
	reached := make(chan struct{})
	var heard atomic.Int64
	if _, err := conn.Subscribe("fact.>", func(*nats.Msg) {
		if heard.Add(1) == facts {
			close(reached)
		}
	}); err != nil {
		h.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		h.Fatal(err)
	}
	return reached
}

// after waits for what is to come before the process ends.
func (p *process) after(reached <-chan struct{}) {
	p.h.Helper()
	select {
	case <-reached:
	case <-p.gone:
		p.h.Fatalf("%v ended too early: %v\n%s", p.cmd.Args[1:], p.cmd.ProcessState, p.err.text())
	}
}

// killChild kills a server by the number that it has written into a file, and returns the number.
func (h *house) killChild(file ...string) int {
	h.Helper()
	pid := h.child(file...)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		h.Fatal(err)
	}
	return pid
}

func (h *house) child(file ...string) int {
	h.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{h.data}, file...)...))
	if err != nil {
		h.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		h.Fatalf("%v says %q, which is no process", file, b)
	}
	return pid
}

func postmaster() []string { return []string{"postgres", "data", "postmaster.pid"} }
func clickhouse() []string { return []string{"clickhouse", "child.lock"} }

// One process does everything, and loses its servers in the middle of it. It notices nothing that a person would have to
// know of.
func TestServersKilledUnderOneProcess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.start("", append([]string{"up", "--once", "--account", owner}, imported(input(t).files)...)...)
	p.says("ready in")
	first, second := h.midway(4), h.midway(20)
	p.after(first)
	postgres := h.killChild(postmaster()...)
	p.after(second)
	engine := h.killChild(clickhouse()...)
	p.ends(0)
	t.Logf("killed PostgreSQL %d and ClickHouse %d", postgres, engine)
	for _, component := range []string{`"component":"postgres"`, `"component":"clickhouse"`} {
		if !bytes.Contains(p.err.text(), []byte(component)) {
			t.Errorf("nothing happened to %s:\n%s", component, p.err.text())
		}
	}
	u := h.up()
	h.proves()
	u.stop()
}

func imported(files []string) (args []string) {
	for _, f := range files {
		args = append(args, "--import", f)
	}
	return args
}

// One process has the servers and stores, another one imports and waits: both lose the servers.
func TestServersKilledUnderTwoProcesses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	u := h.up()
	first, second := h.midway(4), h.midway(20)
	p := h.start("", importOf(input(t).files)...)
	p.after(first)
	engine := h.killChild(clickhouse()...)
	p.after(second)
	postgres := h.killChild(postmaster()...)
	p.ends(0)
	if h.child(clickhouse()...) == engine || h.child(postmaster()...) == postgres {
		t.Error("a server that was to be killed lives")
	}
	h.proves()
	u.stop()
}

// An import that has joined somebody who is killed ends, and says why; everything is there once both have been started again.
func TestUpKilledUnderAnImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := input(t).files
	u := h.up()
	reached := h.midway(4)
	p := h.start("", importOf(files)...)
	p.after(reached)
	u.signal(syscall.SIGKILL)
	if !u.killed() {
		t.Fatal("it lives")
	}
	p.ends(1)
	p.saidWhy()
	u = h.up()
	h.imports(files)
	h.proves()
	u.stop()
}

// saidWhy expects the one line that a person needs.
func (p *process) saidWhy() {
	p.h.Helper()
	if said := p.err.text(); !bytes.Contains(said, []byte("\nagrichat: the agrichat that ran the servers has ended: start it again")) {
		p.h.Errorf("it does not say why it ended:\n%s", said)
	}
}

// Ctrl-C in the middle of an import ends it soon, says so, and costs nothing.
func TestImportStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := input(t).files
	p := h.start("", append([]string{"up", "--once", "--account", owner}, imported(files)...)...)
	p.says("ready in")
	p.after(h.midway(4))
	p.signal(syscall.SIGTERM)
	p.ends(1)
	u := h.up()
	h.imports(files)
	h.proves()
	u.stop()
}

// The same where the import has joined somebody, who is stopped first.
func TestUpStoppedUnderAnImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := input(t).files
	u := h.up()
	reached := h.midway(4)
	p := h.start("", importOf(files)...)
	p.after(reached)
	u.stop()
	p.ends(1)
	p.saidWhy()
	u = h.up()
	h.imports(files)
	h.proves()
	u.stop()
}
