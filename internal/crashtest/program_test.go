package crashtest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/testenv"
)

// patience is for a machine that runs other packages' servers too; a command takes two seconds.
const patience = 200 * time.Second

// house is a data folder, and the program that works in it.
type house struct {
	*testing.T
	data    string
	program string
	environ []string
	nats    string // its URL where it is outside the program
}

// newHouse returns a house where the data of PostgreSQL are fresh from initdb, which takes as long as all else of a first start.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := newEmptyHouse(t)
	testenv.FreshPostgres(t, h.data)
	return h
}

// newEmptyHouse returns a house whose data folder is not there yet.
func newEmptyHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, data: filepath.Join(t.TempDir(), "data"), program: binary(t)}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AGRICHAT_") && !strings.HasPrefix(e, "XDG_CONFIG_HOME=") {
			h.environ = append(h.environ, e)
		}
	}
	// Small batches, so that every point is passed often.
	h.environ = append(h.environ, "AGRICHAT_ENGINES="+testenv.Engines(t), "AGRICHAT_LISTEN_HTTP=127.0.0.1:0",
		"XDG_CONFIG_HOME="+t.TempDir(), "AGRICHAT_IMPORT_BATCH=100", "AGRICHAT_NATS_BUNDLE_EVENTS=10", "AGRICHAT_NORMALISE_BATCH=10", "AGRICHAT_AGGREGATE_BATCH=8")
	return h
}

// process is the program on its way.
type process struct {
	h        *house
	cmd      *exec.Cmd
	out, err words
	began    time.Time
	gone     chan struct{} // closed when it has ended and all that it said has been heard
}

// start starts the program, which is to die at a point, if one is named.
func (h *house) start(dieAt string, args ...string) *process {
	h.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, h.program, append(args, "--data", h.data)...)
	cmd.Env = h.environ
	if dieAt != "" {
		cmd.Env = append(cmd.Env, "AGRICHAT_DIE_AT="+dieAt)
	}
	p := &process{h: h, cmd: cmd, began: time.Now(), gone: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.err
	if err := cmd.Start(); err != nil {
		cancel()
		h.Fatal(err)
	}
	go func() {
		defer close(p.gone)
		_ = cmd.Wait() // how it ended is asked of its state
		cancel()
	}()
	h.Cleanup(func() {
		cancel()
		<-p.gone
	})
	return p
}

// wait waits for the end and returns the exit status, -1 if a signal ended it.
func (p *process) wait() int {
	<-p.gone
	p.h.Logf("%s %v after %.1f s", p.cmd.Args[1], p.cmd.ProcessState, time.Since(p.began).Seconds())
	return p.cmd.ProcessState.ExitCode()
}

// ends expects the end with an exit status.
func (p *process) ends(status int) {
	p.h.Helper()
	if got := p.wait(); got != status {
		p.h.Fatalf("%v: %v, not exit status %d\n%s%s", p.cmd.Args[1:], p.cmd.ProcessState, status, p.out.text(), p.err.text())
	}
}

// killed reports whether SIGKILL ended it, which is not our own patience.
func (p *process) killed() bool {
	<-p.gone
	s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

func (p *process) signal(s syscall.Signal) {
	p.h.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.h.Fatal(err)
	}
}

// says waits until the program has said something to the user.
func (p *process) says(what string) {
	p.h.Helper()
	select {
	case <-p.err.hear(what):
	case <-p.gone:
		p.h.Fatalf("%v ended before it said %q: %v\n%s", p.cmd.Args[1:], what, p.cmd.ProcessState, p.err.text())
	}
}

// stop ends an `up` as a user does.
func (p *process) stop() {
	p.h.Helper()
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

// run runs the program to its end, which must be good, and returns what it printed.
func (h *house) run(args ...string) []byte {
	h.Helper()
	p := h.start("", args...)
	p.ends(0)
	return p.out.text()
}

// up starts everything and waits until it is ready.
func (h *house) up() *process {
	h.Helper()
	p := h.start("", "up")
	p.says("ready in")
	return p
}

func importOf(files []string) []string {
	return append([]string{"import", "--account", owner, "--output", "json"}, files...)
}

// imports imports files to the end.
func (h *house) imports(files []string) []byte {
	h.Helper()
	return h.run(importOf(files)...)
}

// dies imports until the given point is passed for the given time: "committed:3".
func (h *house) dies(at string, files []string) {
	h.Helper()
	p := h.start(at, importOf(files)...)
	if !p.killed() {
		h.Fatalf("an import that was to die at %s: %v\n%s%s", at, p.cmd.ProcessState, p.out.text(), p.err.text())
	}
}

// words is what a program says.
type words struct {
	mu      sync.Mutex // covers all below
	said    bytes.Buffer
	awaited map[string]chan struct{}
}

// Write implements io.Writer.
func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.said.Write(b)
	for what, heard := range w.awaited {
		if bytes.Contains(w.said.Bytes(), []byte(what)) {
			close(heard)
			delete(w.awaited, what)
		}
	}
	return n, err
}

// hear returns a channel that is closed when something has been said.
func (w *words) hear(what string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	heard := make(chan struct{})
	if bytes.Contains(w.said.Bytes(), []byte(what)) {
		close(heard)
		return heard
	}
	if w.awaited == nil {
		w.awaited = map[string]chan struct{}{}
	}
	w.awaited[what] = heard
	return heard
}

func (w *words) text() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Clone(w.said.Bytes())
}
