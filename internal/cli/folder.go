package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// folder is the data folder. Whoever holds its lock runs the embedded engines in it; others join by its address file.
type folder struct {
	path string
	lock *os.File
}

// addresses is what the holder of the lock tells others of the same user: it holds passwords, and only the user may read it.
type addresses struct {
	PID        int    `json:"pid"`
	NATS       string `json:"nats"`
	Postgres   string `json:"postgres"`
	ClickHouse string `json:"clickhouse"`
	HTTP       string `json:"http,omitempty"`
	Lasting    bool   `json:"lasting,omitempty"`  // it runs until it is stopped
	Consumes   bool   `json:"consumes,omitempty"` // it stores and aggregates what comes onto the bus
}

const (
	lockName    = "agrichat.lock"
	addressName = "agrichat.run.json"
)

// errTaken says that another process holds the folder.
var errTaken = errors.New("another agrichat runs on this folder")

// takeFolder makes the folder and locks it. errTaken says that somebody else has.
func takeFolder(path string) (*folder, error) {
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
		return nil, fmt.Errorf("%w: %s", errTaken, path)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking the data folder %s: %w", path, err)
	}
	// What a holder that was killed left behind leads nowhere.
	if err := os.Remove(filepath.Join(path, addressName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = f.Close()
		return nil, fmt.Errorf("clearing the data folder: %w", err)
	}
	return &folder{path: path, lock: f}, nil
}

// announce tells others where everything is.
func (f *folder) announce(a addresses) error {
	a.PID = os.Getpid()
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("telling where the servers are: %w", err)
	}
	name := filepath.Join(f.path, addressName)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("telling where the servers are: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("telling where the servers are: %w", err)
	}
	return nil
}

// release gives the folder back; nothing of ours may run in it any more.
func (f *folder) release() error {
	err := os.Remove(filepath.Join(f.path, addressName))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.lock.Close())
}

// joinPatience is how long somebody who is starting is waited for, and joinEvery how often is looked.
const (
	joinPatience = 60 * time.Second
	joinEvery    = 50 * time.Millisecond
)

// joining is how somebody waits for the holder of a folder.
type joining struct {
	suits func(addresses) bool // whether this holder may be joined; otherwise its end is waited for
	wait  func(addresses)      // told once that it is waited for
	take  func() bool          // takes the folder if the holder has gone, and reports whether it did
}

// readAddresses waits until the folder's holder has told where everything is, or the folder is taken.
func readAddresses(ctx context.Context, path string, j joining) (addresses, error) {
	patience := time.NewTimer(joinPatience)
	defer patience.Stop()
	tick := time.NewTicker(joinEvery)
	defer tick.Stop()
	told := false
	for {
		a, found, err := lookUp(path)
		switch {
		case err != nil:
			return addresses{}, err
		case found && j.suits(a):
			return a, nil
		case found && !told:
			told = true
			patience.Stop()
			j.wait(a)
		}
		if j.take() {
			return addresses{}, nil
		}
		select {
		case <-ctx.Done():
			return addresses{}, context.Cause(ctx)
		case <-patience.C:
			return addresses{}, fmt.Errorf("waiting for the agrichat that runs on %s to say where its servers are: it has not for %s",
				path, joinPatience)
		case <-tick.C:
		}
	}
}

// lookUp reads what the folder's holder has told, if it has.
func lookUp(path string) (a addresses, found bool, err error) {
	name := filepath.Join(path, addressName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return a, false, fmt.Errorf("reading where the servers are: %w", err)
	}
	return a, true, nil
}

// errNothingRuns says that there is nothing to look at.
var errNothingRuns = errors.New("no agrichat runs here")

// attach uses the servers of whoever runs on the data folder, and neither waits for it nor takes its lock, not even for a moment: it might
// be what somebody who is starting finds taken. With needed it is an error that nobody runs.
func (s *stack) attach(needed bool) error {
	a, found, err := lookUp(s.cfg.Data)
	if err != nil {
		return err
	}
	if found = found && alive(a.PID); found {
		s.at, s.joined = a, true
		return nil
	}
	if needed {
		return fmt.Errorf("%w: no servers run on %s, or they are still starting; agrichat up --data %s starts them",
			errNothingRuns, s.cfg.Data, s.cfg.Data)
	}
	return nil
}

// alive reports whether a process is there: one that was killed leaves its addresses behind.
func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }
