package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

// problemTimeout bounds each question about why nothing is being stored.
const problemTimeout = 3 * time.Second

// problems returns what may keep events from being stored: a gate that is shut, failing checks, servers that do not answer.
func (s *stack) problems(ctx context.Context) (out []string) {
	if now := s.door.Standing(); now.State != gate.Opened {
		out = append(out, fmt.Sprintf("the gate is %s (%s): %s", now.State, now.Reason, says(now)))
	}
	out = append(out, s.failingChecks(ctx)...)
	return append(out, s.unreachable(ctx)...)
}

// failingChecks returns those of the processes that store and aggregate: this one, or the one whose servers it uses.
func (s *stack) failingChecks(ctx context.Context) (out []string) {
	list := s.health.Statuses()
	if s.joined && s.at.HTTP != "" {
		theirs, err := readyz(ctx, s.at.HTTP)
		if err != nil {
			return []string{"the agrichat that runs the servers does not answer: " + err.Error()}
		}
		list = append(list, theirs...)
	}
	for _, c := range list {
		if c.State == obs.Failing {
			out = append(out, c.Name+": "+c.Reason)
		}
	}
	return out
}

// readyz returns the checks of another process.
func readyz(ctx context.Context, address string) ([]obs.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, problemTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer obs.Readiness
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Checks, err
}

// unreachable returns which servers that this process is connected to do not answer.
func (s *stack) unreachable(ctx context.Context) (out []string) {
	ctx, cancel := context.WithTimeout(ctx, problemTimeout)
	defer cancel()
	s.mu.Lock()
	b, pool := s.bus, s.record
	s.mu.Unlock()
	if b != nil {
		if _, err := b.Stream(ctx, bus.Chat); err != nil {
			out = append(out, err.Error())
		}
	}
	if pool != nil {
		if err := pool.Ping(ctx); err != nil {
			out = append(out, "PostgreSQL does not answer: "+err.Error())
		}
	}
	return out
}
