package gate

import "time"

// State is what the gate is for everybody.
type State string

// The states. After every shut the gate is recovering before it is open: the ledger's holes are filled first.
const (
	Shut       State = "shut"
	Recovering State = "recovering"
	Opened     State = "open"
)

// Reason is why the gate is shut, in a word that metrics carry.
type Reason string

// The reasons.
const (
	Starting        Reason = "starting"         // nobody has looked yet
	ByHand          Reason = "by-hand"          // an operator's order
	Switchover      Reason = "switchover"       // announced, and about to happen
	NoLeader        Reason = "no-leader"        // the leader key is gone
	NewLeader       Reason = "new-leader"       // found, and not yet proved
	NotWritable     Reason = "not-writable"     // the leader still recovers, or stays read-only
	Unproved        Reason = "unproved"         // the lease may have ended: etcd has not said otherwise in time
	NoCluster       Reason = "no-cluster"       // nothing stands under the prefix
	NoAddress       Reason = "no-address"       // the leader's member does not say where it is
	OtherCluster    Reason = "other-cluster"    // the system identifier is not the one that was written to
	OlderTimeline   Reason = "older-timeline"   // the server that answers has been left behind
	TokenBehind     Reason = "token-behind"     // etcd counts below what the database has seen
	EtcdRefuses     Reason = "etcd-refuses"     // user, password, certificate or rights
	DatabaseRefuses Reason = "database-refuses" // user, password, database, rights, version
	NotFollowing    Reason = "not-following"    // the gate was opened for a leader, and this process follows none
)

// Order is what the controller tells every worker, through a bucket of the bus. It permits nothing by itself: each worker
// holds it against what it learned from etcd, and an order for another token than that is none.
type Order struct {
	State    State     `json:"state"`
	Reason   Reason    `json:"reason,omitempty"` // of a state other than open
	Detail   string    `json:"detail,omitempty"` // a sentence for people: what is wrong, and what to do
	Leader   string    `json:"leader,omitempty"`
	Token    uint64    `json:"token"`              // mod_revision of the leader key
	System   string    `json:"system,omitempty"`   // the cluster's system identifier: another one is another cluster
	Timeline uint32    `json:"timeline,omitempty"` // the highest that was proved
	Round    uint64    `json:"round"`              // rises with every recovering; a sweep names the round that it made
	Since    time.Time `json:"since"`              // of this state, by the clock of who wrote it
	By       string    `json:"by"`                 // the controller, or the operator's command
	Hand     *Hand     `json:"hand,omitempty"`     // while an operator keeps the gate shut
}

// Hand is an operator's order to keep the gate shut.
type Hand struct {
	Why   string    `json:"why"`
	By    string    `json:"by"` // user@host
	Since time.Time `json:"since"`
}

// Swept says that the ledger has no holes up to a sequence, under the token of a round.
type Swept struct {
	Round  uint64  `json:"round"`
	Token  uint64  `json:"token"`
	UpTo   uint64  `json:"up_to"`  // the highest sequence that was delivered to a worker when the round began
	Filled uint64  `json:"filled"` // sequences that the new leader's ledger lacked
	Took   float64 `json:"took_seconds"`
	By     string  `json:"by"`
}

// Trust is what a process knows by itself, from etcd, of the leader: nobody can write after Until on the strength of it.
type Trust struct {
	Leader  string
	Address string // host:port of the leader's server
	Token   uint64
	Until   time.Time // by this process's monotonic clock: the sending of the request plus the remaining lease, less a margin
	Shut    Reason    // not empty: whatever the lease says, writing must stop
	Detail  string    // of Shut, for people
	Word    time.Time // when etcd last answered; zero: never
}
