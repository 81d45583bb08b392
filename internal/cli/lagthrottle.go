package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ingest"
)

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
