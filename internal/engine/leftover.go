package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// worksIn tells that the process lives and has dir as its working folder, as every process of a PostgreSQL server does. A
// number from a file may by now be anyone's; this is what makes it ours.
func worksIn(pid int, dir string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	return err == nil && cwd == dir && string(name) == "postgres\n"
}

func processesIn(dir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && worksIn(pid, dir) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stopProcess signals a process that is not our child and waits until it is gone; after grace it kills it.
func stopProcess(ctx context.Context, pid int, sig syscall.Signal, grace time.Duration) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	deadline := time.Now().Add(grace)
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		return ignoreGone(fmt.Errorf("signalling process %d: %w", pid, err))
	}
	for time.Now().Before(deadline) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for process %d: %w", pid, context.Cause(ctx))
		}
		if gone, err := pollGone(fd, 100*time.Millisecond); gone || err != nil {
			return err
		}
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return ignoreGone(fmt.Errorf("killing process %d: %w", pid, err))
	}
	_, err = pollGone(fd, time.Second)
	return err
}

func ignoreGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

func pollGone(fd int, wait time.Duration) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("waiting for a process to end: %w", err)
	}
	return n > 0, nil
}
