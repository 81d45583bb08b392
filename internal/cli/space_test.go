package cli

import (
	"context"
	"strings"
	"testing"
	"time"
)

// always lets everybody go on, and counts how often it was asked.
type always struct{ asked *int }

func (a always) Ask(context.Context) (time.Duration, string, error) {
	*a.asked++
	return 0, "", nil
}

func TestImportersWaitForSpace(t *testing.T) {
	t.Parallel()
	asked, free := 0, uint64(100<<20)
	s := spaceThrottle{Throttle: always{&asked}, folder: "/data", free: func(string) (uint64, error) { return free, nil }}
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
