package app

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

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
