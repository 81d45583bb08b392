// Package failpoint kills the process at a named point, as kill -9 would, for the tests of crashes.
//
// It promises that nothing of it works in a program that was built without the tag faultpoints: there a Func is nil. It does
// not know the points; the caller names the one that it passes.
package failpoint

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// DieVariable names a point and a count, "committed:3": when the point is passed for the third time the process kills itself.
const DieVariable = "AGRICHAT_DIE_AT"

// ReconcileVariable switches reconciliation of the ledger off.
const ReconcileVariable = "AGRICHAT_SWEEP"

// Func is called at every point with the point's name. Nil means that no point is armed.
type Func func(point string)

// Reach passes a point.
func (f Func) Reach(point string) {
	if f != nil {
		f(point)
	}
}

// Prefixed gives the points of one part of a process a prefix. It stays nil where f is.
func (f Func) Prefixed(prefix string) func(point string) {
	if f == nil {
		return nil
	}
	return func(point string) { f(prefix + point) }
}

// New returns what the environment arms, nil if it arms nothing.
func New(environ []string) Func {
	var want string
	var count int64 = 1
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, DieVariable+"="); ok {
			point, n, counted := strings.Cut(v, ":")
			want = point
			if c, err := strconv.ParseInt(n, 10, 64); counted && err == nil {
				count = c
			}
		}
	}
	if want == "" || !enabled {
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

// SkipReconcile says that the ledger's gaps are not backfilled: a test sets it to see rows lost.
func SkipReconcile(environ []string) bool {
	return enabled && slices.Contains(environ, ReconcileVariable+"=off")
}
