package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// natsGrace is the time to write everything and stop, before a kill that loses nothing which was acknowledged.
const natsGrace = 20 * time.Second

// natsGarbage is the percentage of garbage that the server's process may have before it is collected. Nearly all that
// it holds are large pieces without pointers, so collecting often costs next to nothing: while 150,000 messages were
// imported its process took 285 to 432 MB at Go's own 100, 194 to 278 MB at 50, and as much processor time.
const natsGarbage = 50

// natsChild goes to the child through its standard input, which then stays open for as long as the parent lives. Port and
// password lie in the folder.
type natsChild struct {
	Dir      string `json:"dir"`
	MaxStore int64  `json:"max_store"`
	NoSync   bool   `json:"no_sync"`
}

// RunApart is Run in a process of its own, which command starts and which calls ServeNATS: what the server takes of the
// machine is then seen apart from what its clients take. InProcessConn does not work beside it.
func (n *NATS) RunApart(ctx context.Context, command []string) error {
	defer n.ready.clear()
	defer n.pid.Store(0)
	cmd := exec.Command(command[0], command[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	return child{
		name: "NATS", cmd: cmd, stopSignal: syscall.SIGTERM, grace: natsGrace, log: n.cfg.Log,
		started: func(context.Context) error { return n.introduce(cmd.Process.Pid, in, out) },
	}.run(ctx)
}

// PID is the process that RunApart has started, or zero.
func (n *NATS) PID() int { return int(n.pid.Load()) }

// introduce tells the child what to serve and waits until it does. It ends with the child, whose end closes both pipes.
func (n *NATS) introduce(pid int, in io.Writer, out io.Reader) error {
	n.pid.Store(int64(pid))
	err := json.NewEncoder(in).Encode(natsChild{Dir: n.cfg.Dir, MaxStore: n.cfg.MaxStore, NoSync: n.cfg.NoSync})
	if err != nil {
		return fmt.Errorf("telling NATS what to serve: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != childReady {
		return fmt.Errorf("waiting for NATS to be ready: it said %q and: %w", line, err)
	}
	n.ready.set()
	return nil
}

// ServeNATS is what the child of RunApart does, until the parent is gone or ctx ends or it is told to by SIGTERM. It owns
// the standard input and output.
func ServeNATS(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(natsGarbage)
	}
	in, err := openInput()
	if err != nil {
		return err
	}
	defer in.Close()
	var cfg natsChild
	if err := json.NewDecoder(in).Decode(&cfg); err != nil {
		return fmt.Errorf("reading what NATS is to serve: %w", err)
	}
	n, err := NewNATS(NATSConfig{Dir: cfg.Dir, MaxStore: cfg.MaxStore, NoSync: cfg.NoSync})
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer in.Close() // ends the watch
	defer end()
	wg.Go(func() {
		defer end()
		_, _ = in.Read(make([]byte, 1)) // nothing more is ever sent: it ends with the parent
	})
	wg.Go(func() {
		if n.WaitReady(ctx) != nil {
			return
		}
		if _, err := os.Stdout.WriteString(childReady); err != nil {
			end()
		}
	})
	return n.Run(ctx)
}
