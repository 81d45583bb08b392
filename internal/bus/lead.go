package bus

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// LeadLimit bounds what importers have published and a consumer has not settled yet. Messages would bound nothing: one carries up
// to five hundred events. Importers wait from Bytes on, and from Age on where it is more than Floor; they go on when half of it is
// left.
type LeadLimit struct {
	Consumer string        // of CHAT; empty: the lead is not bounded
	Bytes    uint64        // of messages not settled
	Age      time.Duration // of the oldest of them; a message of a live source waits for as long
	Floor    uint64        // bytes that are too few to wait for, however old
}

// settled is the sequence up to which a consumer would have settled all, had it settled in order. One message that is delivered
// again and again holds back the ack floor, but not those who go on behind it.
func (s ConsumerStatus) settled() uint64 {
	return max(s.AckFloor, s.Delivered-min(s.Delivered, uint64(s.AckPending)))
}

// lead is what of the stream is not settled. It is known from how many bytes the stream had at which sequence, and when.
type lead struct {
	seen    []observation // rising; of those that are settled only the last
	holding bool
}

type observation struct {
	at    time.Time
	last  uint64 // sequence
	bytes uint64
}

// observationsMost bounds what is remembered while a consumer stands still: then every second one is left out.
const observationsMost = 1000

// observe notes what the stream holds, and forgets what is settled.
func (l *lead) observe(now time.Time, s StreamStatus, settled uint64) {
	if n := len(l.seen); n == 0 || l.seen[n-1].last < s.Last {
		l.seen = append(l.seen, observation{now, s.Last, s.Bytes})
	} else if l.seen[n-1].last > s.Last { // another stream
		l.seen = append(l.seen[:0], observation{now, s.Last, s.Bytes})
	}
	above := slices.IndexFunc(l.seen, func(o observation) bool { return o.last > settled })
	if above < 0 {
		above = len(l.seen)
	}
	l.seen = slices.Delete(l.seen, 0, max(above-1, 0))
	if len(l.seen) > observationsMost {
		kept := l.seen[:0]
		for i, o := range l.seen {
			if i%2 == 0 || i == len(l.seen)-1 {
				kept = append(kept, o)
			}
		}
		l.seen = kept
	}
}

// behind returns how many bytes above the settled sequence there are, and for how long at least the first of them has been.
func (l *lead) behind(now time.Time, s StreamStatus, settled uint64) (uint64, time.Duration) {
	if settled >= s.Last {
		return 0, 0
	}
	first := l.seen[0]
	if first.last > settled { // it was there before anybody looked
		share := float64(s.Last-settled) / math.Max(float64(s.Messages), 1)
		return uint64(float64(s.Bytes) * math.Min(share, 1)), now.Sub(first.at)
	}
	next := l.seen[1] // there is one: the last is not settled
	share := float64(settled-first.last) / float64(next.last-first.last)
	at := float64(first.bytes) + share*(float64(next.bytes)-float64(first.bytes))
	return uint64(math.Max(float64(s.Bytes)-at, 0)), now.Sub(next.at)
}

// look says why importers wait; empty: they do not.
func (l *lead) look(now time.Time, limit LeadLimit, s StreamStatus, settled uint64) string {
	l.observe(now, s, settled)
	bytes, age := l.behind(now, s, settled)
	full := func(part uint64) bool {
		return bytes >= limit.Bytes/part || bytes >= limit.Floor && age >= limit.Age/time.Duration(part)
	}
	if l.holding = full(1) || l.holding && full(2); !l.holding {
		return ""
	}
	return fmt.Sprintf("consumer %s is %d kB behind, for %s", limit.Consumer, bytes/1000, age.Round(10*time.Millisecond))
}
