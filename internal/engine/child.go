package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is a server process of ours.
type child struct {
	name string
	cmd  *exec.Cmd
	// stop asks the process to end: stopSignal, and after grace it is killed.
	stopSignal syscall.Signal
	grace      time.Duration
	log        *slog.Logger
	// started is called once the process runs, and must return when ctx ends, which it does with the process.
	started func(ctx context.Context) error
	// orphaned, if set, ends what the dead process left running; until then its log stays open.
	orphaned func()
}

// run starts the process, waits for it and returns why it ended; nil if that is because ctx ended. Nothing of it is left.
func (c child) run(ctx context.Context) error {
	// The death signal is sent when the *thread* that forked ends, not the process, so that thread is held until the child
	// is gone; a goroutine that moved on would let the runtime retire the thread and stop a healthy server.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if c.cmd.SysProcAttr == nil {
		c.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.cmd.SysProcAttr.Pdeathsig = c.stopSignal
	// A Ctrl-C in the terminal goes to the whole group; we stop the servers ourselves, after their clients.
	c.cmd.SysProcAttr.Setpgid = true

	errPipe, err := c.cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	gone := make(chan struct{})
	life, end := context.WithCancel(ctx)
	defer end()
	var wg sync.WaitGroup
	var startErr error
	tail := &lastLines{}
	var stopping atomic.Bool
	wg.Go(func() { relay(errPipe, c.log, tail, &stopping) })
	wg.Go(func() { c.stopWhen(life, gone, &stopping) })
	if c.started != nil {
		wg.Go(func() {
			if startErr = c.started(life); startErr != nil {
				end()
			}
		})
	}
	waitErr := waitProcess(c.cmd.Process.Pid)
	close(gone)
	end()
	if c.orphaned != nil {
		c.orphaned()
	}
	wg.Wait()
	// Wait comes after the pipe was read to its end, for it closes it.
	err = errors.Join(waitErr, ignoreExit(c.cmd.Wait()))
	switch {
	case ctx.Err() != nil:
		return nil
	case startErr != nil && !errors.Is(startErr, context.Canceled):
		return fmt.Errorf("starting %s: %w%s", c.name, startErr, tail.suffix())
	case err != nil:
		return fmt.Errorf("waiting for %s: %w", c.name, err)
	}
	return fmt.Errorf("running %s: it ended by itself: %s%s", c.name, c.cmd.ProcessState, tail.suffix())
}

// waitProcess returns when the process has ended, without reaping it: its number stays ours until the last signal is sent.
func waitProcess(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for process %d: %w", pid, err)
		default:
			return nil
		}
	}
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// stopWhen ends the process when life does, unless it is gone before; stopping is set before it is asked to.
func (c child) stopWhen(life context.Context, gone <-chan struct{}, stopping *atomic.Bool) {
	select {
	case <-gone:
		return
	case <-life.Done():
	}
	select {
	case <-gone: // life ends with the process too
		return
	default:
	}
	stopping.Store(true)
	_ = c.cmd.Process.Signal(c.stopSignal) // it may just have ended
	t := time.NewTimer(c.grace)
	defer t.Stop()
	select {
	case <-gone:
	case <-t.C:
		c.log.Warn("killing a server that does not stop", "server", c.name, "waited", c.grace)
		_ = c.cmd.Process.Kill()
	}
}

// relay passes what a server says on to the log. Its own levels are kept where the line names one; while it is being stopped,
// though, it warns of the end of every connection and worker, which is what was asked of it.
func relay(r io.Reader, log *slog.Logger, tail *lastLines, stopping *atomic.Bool) {
	br := bufio.NewReader(r)
	for {
		line, err := br.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			tail.add(line)
			level := levelOf(line)
			if level == slog.LevelWarn && stopping.Load() {
				level = slog.LevelDebug
			}
			log.Log(context.Background(), level, line)
		}
		if err != nil {
			return
		}
	}
}

func levelOf(line string) slog.Level {
	switch {
	case strings.Contains(line, "PANIC:"), strings.Contains(line, "<Fatal>"):
		return slog.LevelError
	case strings.Contains(line, "FATAL:"), // of one connection, in PostgreSQL's words
		strings.Contains(line, "WARNING:"), strings.Contains(line, "<Error>"), strings.Contains(line, "<Warning>"):
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// lastLines remembers the end of what a server said: the reason when it dies. One goroutine writes; it is read afterwards.
type lastLines struct{ lines []string }

func (l *lastLines) add(s string) {
	const kept = 5
	if l.lines = append(l.lines, s); len(l.lines) > kept {
		l.lines = l.lines[1:]
	}
}

func (l *lastLines) suffix() string {
	if len(l.lines) == 0 {
		return ""
	}
	return "; its last words: " + strings.Join(l.lines, " | ")
}

// plainEnv is the environment of a server: nothing that would point its tools at another one.
func plainEnv(extra ...string) []string {
	env := make([]string, 0, len(os.Environ()))
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG") {
			continue
		}
		env = append(env, v)
	}
	return append(env, extra...)
}
