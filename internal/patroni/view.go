// Package patroni follows a Patroni cluster through etcd; no other package connects to etcd.
//
// It promises that its view of the leader is etcd's at one revision, that missed events are recovered by reading all keys again,
// and that the expiry of a leader's lease is counted from before the request was sent. It decides nothing: the gate and its
// controller do.
package patroni

import "time"

// View is a cluster as etcd holds it at a revision. It is a value: nobody changes what has been handed out.
type View struct {
	Revision   int64 // of etcd's whole store
	Empty      bool  // there are no keys under the prefix
	Leader     string
	Token      uint64 // mod_revision of the leader key; zero without a leader
	Lease      int64  // that the leader key hangs on
	Members    map[string]Member
	Failover   *Failover     // requested and not yet done; nil: none
	Sync       Sync          // who may take over without loss
	Paused     bool          // maintenance: Patroni watches and does nothing
	TTL        time.Duration // of the lease, as the dynamic configuration says; zero if it does not
	Initialize string        // the cluster's system identifier
	Timeline   uint32        // the newest of the history and the members
}

// Member is a server of the cluster.
type Member struct {
	Address  string // host:port of its conn_url; empty: it gives none that can be read
	State    string
	Role     string // "primary" whatever the version calls it
	Timeline uint32
	Version  string // Patroni's
}

// Failover is an announced change of the leader.
type Failover struct {
	From, To string
	At       time.Time // zero: now
}

// Sync is who replicates synchronously.
type Sync struct {
	Leader   string
	Standbys []string
}

// Status is the state of a follower at a moment.
type Status struct {
	View      View
	Expires   time.Time // by the monotonic clock: the leader of View.Token is the leader at least until then; zero: not proved
	LastReply time.Time // when etcd last answered; zero: never
	Err       error     // why it does not answer now; classified by fault, with what to do

	Others []string // scopes that the namespace has, while the one that is followed is Empty
}
