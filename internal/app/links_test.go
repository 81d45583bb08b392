package app

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

func TestLinks_Report(t *testing.T) {
	health := obs.NewHealth()
	l := newLinks(&Connections{base: base{registry: prometheus.NewRegistry(), health: health}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	l.report(t.Context(), "postgres", reachable(t.Context(), address))
	if up := testutil.ToFloat64(l.up.WithLabelValues("postgres")); up != 1 || !health.Ready() {
		t.Errorf("up is %v, ready %v, while the server listens", up, health.Ready())
	}
	_ = listener.Close()
	l.report(t.Context(), "postgres", reachable(t.Context(), address))
	list := health.Statuses()
	if up := testutil.ToFloat64(l.up.WithLabelValues("postgres")); up != 0 || len(list) != 1 || list[0].Name != "link postgres" ||
		list[0].State != obs.Failing || list[0].Reason == "" {
		t.Errorf("up is %v, checks are %+v, while nobody listens", up, list)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	l.report(ended, "nats", errors.New("stopping"))
	if len(health.Statuses()) != 1 {
		t.Error("a process that stops reports a lost link")
	}
}

// TestApp_Problems holds that each reason why this process and others store nothing is named.
func TestApp_Problems(t *testing.T) {
	t.Parallel()
	health, local, servers := obs.NewHealth(), gate.NewLocal(gate.Config{Alone: true}), &servers{}
	g := &leaderGate{local: local}
	a := &App{base: base{health: health}, gate: g, servers: servers, Connections: &Connections{gate: g, servers: servers}}
	check := func(what string, want ...string) {
		t.Helper()
		got := strings.Join(a.Problems(t.Context()), "; ")
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
	local.SetDesired(gate.DesiredState{State: gate.Shut, Reason: gate.NoLeader, Detail: "writing goes on later"})
	check("no leader", "the gate is shut (no-leader): writing goes on later")
	local.SetDesired(gate.DesiredState{State: gate.Opened})
	check("nothing known")

	failing := health.Check("normalise progress")
	failing.Failing("no message has been stored: the disk is full")
	check("a consumer that fails here", "normalise progress: no message has been stored: the disk is full")
	failing.Remove()

	other := obs.NewHealth()
	other.Check("normalise progress").Failing("the disk there is full")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(obs.Readiness{Checks: other.Statuses()})
	}))
	servers.attached, servers.endpoints.HTTP = true, server.URL
	check("a consumer that fails elsewhere", "normalise progress: the disk there is full")
	server.Close()
	check("a process that has gone", "does not answer")
}
