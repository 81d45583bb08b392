package cli

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// dieVariable names a point and a count, "committed:3": when the point is passed for the third time the process kills
// itself as kill -9 would. Only tests set it; it works in programs built with the tag faultpoints.
const dieVariable = "AGRICHAT_DIE_AT"

// sweepVariable switches the sweep off.
const sweepVariable = "AGRICHAT_SWEEP"

// unswept says that nobody fills the ledger's holes. Only tests ask for it, to see rows lost; it too works only in programs
// built with the tag.
func unswept(environ []string) bool {
	return faultPoints && slices.Contains(environ, sweepVariable+"=off")
}

// reach is called where crash tests kill the process.
func (s *stack) reach(point string) {
	if s.hook != nil {
		s.hook(point)
	}
}

// deathPoint returns a hook that dies where the environment says; one that does nothing if it says nothing.
func deathPoint(environ []string) func(point string) {
	var want string
	var count int64 = 1
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, dieVariable+"="); ok {
			point, n, counted := strings.Cut(v, ":")
			want = point
			if c, err := strconv.ParseInt(n, 10, 64); counted && err == nil {
				count = c
			}
		}
	}
	if want == "" || !faultPoints {
		return nil
	}
	var passed atomic.Int64
	return func(point string) {
		if point == want && passed.Add(1) == count {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way; nothing may happen any more
		}
	}
}
