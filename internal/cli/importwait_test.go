package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/internal/verify"
)

// TestReportStandstill warns when nothing has changed for thirty seconds, ever more rarely, and begins anew when something does.
func TestReportStandstill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		mark := func() (m importMark) {
			switch s := time.Since(began); {
			case s < 100*time.Second: // it goes on until then
				m.counts.Read = int(s / time.Second)
			case s > 600*time.Second:
				m = importMark{ingest.Counts{Read: 100}, true, verify.Left{Sequences: 3}}
			}
			return m
		}
		reason := func(context.Context) string {
			if s := time.Since(began); s > 120*time.Second && s < 150*time.Second {
				return "" // nothing to be said
			}
			return "the reason"
		}
		var at, since []int
		warn := func(s standstill) {
			at = append(at, int(time.Since(began).Seconds()))
			since = append(since, int(s.since.Seconds()))
			if s.reason != "the reason" {
				t.Errorf("warned %+v", s)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3000*time.Second)
		defer cancel()
		reportStandstill(ctx, mark, reason, warn)
		if diff := cmp.Diff([]int{160, 220, 340, 580, 631, 661, 721, 841, 1081, 1561, 2161, 2761}, at); diff != "" {
			t.Errorf("warned (-want +got):\n%s", diff)
		}
		if len(since) < 5 || since[0] != 60 || since[4] != 30 {
			t.Errorf("after %v", since)
		}
	})
}

// TestImporting_reason holds that each reason why nothing is stored is named.
func TestImporting_reason(t *testing.T) {
	t.Parallel()
	a := &app{environ: []string{"HOME=" + t.TempDir(), "AGRICHAT_DATA=" + filepath.Join(t.TempDir(), "data"),
		"AGRICHAT_NATS_URLS=" + testenv.NATS(t).URL(), "AGRICHAT_NATS_CHAT_MAX_BYTES=64MB", "AGRICHAT_NATS_FACTS_MAX_BYTES=1MB"}, output: "json", errOut: t.Output()}
	cfg, log, err := a.config()
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{cfg: cfg, log: log, registry: prometheus.NewRegistry(), health: obs.NewHealth(), door: gate.NewDoor(gate.Config{Alone: true}), creates: true}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	i := &importing{stack: s, progress: newProgress(nil, time.Now)}
	b, err := s.openBus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, want ...string) {
		t.Helper()
		got := i.reason(t.Context())
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the reason is %q, want %q", what, got, w)
			}
		}
		if len(want) == 0 && got != "" {
			t.Errorf("%s: the reason is %q", what, got)
		}
	}
	left := verify.Left{Sequences: 5}
	check("a gate that nobody has opened", "the gate is shut (starting)", "has not been asked")
	s.door.Order(gate.Order{State: gate.Shut, Reason: gate.NoLeader, Detail: "writing goes on later"})
	check("no leader", "the gate is shut (no-leader): writing goes on later")
	s.door.Order(gate.Order{State: gate.Opened})
	check("nothing known while it reads")
	i.waited.set(left, nil)
	check("nothing known while it waits", "no reason was found")

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
	s.joined = false

	i.waited.set(left, context.DeadlineExceeded)
	check("the last error", context.DeadlineExceeded.Error())
	i.waited.set(left, nil)

	published(t, b, 3)
	check("no worker", "nobody asks for the messages of consumer normalise", "agrichat consume normalise")
	fill(t, b)
	i.waited.set(verify.Left{Untold: 7}, nil)
	check("a full stream", "the facts of 7 transactions are not published", "stream FACTS is full", "nats.facts_max_bytes")
	i.waited.set(verify.Left{Facts: 9}, nil)
	check("no aggregator", "nobody asks for the messages of consumer aggregate")
	if err := b.DeleteConsumer(t.Context(), bus.Chat, bus.Normalise); err != nil {
		t.Fatal(err)
	}
	i.waited.set(left, nil)
	check("no consumer", "consumer normalise of stream CHAT does not exist", "agrichat migrate")
}

// published publishes so many messages to CHAT.
func published(t *testing.T, b *bus.Bus, n int) {
	t.Helper()
	for i := range n {
		e := event.Event{Source: "test", Namespace: "n", Channel: "c", Kind: event.KindMessage, NativeID: event.NativeID(fmt.Sprint(i)),
			Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: "hello"}}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.PublishLive(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
}

// fill fills stream FACTS until it takes no more.
func fill(t *testing.T, b *bus.Bus) {
	t.Helper()
	for {
		_, err := b.Conn().Request("fact.test.n.c", make([]byte, 10_000), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Stream(t.Context(), bus.Facts)
		if err != nil {
			t.Fatal(err)
		}
		if s.Free() < 10_100 {
			return
		}
	}
}
