package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errHolderEnded says that the servers of a joined folder have ended with the process that ran them.
var errHolderEnded = errors.New("the agrichat that ran the servers has ended")

// follow ends the work of a command that has joined a folder when the folder's holder has ended: its servers do not come back
// by themselves, and a publisher would try for ever. It returns when ctx ends.
func (s *stack) follow(ctx context.Context, end context.CancelCauseFunc) {
	gone, err := awaitEnd(ctx, s.at.PID)
	if err != nil {
		s.log.Debug("cannot watch the agrichat that runs the servers", "pid", s.at.PID, "error", err)
		return
	}
	if gone {
		end(fmt.Errorf("%w: start it again (agrichat up --data %s) or not, and repeat this command: what is there already does no harm",
			errHolderEnded, s.cfg.Data))
	}
}

// awaitEnd blocks until a process that is not our child has ended, or ctx has; gone tells which. It needs no lock of the
// folder, which would be in the way of whoever starts there next.
func awaitEnd(ctx context.Context, pid int) (gone bool, err error) {
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening process %d: %w", pid, err)
	}
	defer unix.Close(process)
	r, w, err := os.Pipe() // its end wakes the poll when ctx ends
	if err != nil {
		return false, fmt.Errorf("watching process %d: %w", pid, err)
	}
	defer r.Close()
	defer w.Close()
	defer context.AfterFunc(ctx, func() { _ = w.Close() })() // a second Close says so and does nothing
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
