package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/ingest"
)

// Importers wait from pendingHigh transactions with unpublished facts on, until pendingLow are left. The count is asked for once
// in pendingEvery.
const (
	pendingHigh  = 2000
	pendingLow   = pendingHigh / 2
	pendingEvery = time.Second
)

// pendingThrottle lets importers wait while facts cannot be published. Live sources do not wait.
type pendingThrottle struct {
	ingest.Throttle
	pending func(context.Context) (normalise.Pending, error)

	mu      sync.Mutex // covers all below
	asked   time.Time
	last    normalise.Pending
	holding bool
}

// Ask implements ingest.Throttle.
func (t *pendingThrottle) Ask(ctx context.Context) (time.Duration, string, error) {
	why, err := t.look(ctx)
	if err != nil {
		return 0, "", err
	}
	if why != "" {
		return pendingEvery, why, nil
	}
	return t.Throttle.Ask(ctx)
}

func (t *pendingThrottle) look(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.asked) >= pendingEvery {
		p, err := t.pending(ctx)
		if err != nil {
			return "", err
		}
		t.asked, t.last = time.Now(), p
		t.holding = p.Transactions >= pendingHigh || t.holding && p.Transactions > pendingLow
	}
	if !t.holding {
		return "", nil
	}
	return fmt.Sprintf("facts of %d transactions are not published, the oldest for %s: is ClickHouse away or stream FACTS full?",
		t.last.Transactions, t.last.Oldest.Round(time.Second)), nil
}
