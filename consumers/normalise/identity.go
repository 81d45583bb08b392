package normalise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/fact"
)

// errReplaced says that the store or the stream was put back while it was in use. What is known of it is checked anew, and the
// transaction is run again.
var errReplaced = errors.New("the store or the stream was put back to an earlier state")

// server is what the store knows of the server that it was last written on, and what that server says now.
type server struct {
	knownSystem, knownTimeline string // empty: not recorded
	knownToken                 int64
	system, timeline           string // system is empty where the role may not ask
	counter                    int64  // the newest that was committed
}

func (k *Store) server(ctx context.Context, tx pgx.Tx) (s server, err error) {
	var allowed bool
	err = tx.QueryRow(ctx, k.sql["store_server"]).Scan(&s.knownSystem, &s.knownTimeline, &s.knownToken, &s.timeline, &allowed, &s.counter)
	if err != nil {
		return s, fmt.Errorf("reading which server the store is on: %w", err)
	}
	if !allowed {
		k.cfg.Log.Warn("the role may not execute pg_control_system(): a database that was copied to another server is noticed by its counters only")
		s.system = s.knownSystem
		return s, nil
	}
	if err := tx.QueryRow(ctx, k.sql["store_system"]).Scan(&s.system); err != nil {
		return s, fmt.Errorf("reading the system identifier: %w", err)
	}
	return s, nil
}

func (s server) recorded(token int64) bool {
	return s.system == s.knownSystem && s.timeline == s.knownTimeline && token == s.knownToken
}

// wentBack says why facts may have been published that this store knows nothing of, under versions that it would hand out again;
// empty: none were. A failover raises the token, and thereby every version.
func (s server) wentBack(l life, published fact.Version) string {
	if l.generation < 0 {
		return ""
	}
	switch g := uint16(l.generation); {
	case s.knownSystem != "" && s.knownSystem != s.system:
		return fmt.Sprintf("the system identifier was %s and is %s", s.knownSystem, s.system)
	case s.knownTimeline != "" && s.knownToken == l.token && s.knownTimeline != s.timeline:
		return fmt.Sprintf("the timeline was %s and is %s, under the same token", s.knownTimeline, s.timeline)
	case published.Generation > g:
		return fmt.Sprintf("the store has generation %d, facts are published under %d", g, published.Generation)
	case published.Generation == g && published.Token > uint64(l.token):
		return fmt.Sprintf("the store has token %d, facts are published under %d", l.token, published.Token)
	case published.Generation == g && published.Token == uint64(l.token) && published.Counter > uint64(s.counter):
		return fmt.Sprintf("the store's newest counter is %d, facts are published under %d", s.counter, published.Counter)
	}
	return ""
}

func (n *known) isReplaced(generation, incarnation int32) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return generation >= 0 && generation == n.replaced.generation || incarnation > 0 && incarnation == n.replaced.incarnation
}

// replace notes that a generation, or an incarnation, must not be used any more; -1 and 0 leave things as they are.
func (n *known) replace(generation, incarnation int32) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if generation >= 0 {
		n.replaced.generation = generation
	}
	if incarnation > 0 {
		n.replaced.incarnation = incarnation
	}
	return errReplaced
}

// sameServer reports whether a transaction runs on the server process that was looked at.
func (n *known) sameServer(started time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.started.Equal(started)
}

// committed returns the newest counter that this process has committed under the token and generation.
func (n *known) committed(l life) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.newest.token != l.token || n.newest.generation != l.generation {
		return 0
	}
	return n.counter
}

func (n *known) commit(l life, counter int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.newest.token == l.token && n.newest.generation == l.generation {
		counter = max(counter, n.counter)
	}
	n.newest, n.counter = l, counter
}

// report says that the store has a new generation or the stream a new incarnation, and why.
func (k *Store) report(was, is life, n need) {
	if n.store != "" && is.generation != was.generation {
		k.cfg.Log.Warn("the database was put back: it has a new generation, and all facts are published again",
			"cause", n.store, "was", was.generation, "generation", is.generation)
		k.cfg.Replaced("generation")
	}
	if n.stream != "" && is.incarnation != was.incarnation {
		k.cfg.Log.Warn("the stream was put back: it is read again from the beginning, and all facts are published again",
			"cause", n.stream, "was", was.incarnation, "incarnation", is.incarnation)
		k.cfg.Replaced("incarnation")
	}
}

// checkCovered holds that what is delivered at sequences that the ledger holds is stored: else the stream was put back, and has
// given these sequences to other messages.
func (w *work) checkCovered(ctx context.Context, covered []PendingEvent) error {
	if len(covered) == 0 {
		return nil
	}
	events, positions := make([][16]byte, len(covered)), make([]int64, len(covered))
	for i := range covered {
		events[i], positions[i] = covered[i].ID, int64(covered[i].Position)
	}
	var absent int64
	if err := w.tx.QueryRow(ctx, w.sql["events_absent"], events, positions, w.life.incarnation).Scan(&absent); err != nil {
		return fmt.Errorf("looking for events of sequences that the ledger holds: %w", err)
	}
	if absent > 0 {
		return w.known.replace(-1, w.life.incarnation)
	}
	return nil
}
