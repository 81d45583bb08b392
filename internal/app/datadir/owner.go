package datadir

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Alive reports whether a process exists: one that was killed leaves its endpoints behind.
func Alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// AwaitExit blocks until a process that is not our child has exited, or ctx has ended; exited says which. It needs no lock of the
// directory, which would block the next process that starts there.
func AwaitExit(ctx context.Context, pid int) (exited bool, err error) {
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening process %d: %w", pid, err)
	}
	defer unix.Close(process)
	r, w, err := os.Pipe() // closing its write end ends the poll when ctx ends
	if err != nil {
		return false, fmt.Errorf("watching process %d: %w", pid, err)
	}
	defer r.Close()
	defer w.Close()
	defer context.AfterFunc(ctx, func() { _ = w.Close() })() // a second Close returns an error and does nothing
	fds := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}, {Fd: int32(r.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("watching process %d: %w", pid, err)
		}
		return fds[0].Revents != 0, nil
	}
}
