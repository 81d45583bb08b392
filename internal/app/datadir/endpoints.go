package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Endpoints are where the owner's servers listen. They contain passwords.
type Endpoints struct {
	PID        int    `json:"pid"`
	NATS       string `json:"nats"`
	Postgres   string `json:"postgres"`
	ClickHouse string `json:"clickhouse"`
	HTTP       string `json:"http,omitempty"`
	Lasting    bool   `json:"lasting,omitempty"`  // the owner runs until it is stopped
	Consumes   bool   `json:"consumes,omitempty"` // the owner stores and aggregates what comes onto the bus
}

// Read returns the endpoints that the owner has published, if it has.
func Read(path string) (e Endpoints, found bool, err error) {
	b, err := os.ReadFile(filepath.Join(path, endpointsName))
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return e, false, fmt.Errorf("reading where the servers are: %w", err)
	}
	return e, true, nil
}

// An owner that is starting gets startTimeout to publish its endpoints, and is polled every pollInterval.
const (
	startTimeout = 60 * time.Second
	pollInterval = 50 * time.Millisecond
)

// Waiter is how a process waits for the owner of a directory.
type Waiter struct {
	Accept  func(Endpoints) bool // whether this process may attach to the owner; otherwise the owner's end is awaited
	Waiting func(Endpoints)      // called once, when the owner's end is awaited
	Acquire func() bool          // takes the lock if the owner has ended, and reports whether it did
}

// Await waits until the owner has published endpoints that the waiter accepts, or the waiter has acquired the lock; then it
// returns no endpoints.
func Await(ctx context.Context, path string, w Waiter) (Endpoints, error) {
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	waiting := false
	for {
		e, found, err := Read(path)
		switch {
		case err != nil:
			return Endpoints{}, err
		case found && w.Accept(e):
			return e, nil
		case found && !waiting:
			waiting = true
			timeout.Stop()
			w.Waiting(e)
		}
		if w.Acquire() {
			return Endpoints{}, nil
		}
		select {
		case <-ctx.Done():
			return Endpoints{}, context.Cause(ctx)
		case <-timeout.C:
			return Endpoints{}, fmt.Errorf("waiting for the agrichat that runs on %s to say where its servers are: it has not for %s",
				path, startTimeout)
		case <-tick.C:
		}
	}
}
