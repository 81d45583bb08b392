// Package control follows the cluster's leader and opens or shuts the gate for every writer.
//
// It promises that the gate is opened only for a leader that a fresh connection found writable, after the fencing token was raised
// in the database and the ledger's gaps were backfilled under it; that of several controllers one is active; and that one that was
// frozen or partitioned can do no harm, since every desired state is written by compare-and-set and permits nothing by itself.
package control

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// Cluster is what a controller needs of the follower.
type Cluster interface {
	// Status returns what is known now. It does not block.
	Status() patroni.Status
	// Changed returns a channel that is closed when the status has changed in more than its times.
	Changed() <-chan struct{}
}

// Orders is the bucket that controllers, workers and operators share. An error without a class is transient.
type StateStore interface {
	// Read returns the current state and its revision; revision zero means that there is none.
	Read(ctx context.Context) (gate.DesiredState, uint64, error)
	// Swap replaces the state of a revision and returns the new revision; ErrConflict if another one is current.
	Swap(ctx context.Context, o gate.DesiredState, revision uint64) (uint64, error)
	// Watch calls changed with every state and swept with every report, the current ones first, until ctx ends.
	Watch(ctx context.Context, changed func(gate.DesiredState, uint64), swept func(gate.Report)) error
	// Lease acquires or renews the controllers' lease: held is true while this id has it. Called every few seconds.
	Lease(ctx context.Context, id string, etcdReachable bool) (held bool, err error)
	// Release gives the lease back.
	Release(ctx context.Context, id string) error
}

// Workers are the consumers that wait at the gate.
type Workers interface {
	Pause(ctx context.Context, until time.Time) error
	Resume(ctx context.Context) error
}

// Database is the PostgreSQL leader, reached by a new connection each time.
type Database interface {
	// Probe asks the server at an address what it is.
	Probe(ctx context.Context, address string) (Probe, error)
	// Raise brings the schema up to date and raises the token, holding the writers' lock: transactions under an older
	// token have ended when it returns. It returns the highest token the database has seen, which is above the given one if
	// etcd was restored or made anew; then nothing was raised.
	Raise(ctx context.Context, address string, token uint64) (seen uint64, err error)
}

// Probe is what a server reports about itself.
type Probe struct {
	Writable bool   // out of recovery, and takes writes
	System   string // its system identifier
	Timeline uint32
}
