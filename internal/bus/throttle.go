package bus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Watch is a consumer that importers wait for: from High messages not settled on, until Low are left.
type Watch struct {
	Stream, Consumer string
	High, Low        uint64
}

// ThrottleConfig says what importers wait for.
type ThrottleConfig struct {
	Watches []Watch
	Lead    LeadLimit
	// Reserve is how many bytes of CHAT are left to live sources; default a tenth of its limit.
	Reserve int64
}

// Throttle implements ingest.Throttle for all importers of a process.
type Throttle struct {
	b       *Bus
	cfg     ThrottleConfig
	mu      sync.Mutex // covers all below
	checked time.Time
	holding []bool // by watch: it was high, and is not low yet
	lead    lead
	wait    time.Duration
	why     string
}

// Throttle makes importers wait for consumers and for space.
func (b *Bus) Throttle(cfg ThrottleConfig) *Throttle {
	return &Throttle{b: b, cfg: cfg, holding: make([]bool, len(cfg.Watches))}
}

// An answer counts for throttleFresh, in which importers publish two megabytes at most. A waiting importer retries after throttlePause.
const (
	throttleFresh = 25 * time.Millisecond
	throttlePause = 50 * time.Millisecond
)

// Ask implements ingest.Throttle.
func (t *Throttle) Ask(ctx context.Context) (time.Duration, string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.checked) < throttleFresh {
		return t.wait, t.why, nil
	}
	why, err := t.look(ctx)
	if err != nil {
		return 0, "", err
	}
	t.checked, t.why, t.wait = time.Now(), why, 0
	if why != "" {
		t.wait = throttlePause
	}
	return t.wait, t.why, nil
}

func (t *Throttle) look(ctx context.Context) (why string, err error) {
	s, err := t.b.Stream(ctx, Chat)
	if err != nil {
		return "", err
	}
	reserve := t.cfg.Reserve
	if reserve == 0 && s.MaxBytes > 0 {
		reserve = s.MaxBytes / 10
	}
	if s.Free() < reserve {
		why = fmt.Sprintf("stream %s has %d bytes left, which live sources need: raise its size limit", Chat, s.Free())
	}
	cached := map[[2]string]ConsumerStatus{} // the lead and a watch may be of one consumer
	status := func(stream, consumer string) (c ConsumerStatus, err error) {
		key := [2]string{stream, consumer}
		c, known := cached[key]
		if !known {
			if c, err = t.b.Durable(stream, consumer).Status(ctx); err == nil {
				cached[key] = c
			}
		}
		return c, err
	}
	if t.cfg.Lead.Consumer != "" {
		c, err := status(Chat, t.cfg.Lead.Consumer)
		if err != nil {
			return "", err
		}
		if behind := t.lead.look(time.Now(), t.cfg.Lead, s, c.settled()); behind != "" {
			why = behind
		}
	}
	for i, w := range t.cfg.Watches {
		c, err := status(w.Stream, w.Consumer)
		if err != nil {
			return "", err
		}
		if t.holding[i] = c.Lag() >= w.High || t.holding[i] && c.Lag() > w.Low; t.holding[i] {
			why = fmt.Sprintf("consumer %s is %d messages behind", w.Consumer, c.Lag())
		}
	}
	return why, nil
}

// LeadLimit bounds what importers have published and a consumer has not settled yet. Messages would bound nothing: one carries up
// to five hundred events. Importers wait while the consumer has work for Delay, by how many bytes a second it has settled lately,
// but not for less than Floor, and from Bytes on in any case. They go on when half of that is left.
type LeadLimit struct {
	Consumer string        // of CHAT; empty: the lead is not bounded
	Delay    time.Duration // how long a message of a live source waits behind importers
	Floor    uint64        // bytes that are too few to wait for; a slow consumer needs some to be busy
	Bytes    uint64        // the most, also before the rate is measured
}

// settled is the sequence up to which a consumer would have settled all, had it settled in order. One message that is redelivered
// repeatedly holds back the ack floor, but not the messages behind it.
func (s ConsumerStatus) settled() uint64 {
	return max(s.AckFloor, s.Delivered-min(s.Delivered, uint64(s.AckPending)))
}

// lead is what of the stream is not settled, computed from how many bytes the stream had at which sequence.
type lead struct {
	seen    []observation // rising; of those that are settled only the last
	rate    rate
	holding bool
}

type observation struct {
	last  uint64 // sequence
	bytes uint64
}

// rate is how many bytes a second a consumer settles while it has work. Older intervals count for less: by half each second.
type rate struct {
	at      time.Time // of the last look; zero: there was none, or the consumer had no work
	settled uint64    // bytes that were settled then
	bytes   float64
	seconds float64
}

// rateAfter is how long a rate must have been measured to be believed.
const rateAfter = 200 * time.Millisecond

// observe takes how many bytes have been settled up to now, and whether there is more.
func (r *rate) observe(now time.Time, settled uint64, more bool) {
	if !r.at.IsZero() && more && settled >= r.settled {
		d := now.Sub(r.at).Seconds()
		fade := math.Exp2(-d)
		r.bytes = r.bytes*fade + float64(settled-r.settled)
		r.seconds = r.seconds*fade + d
	}
	r.at, r.settled = now, settled
	if !more {
		r.at = time.Time{}
	}
}

// perSecond returns the rate, and whether it was measured for long enough.
func (r *rate) perSecond() (float64, bool) {
	return r.bytes / r.seconds, r.seconds >= rateAfter.Seconds()
}

// maxObservations bounds what is kept while a consumer settles nothing: then every second one is dropped.
const maxObservations = 1000

// observe records what the stream holds, and drops what is settled.
func (l *lead) observe(s StreamStatus, settled uint64) {
	if n := len(l.seen); n == 0 || l.seen[n-1].last < s.Last {
		l.seen = append(l.seen, observation{s.Last, s.Bytes})
	} else if l.seen[n-1].last > s.Last { // another stream
		l.seen, l.rate = append(l.seen[:0], observation{s.Last, s.Bytes}), rate{}
	}
	above := slices.IndexFunc(l.seen, func(o observation) bool { return o.last > settled })
	if above < 0 {
		above = len(l.seen)
	}
	l.seen = slices.Delete(l.seen, 0, max(above-1, 0))
	if len(l.seen) > maxObservations {
		kept := l.seen[:0]
		for i, o := range l.seen {
			if i%2 == 0 || i == len(l.seen)-1 {
				kept = append(kept, o)
			}
		}
		l.seen = kept
	}
}

// behind returns how many bytes above the settled sequence there are.
func (l *lead) behind(s StreamStatus, settled uint64) uint64 {
	if settled >= s.Last {
		return 0
	}
	first := l.seen[0]
	if first.last > settled { // it was there before anybody looked
		share := float64(s.Last-settled) / math.Max(float64(s.Messages), 1)
		return uint64(float64(s.Bytes) * math.Min(share, 1))
	}
	next := l.seen[1] // there is one: the last is not settled
	share := float64(settled-first.last) / float64(next.last-first.last)
	at := float64(first.bytes) + share*(float64(next.bytes)-float64(first.bytes))
	return uint64(math.Max(float64(s.Bytes)-at, 0))
}

// look says why importers wait; empty: they do not.
func (l *lead) look(now time.Time, limit LeadLimit, s StreamStatus, settled uint64) string {
	l.observe(s, settled)
	bytes := l.behind(s, settled)
	l.rate.observe(now, s.Bytes-min(s.Bytes, bytes), bytes > 0)
	most, delay := limit.Bytes, ""
	if perSecond, known := l.rate.perSecond(); known {
		most = min(most, max(limit.Floor, uint64(perSecond*limit.Delay.Seconds())))
		delay = fmt.Sprintf(", and settles %d kB/s", int(perSecond/1000))
	}
	if l.holding = bytes >= most || l.holding && bytes >= most/2; !l.holding {
		return ""
	}
	return fmt.Sprintf("consumer %s is %d kB behind%s", limit.Consumer, bytes/1000, delay)
}
