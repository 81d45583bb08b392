package gate

import "time"

// State is the state of the gate, the same for all processes.
type State string

// The states. A gate that was shut is recovering before it is open: gaps of the ledger are backfilled first.
const (
	Shut       State = "shut"
	Recovering State = "recovering"
	Opened     State = "open"
)

// Reason is why the gate is shut, in a word that metrics carry.
type Reason string

// The reasons.
const (
	Starting        Reason = "starting"         // nothing is known yet
	ByHand          Reason = "by-hand"          // an operator's order
	Switchover      Reason = "switchover"       // announced, and about to happen
	NoLeader        Reason = "no-leader"        // the leader key is gone
	NewLeader       Reason = "new-leader"       // found, and not yet verified
	NotWritable     Reason = "not-writable"     // the leader still recovers, or stays read-only
	Unproved        Reason = "unproved"         // the lease may have expired: etcd has not confirmed it in time
	NoCluster       Reason = "no-cluster"       // there are no keys under the prefix
	NoAddress       Reason = "no-address"       // the leader's member key has no address
	OtherCluster    Reason = "other-cluster"    // the system identifier is not the one that was written to
	OlderTimeline   Reason = "older-timeline"   // the server that answers has been left behind
	TokenBehind     Reason = "token-behind"     // etcd counts below what the database has seen
	EtcdRefuses     Reason = "etcd-refuses"     // user, password, certificate or rights
	DatabaseRefuses Reason = "database-refuses" // user, password, database, rights, version
	NotFollowing    Reason = "not-following"    // the gate was opened for a leader, and this process follows none
)

// DesiredState is what the controller publishes for every worker, in a bucket of the bus. It permits nothing by itself: each
// worker compares it with its own lease from etcd, and ignores a state for another fencing token.
type DesiredState struct {
	State    State         `json:"state"`
	Reason   Reason        `json:"reason,omitempty"` // of a state other than open
	Detail   string        `json:"detail,omitempty"` // a sentence for people: what is wrong, and what to do
	Leader   string        `json:"leader,omitempty"`
	Token    uint64        `json:"token"`              // mod_revision of the leader key
	System   string        `json:"system,omitempty"`   // the cluster's system identifier: another one is another cluster
	Timeline uint32        `json:"timeline,omitempty"` // the highest that was proved
	Round    uint64        `json:"round"`              // the epoch: rises with every recovery; the report of a backfill names its own
	Since    time.Time     `json:"since"`              // of this state, by the writer's clock
	By       string        `json:"by"`                 // the controller, or the operator's command
	Hold     *OperatorHold `json:"hand,omitempty"`     // while an operator keeps the gate shut
}

// OperatorHold is an operator's request to keep the gate shut.
type OperatorHold struct {
	Why   string    `json:"why"`
	By    string    `json:"by"` // user@host
	Since time.Time `json:"since"`
}

// Report states that the ledger has no gaps up to a sequence, under the fencing token of a round.
type Report struct {
	Round  uint64  `json:"round"`
	Token  uint64  `json:"token"`
	UpTo   uint64  `json:"up_to"`  // the highest sequence that was delivered to a worker when the round began
	Filled uint64  `json:"filled"` // sequences that were backfilled into the new leader's ledger
	Took   float64 `json:"took_seconds"`
	By     string  `json:"by"`
}

// Lease is what a process knows of the leader, from etcd: no permission that rests on it outlives Expires.
type Lease struct {
	Leader    string
	Address   string // host:port of the leader's server
	Token     uint64
	Expires   time.Time // by this process's monotonic clock: when the request was sent plus the remaining lease, less a margin
	Shut      Reason    // not empty: writing must stop, even under a valid lease
	Detail    string    // of Shut, for people
	LastReply time.Time // when etcd last answered; zero: never
}
