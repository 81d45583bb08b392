package labtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// filler is the file that takes all space of a host's data.
func (l *Lab) filler(h *Host) (string, error) {
	pid, err := l.firstProcess(h)
	return filepath.Join("/proc", strconv.Itoa(pid), "root", h.inside("data", "filler")), err
}

// FillDisk takes all that is free of the disk with a host's data: who writes there gets ENOSPC. It returns how many bytes
// that were.
func (l *Lab) FillDisk(h *Host) (int64, error) {
	name, err := l.filler(h)
	if err != nil {
		return 0, fmt.Errorf("filling a disk: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("filling the disk of %s: %w", h.Name, err)
	}
	var size int64
	for step := int64(64 << 20); step >= 4096; {
		err := unix.Fallocate(int(f.Fd()), 0, size, step)
		switch {
		case err == nil:
			size += step
		case errors.Is(err, unix.ENOSPC):
			step /= 2
		case !errors.Is(err, unix.EINTR):
			return size, errors.Join(fmt.Errorf("filling the disk of %s: %w", h.Name, err), f.Close())
		}
	}
	return size, f.Close()
}

// FreeDisk gives back what FillDisk took.
func (l *Lab) FreeDisk(h *Host) error {
	name, err := l.filler(h)
	if err == nil {
		err = os.Remove(name)
	}
	if err != nil {
		return fmt.Errorf("freeing the disk of %s: %w", h.Name, err)
	}
	return nil
}
