// Package control follows the cluster's leader and opens or shuts the gate for every writer.
//
// It promises that the gate is opened only for a leader that a fresh connection found writable, after the token was raised in
// the database and the ledger's holes were filled under it; that of several controllers one acts; and that one that was
// frozen or cut off can do no harm, since every order is written by compare-and-set and permits nothing by itself.
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

// Orders is the bucket that controllers, workers and operators share. An unmarked error is transient.
type Orders interface {
	// Read returns the order that stands and its revision; a zero revision says that there is none.
	Read(ctx context.Context) (gate.DesiredState, uint64, error)
	// Swap replaces the order of a revision and returns the new one; ErrMoved if another one stands.
	Swap(ctx context.Context, o gate.DesiredState, revision uint64) (uint64, error)
	// Watch calls changed with every order and swept with every report, the standing ones first, until ctx ends.
	Watch(ctx context.Context, changed func(gate.DesiredState, uint64), swept func(gate.Report)) error
	// Claim tries to act as the controller: held is true while this id does. Called every few seconds.
	Claim(ctx context.Context, id string, sighted bool) (held bool, err error)
	// Yield gives the claim back.
	Yield(ctx context.Context, id string) error
}

// Workers are the consumers that wait at the gate.
type Workers interface {
	Pause(ctx context.Context, until time.Time) error
	Resume(ctx context.Context) error
}

// Database is the record's server, reached by a new connection each time.
type Database interface {
	// Probe asks the server at an address what it is.
	Probe(ctx context.Context, address string) (Probe, error)
	// Raise brings the schema up to date and raises the token, alone with the writers' lock: what was begun under an older
	// token has ended when it returns. It returns the highest token the database has seen, which is above the given one if
	// etcd was restored or made anew; then nothing was raised.
	Raise(ctx context.Context, address string, token uint64) (seen uint64, err error)
}

// Probe is what a server says of itself.
type Probe struct {
	Writable bool   // out of recovery, and takes writes
	System   string // its system identifier
	Timeline uint32
}
