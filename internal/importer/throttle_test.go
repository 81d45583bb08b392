package importer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ingest"
)

// throttleStep is a state that lasts for a while, and what importers are to do then.
type throttleStep struct {
	amount int64
	err    error
	waits  bool
}

// throttles calls a throttle ten times a second, two seconds for each step. Within a second after a change the result must be the new
// one, and the state may be read at most once a second.
func throttles(t *testing.T, steps []throttleStep, why string, make func(next ingest.Throttle, look func() (int64, error)) ingest.Throttle) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var now throttleStep
		looked, passed := 0, 0
		throttle := make(always{&passed}, func() (int64, error) {
			looked++
			return now.amount, now.err
		})
		for n, step := range steps {
			now = step
			for i := range 20 {
				before := passed
				wait, reason, err := throttle.Ask(t.Context())
				time.Sleep(100 * time.Millisecond) // of the bubble
				if i < 10 {
					continue
				}
				if waits := wait > 0; waits != step.waits || (passed > before) == (waits || step.err != nil) || waits && !strings.Contains(reason, why) ||
					!errors.Is(err, step.err) {
					t.Errorf("step %d (%+v): wait %s because %q, %v", n, step, wait, reason, err)
				}
			}
		}
		if failed := 20; looked > 2*len(steps)+1+failed {
			t.Errorf("it looked %d times in %d seconds", looked, 2*len(steps))
		}
	})
}

var errAway = errors.New("away")

func TestLagThrottle_Ask_pending(t *testing.T) {
	t.Parallel()
	throttles(t, []throttleStep{
		{amount: 0}, {amount: 1999}, {amount: 2000, waits: true}, {amount: 1001, waits: true}, {amount: 1000}, {amount: 1999},
		{amount: 5000, waits: true}, {err: errAway}, {amount: 3000, waits: true}, {amount: 0},
	}, "are not published, the oldest for 7s", func(next ingest.Throttle, look func() (int64, error)) ingest.Throttle {
		return throttlePending(next, func(context.Context) (normalise.Pending, error) {
			n, err := look()
			return normalise.Pending{Transactions: n, Oldest: 7 * time.Second}, err
		})
	})
}

func TestLagThrottle_Ask_facts(t *testing.T) {
	t.Parallel()
	throttles(t, []throttleStep{
		{amount: 0}, {amount: 500e6}, {amount: 501e6, waits: true}, {amount: 251e6, waits: true}, {amount: 250e6}, {amount: 500e6},
		{amount: 1000e6, waits: true}, {err: errAway}, {amount: 300e6, waits: true}, {amount: 0},
	}, "of its 1000 MB", func(next ingest.Throttle, look func() (int64, error)) ingest.Throttle {
		return throttleFacts(next, func(context.Context) (bus.StreamStatus, error) {
			n, err := look()
			return bus.StreamStatus{Bytes: uint64(n), MaxBytes: 1000e6}, err
		})
	})
	unlimited := throttleFacts(always{new(int)}, func(context.Context) (bus.StreamStatus, error) {
		return bus.StreamStatus{Bytes: 1 << 50, MaxBytes: -1}, nil
	})
	if wait, _, err := unlimited.Ask(t.Context()); wait != 0 || err != nil {
		t.Errorf("without a limit: wait %s, %v", wait, err)
	}
}

// always never throttles, and counts its calls.
type always struct{ calls *int }

func (a always) Ask(context.Context) (time.Duration, string, error) {
	*a.calls++
	return 0, "", nil
}

func TestSpaceThrottle_Ask(t *testing.T) {
	t.Parallel()
	asked, free := 0, uint64(100<<20)
	s := spaceThrottle{Throttle: always{&asked}, dir: "/data", free: func(string) (uint64, error) { return free, nil }}
	wait, why, err := s.Ask(t.Context())
	if err != nil || wait == 0 || asked != 0 || !strings.Contains(why, "the disk of /data has only 104 MB left") {
		t.Errorf("on a full disk: wait %s because %q, %v", wait, why, err)
	}
	free = 1 << 40
	if wait, _, err := s.Ask(t.Context()); err != nil || wait != 0 || asked != 1 {
		t.Errorf("on an empty disk: wait %s, asked %d times, %v", wait, asked, err)
	}
	if n, err := freeSpace(t.TempDir()); err != nil || n == 0 {
		t.Errorf("here %d bytes are free: %v", n, err)
	}
}

// TestLeadLimit holds that live sources wait for a second at most, and that an import with a server of its own may be ahead by more.
func TestLeadLimit(t *testing.T) {
	t.Parallel()
	beside := leadLimit(false)
	if beside.Delay != time.Second || beside.Bytes > 16<<20 {
		t.Errorf("beside live sources an import is ahead by %+v", beside)
	}
	alone := leadLimit(true)
	if alone.Floor < 4*8<<20 || alone.Bytes != alone.Floor {
		t.Errorf("alone an import is ahead by %+v, want some blocks of the server, whatever its rate", alone)
	}
}
