package importer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ingest"
)

// throttle lets this import wait while what is behind the bus lags, or the disk is nearly full.
func (i *Importer) throttle(b *bus.Bus, store *normalise.Store) ingest.Throttle {
	var t ingest.Throttle = b.Throttle(bus.ThrottleConfig{Lead: leadLimit(i.Dedicated), Watches: []bus.Watch{
		{Stream: bus.Chat, Consumer: bus.Normalise, High: leadMessages, Low: leadMessages / 2},
	}})
	t = throttlePending(t, store.Reports().Pending)
	t = throttleFacts(t, func(ctx context.Context) (bus.StreamStatus, error) { return b.Stream(ctx, bus.Facts) })
	if i.Data != "" {
		t = spaceThrottle{Throttle: t, dir: i.Data, free: freeSpace}
	}
	return t
}

// leadLimit is how far importers may be ahead of PostgreSQL. If there are live sources it is a second, for their messages queue behind:
// half of it is left when importing resumes, which keeps the normaliser busy. An event takes between a third of a kilobyte and one.
//
// A server of the import's own has no other publishers. There the normaliser stays some of its blocks of 8 MB behind: the server keeps
// what is read soon after it was written in its cache for ten seconds more, which takes a hundred megabytes.
func leadLimit(dedicated bool) bus.LeadLimit {
	if dedicated {
		return bus.LeadLimit{Consumer: bus.Normalise, Delay: time.Hour, Floor: 64 << 20, Bytes: 64 << 20}
	}
	return bus.LeadLimit{Consumer: bus.Normalise, Delay: time.Second, Floor: 2 << 20, Bytes: 16 << 20}
}

// leadMessages bounds it where messages carry one event each.
const leadMessages = 100_000

// lagEvery is how often a lagThrottle looks.
const lagEvery = time.Second

// Importers wait from pendingHigh transactions with unpublished facts on, until pendingLow are left.
const (
	pendingHigh = 2000
	pendingLow  = pendingHigh / 2
)

// lagThrottle lets importers wait while something behind the bus lags. Live sources do not wait.
type lagThrottle struct {
	ingest.Throttle
	// look returns why importers must wait; empty: they need not. waiting reports whether they do now.
	look func(ctx context.Context, waiting bool) (reason string, err error)

	mu     sync.Mutex // covers all below
	looked time.Time
	reason string
}

// Ask implements ingest.Throttle.
func (t *lagThrottle) Ask(ctx context.Context) (time.Duration, string, error) {
	reason, err := t.current(ctx)
	if err != nil {
		return 0, "", err
	}
	if reason != "" {
		return lagEvery, reason, nil
	}
	return t.Throttle.Ask(ctx)
}

func (t *lagThrottle) current(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) >= lagEvery {
		reason, err := t.look(ctx, t.reason != "")
		if err != nil {
			return "", err
		}
		t.looked, t.reason = time.Now(), reason
	}
	return t.reason, nil
}

// throttlePending lets importers wait while facts cannot be published.
func throttlePending(next ingest.Throttle, pending func(context.Context) (normalise.Pending, error)) *lagThrottle {
	return &lagThrottle{Throttle: next, look: func(ctx context.Context, waiting bool) (string, error) {
		p, err := pending(ctx)
		if err != nil || p.Transactions < pendingHigh && !(waiting && p.Transactions > pendingLow) {
			return "", err
		}
		return fmt.Sprintf("facts of %d transactions are not published, the oldest for %s: is ClickHouse away or stream FACTS full?",
			p.Transactions, p.Oldest.Round(time.Second)), nil
	}}
}

// throttleFacts lets importers wait while stream FACTS, which holds what ClickHouse has not got yet, is more than half full, until it
// is less than a quarter full: the other half is for the facts of live sources.
func throttleFacts(next ingest.Throttle, facts func(context.Context) (bus.StreamStatus, error)) *lagThrottle {
	return &lagThrottle{Throttle: next, look: func(ctx context.Context, waiting bool) (string, error) {
		s, err := facts(ctx)
		used, most := int64(s.Bytes), s.MaxBytes
		if err != nil || most <= 0 || used <= most/2 && !(waiting && used > most/4) {
			return "", err
		}
		return fmt.Sprintf("ClickHouse has not got %d messages of stream FACTS, which take %d of its %d MB: is agrichat consume aggregate running, and ClickHouse there?",
			s.Messages, s.Bytes/1_000_000, most/1_000_000), nil
	}}
}

// diskReserve is how much of the disk is left to live sources and to the write-ahead logs of the stores.
const diskReserve = 512 << 20

// diskEvery is how often the free space is checked again while importers wait for it.
const diskEvery = time.Second

// spaceThrottle lets importers wait while the disk that the embedded servers write to is nearly full.
type spaceThrottle struct {
	ingest.Throttle
	dir  string
	free func(dir string) (uint64, error)
}

// Ask implements ingest.Throttle.
func (t spaceThrottle) Ask(ctx context.Context) (time.Duration, string, error) {
	free, err := t.free(t.dir)
	if err != nil {
		return 0, "", err
	}
	if free < diskReserve {
		return diskEvery, fmt.Sprintf("the disk of %s has only %d MB left: make room, the import goes on by itself", t.dir,
			free/1_000_000), nil
	}
	return t.Throttle.Ask(ctx)
}

// freeSpace returns how many bytes a program may still write to the disk of a folder.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("asking how much room there is on the disk of %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}
