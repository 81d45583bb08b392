package importer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/internal/verify"
)

// TestReportStalls holds that an import reports that nothing has changed for thirty seconds, ever more rarely, and starts again when something does.
func TestReportStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		mark := func() (m stallMark) {
			switch s := time.Since(began); {
			case s < 100*time.Second: // it makes progress until then
				m.counts.Read = int(s / time.Second)
			case s > 600*time.Second:
				m = stallMark{ingest.Counts{Read: 100}, true, verify.Remaining{Sequences: 3}}
			}
			return m
		}
		reason := func(context.Context) string {
			if s := time.Since(began); s > 120*time.Second && s < 150*time.Second {
				return "" // no reason
			}
			return "the reason"
		}
		var at, since []int
		report := func(s Stall) {
			at = append(at, int(time.Since(began).Seconds()))
			since = append(since, int(s.For.Seconds()))
			if s.Reason != "the reason" {
				t.Errorf("reported %+v", s)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3000*time.Second)
		defer cancel()
		reportStalls(ctx, mark, reason, report)
		if diff := cmp.Diff([]int{160, 220, 340, 580, 631, 661, 721, 841, 1081, 1561, 2161, 2761}, at); diff != "" {
			t.Errorf("reported (-want +got):\n%s", diff)
		}
		if len(since) < 5 || since[0] != 60 || since[4] != 30 {
			t.Errorf("after %v", since)
		}
	})
}

// servers are a NATS server and nothing else.
type servers struct {
	Servers
	bus      *bus.Bus
	problems []string
}

func (s *servers) Bus(context.Context) (*bus.Bus, error) { return s.bus, nil }
func (s *servers) Problems(context.Context) []string     { return s.problems }

// TestStallMonitor_reason holds that each reason why nothing is stored is named.
func TestStallMonitor_reason(t *testing.T) {
	t.Parallel()
	b, err := bus.Connect(t.Context(), bus.Config{URLs: []string{testenv.NATS(t).URL()}, ChatBytes: 64 << 20, FactsBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	var waited waitState
	s := &servers{bus: b}
	m := &stallMonitor{servers: s, progress: NewProgress(nil, time.Now), waited: &waited}
	check := func(what string, want ...string) {
		t.Helper()
		got := m.reason(t.Context())
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the reason is %q, want %q", what, got, w)
			}
		}
		if len(want) == 0 && got != "" {
			t.Errorf("%s: the reason is %q", what, got)
		}
	}
	left := verify.Remaining{Sequences: 5}
	check("nothing known while it reads")
	waited.set(left, nil)
	check("nothing known while it waits", "no reason was found")
	s.problems = []string{"the gate is shut", "normalise progress: the disk is full", "the disk is full"}
	if got, want := m.reason(t.Context()), "the gate is shut; normalise progress: the disk is full"; got != want {
		t.Errorf("of the servers: %q, want %q", got, want)
	}
	s.problems = nil

	waited.set(left, context.DeadlineExceeded)
	check("the last error", context.DeadlineExceeded.Error())
	waited.set(left, nil)

	published(t, b, 3)
	check("no worker", "nobody asks for the messages of consumer normalise", "agrichat consume normalise")
	fill(t, b)
	waited.set(verify.Remaining{Unpublished: 7}, nil)
	check("a full stream", "the facts of 7 transactions are not published", "stream FACTS is full", "nats.facts_max_bytes")
	waited.set(verify.Remaining{Facts: 9}, nil)
	check("no aggregator", "nobody asks for the messages of consumer aggregate")
	if err := b.Durable(bus.Chat, bus.Normalise).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	waited.set(left, nil)
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
		if _, err := b.Publisher().PublishLive(t.Context(), &e); err != nil {
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
