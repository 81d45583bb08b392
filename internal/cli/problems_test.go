package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

// TestStack_problems holds that each reason why this process and others store nothing is named.
func TestStack_problems(t *testing.T) {
	t.Parallel()
	s := &stack{health: obs.NewHealth(), door: gate.NewDoor(gate.Config{Alone: true})}
	check := func(what string, want ...string) {
		t.Helper()
		got := strings.Join(s.problems(t.Context()), "; ")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the problems are %q, want %q", what, got, w)
			}
		}
		if len(want) == 0 && got != "" {
			t.Errorf("%s: the problems are %q", what, got)
		}
	}
	check("a gate that nobody has opened", "the gate is shut (starting)", "has not been asked")
	s.door.Order(gate.Order{State: gate.Shut, Reason: gate.NoLeader, Detail: "writing goes on later"})
	check("no leader", "the gate is shut (no-leader): writing goes on later")
	s.door.Order(gate.Order{State: gate.Opened})
	check("nothing known")

	failing := s.health.Check("normalise progress")
	failing.Failing("no message has been stored: the disk is full")
	check("a consumer that fails here", "normalise progress: no message has been stored: the disk is full")
	failing.Remove()

	other := obs.NewHealth()
	other.Check("normalise progress").Failing("the disk there is full")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(obs.Readiness{Checks: other.Statuses()})
	}))
	s.joined, s.at.HTTP = true, server.URL
	check("a consumer that fails elsewhere", "normalise progress: the disk there is full")
	server.Close()
	check("a process that has gone", "does not answer")
}
