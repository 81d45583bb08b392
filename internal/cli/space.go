package cli

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/ingest"
)

// diskReserve is how much of the disk is left to live sources and to the stores' own logs.
const diskReserve = 512 << 20

// diskEvery is how often somebody who waits for space looks again.
const diskEvery = time.Second

// spaceThrottle lets importers wait while the disk that the embedded servers write to is nearly full.
type spaceThrottle struct {
	ingest.Throttle
	folder string
	free   func(folder string) (uint64, error)
}

// Ask implements ingest.Throttle.
func (t spaceThrottle) Ask(ctx context.Context) (time.Duration, string, error) {
	free, err := t.free(t.folder)
	if err != nil {
		return 0, "", err
	}
	if free < diskReserve {
		return diskEvery, fmt.Sprintf("the disk of %s has only %d MB left: make room, the import goes on by itself", t.folder,
			free/1_000_000), nil
	}
	return t.Throttle.Ask(ctx)
}

// freeSpace returns how many bytes a program may still write to the disk of a folder.
func freeSpace(folder string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, fmt.Errorf("asking how much room there is on the disk of %s: %w", folder, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}
