package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ingest"
)

// factsThrottle lets importers wait while stream FACTS, which holds what ClickHouse has not got yet, is more than half full, until it
// is less than a quarter full: the other half is for the facts of live sources.
type factsThrottle struct {
	ingest.Throttle
	facts func(context.Context) (bus.StreamStatus, error)

	mu      sync.Mutex // covers all below
	asked   time.Time
	last    bus.StreamStatus
	holding bool
}

// Ask implements ingest.Throttle.
func (t *factsThrottle) Ask(ctx context.Context) (time.Duration, string, error) {
	why, err := t.look(ctx)
	if err != nil {
		return 0, "", err
	}
	if why != "" {
		return pendingEvery, why, nil
	}
	return t.Throttle.Ask(ctx)
}

func (t *factsThrottle) look(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.asked) >= pendingEvery {
		s, err := t.facts(ctx)
		if err != nil {
			return "", err
		}
		t.asked, t.last = time.Now(), s
		used, most := int64(s.Bytes), s.MaxBytes
		t.holding = most > 0 && (used > most/2 || t.holding && used > most/4)
	}
	if !t.holding {
		return "", nil
	}
	return fmt.Sprintf("ClickHouse has not got %d messages of stream FACTS, which take %d of its %d MB: is agrichat consume aggregate running, and ClickHouse there?",
		t.last.Messages, t.last.Bytes/1_000_000, t.last.MaxBytes/1_000_000), nil
}
