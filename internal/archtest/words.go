package archtest

import (
	"regexp"
	"strings"
)

// Term is a word that this code base does not use, what it says instead, and why.
type Term struct{ Word, Instead, Why string }

// bannedPattern matches any of the words in a comment, in upper or lower case.
func bannedPattern(terms []Term) *regexp.Regexp {
	words := make([]string, len(terms))
	for i, t := range terms {
		words[i] = regexp.QuoteMeta(t.Word)
	}
	if len(words) == 0 {
		return regexp.MustCompile(`[^\s\S]`) // nothing
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(words, "|") + `)\b`)
}

// commentWords are not used in comments: the trade has a word for each, by which readers search.
func commentWords() []Term {
	const speech = "programs report, return, log and publish; who searches for these words finds nothing under speech"
	const gap = "what a ledger or a stream lacks is a gap everywhere, in comments as in the tool's output"
	const dead = "a message that cannot be processed is dead-lettered, in NATS and everywhere"
	const reconcile = "a comparison of two stores that repairs one of them is a reconciliation"
	const who = "it is a process, a caller or a user: say which one"
	return []Term{
		{"said", "reported, logged, parsed, named or configured", speech},
		{"told", "notified, informed, passed or published", speech},
		{"tell", "report, notify or distinguish", speech},
		{"tells", "reports, notifies or distinguishes", speech},
		{"telling", "publishing, reporting or distinguishing", speech},
		{"retell", "republish", speech},
		{"hole", "gap", gap},
		{"holes", "gaps", gap},
		{"bury", "dead-letter", dead},
		{"buried", "dead-lettered", dead},
		{"swept", "reconciled", reconcile},
		{"sweeper", "reconciler", reconcile},
		{"amiss", "wrong, or a problem", "the tool prints problems, and nobody searches for this word"},
		{"lest", "so that ... not", "archaic"},
		{"whoever", "the caller, the process, the user", who},
		{"bad day", "fault scenario", "the failover suite is known by faults and scenarios"},
	}
}

// names are not declared: not as a type, a function, a field or a variable. A name in lower case and one in upper case are two.
func names() []Term {
	const speech = "programs publish, notify and log"
	const dead = "a message that cannot be processed is dead-lettered"
	const many = "it has meant two to five different things here"
	const conflict = "a compare-and-set that fails is a conflict"
	return []Term{
		{"Keeper", "Store, or Repairer", many}, {"keeper", "runner or store", many},
		{"standing", "existing, status, snapshot or current", many}, {"Standing", "Status", many},
		{"gathering", "factBuilder or batchPolicy", many},
		{"said", "parsed, printed, logged or the thing's name", many}, {"told", "notified or the thing's name", speech},
		{"tell", "publish, notify or log", speech}, {"retell", "republish", speech}, {"tellAgain", "republish", speech},
		{"tellUnmarked", "publishPending", speech},
		{"bury", "deadLetter", dead}, {"Burier", "DeadLetterer", dead}, {"setAside", "deadLetter", dead}, {"Letter", "DeadLetter", dead},
		{"hole", "gap", "as in the ledger's documents"}, {"holes", "gaps", "as in the ledger's documents"},
		{"Swept", "Report", "the result of a reconciliation is its report"}, {"sweep", "reconcile", "repairing one store from another is reconciliation"},
		{"sweeper", "reconciler", "repairing one store from another is reconciliation"},
		{"errMoved", "errConflict", conflict}, {"ErrMoved", "ErrConflict", conflict},
		{"manner", "applyMode", "how an event is applied is its mode"},
		{"amiss", "problems", "the tool prints problems"}, {"misuse", "usageError", "the status of a wrong command line is a usage error"},
		{"Mistakes", "Errors", "a configuration has errors"}, {"ownWords", "unwrap", "errors are unwrapped"},
		{"errand", "action", "a controller's decision is an action"}, {"scene", "state", "a decision is made of a state"},
		{"Door", "Local", "the gate of one process is the local gate"}, {"nudge", "wake", "a goroutine is woken"}, {"expel", "revoke", "permissions are revoked"},
		{"guilty", "culprit", "the message that fails is the culprit of a batch"}, {"witness", "probe", "a message known to be good is a probe"},
		{"parcel", "outMsg", "it is an outgoing message"}, {"akin", "sameSubject", "a bundle's events share a subject"},
		{"Outlast", "RetryTransient", "it retries transient errors"}, {"asker", "querier", "stores are queried"},
		{"lend", "get", "a pool's methods are get and put"},
		{"giveUp", "fail", "a run that cannot go on fails"}, {"runBeside", "runAttached", "a command that joins running servers is attached"},
		{"shelf", "cache", "kept results are a cache"}, {"junk", "garbage", "bytes that mean nothing are garbage"},
		{"rig", "env", "a benchmark has an environment"}, {"tongue", "format", "it is a format"},
	}
}
