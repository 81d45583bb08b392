// Package datadir is the data directory: which process owns it, and where the owner's embedded servers listen.
//
// It promises that at most one process holds the lock of a directory, that the lock ends with the process however that ends,
// and that the endpoints, which contain passwords, are readable by the user alone. It does not promise that an owner answers:
// a process that was killed leaves its endpoints behind until the next one takes the lock.
package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Files in the data directory.
const (
	lockName      = "agrichat.lock"
	endpointsName = "agrichat.run.json"
)

// ErrLocked says that another process owns the directory.
var ErrLocked = errors.New("another agrichat runs on this folder")

// Lock makes a process the owner of a data directory: it runs the embedded servers, and others attach to them.
type Lock struct {
	path string
	file *os.File
}

// Acquire creates the directory if it does not exist, and locks it. ErrLocked says that another process has.
func Acquire(path string) (*Lock, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w; choose another with --data", err)
	}
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder: %w; choose another with --data", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking the data folder %s: %w", path, err)
	}
	// Endpoints that an owner left behind when it was killed lead nowhere.
	if err := os.Remove(filepath.Join(path, endpointsName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = f.Close()
		return nil, fmt.Errorf("clearing the data folder: %w", err)
	}
	return &Lock{path: path, file: f}, nil
}

// Publish writes the endpoints for other processes of the same user. The file is replaced in one step, so that no reader sees
// half of it.
func (l *Lock) Publish(e Endpoints) error {
	e.PID = os.Getpid()
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing where the servers are: %w", err)
	}
	name := filepath.Join(l.path, endpointsName)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("writing where the servers are: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("writing where the servers are: %w", err)
	}
	return nil
}

// Release gives up the directory; nothing of this process may run in it any more.
func (l *Lock) Release() error {
	err := os.Remove(filepath.Join(l.path, endpointsName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}
