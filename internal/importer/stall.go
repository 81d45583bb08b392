package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/verify"
)

// A stall is reported after stallFirst, and again after twice that, and so on, at least once in stallMax.
const (
	stallFirst    = 30 * time.Second
	stallMax      = 10 * time.Minute
	stallInterval = time.Second // between two looks
)

// Stall is an import that waits while nothing is being stored.
type Stall struct {
	For    time.Duration
	Reason string
}

// stallMonitor reports why nothing is being stored.
type stallMonitor struct {
	servers  Servers
	progress *Progress
	waited   *waitState
	report   func(Stall) // nil: there is no observer
}

// stallMark changes whenever an import makes progress.
type stallMark struct {
	counts    ingest.Counts
	began     bool
	remaining verify.Remaining
}

func (m *stallMonitor) mark() stallMark {
	began, remaining, _ := m.waited.get()
	return stallMark{m.progress.Snapshot().Counts, began, remaining}
}

// start watches until stop is called.
func (m *stallMonitor) start(ctx context.Context) (stop func()) {
	if m.report == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { reportStalls(ctx, m.mark, m.reason, m.report) })
	return func() {
		cancel()
		watching.Wait()
	}
}

// reportStalls reports while a mark does not change. An empty reason is not reported.
func reportStalls(ctx context.Context, mark func() stallMark, reason func(context.Context) string, report func(Stall)) {
	tick := time.NewTicker(stallInterval)
	defer tick.Stop()
	last, since, next := mark(), time.Now(), stallFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := mark(); now != last {
			last, since, next = now, time.Now(), stallFirst
			continue
		}
		took := time.Since(since)
		if took < next {
			continue
		}
		next = min(2*next, next+stallMax)
		if why := reason(ctx); why != "" && ctx.Err() == nil {
			report(Stall{took, why})
		}
	}
}

// reason says why nothing is being stored; empty: there is no known reason, and the import still reads.
func (m *stallMonitor) reason(ctx context.Context) string {
	began, remaining, failure := m.waited.get()
	var why []string
	add := func(reasons ...string) {
		for _, r := range reasons {
			if r = app.OneLine(r); r != "" && !slices.ContainsFunc(why, func(w string) bool { return strings.Contains(w, r) }) {
				why = append(why, r)
			}
		}
	}
	add(m.progress.Snapshot().Waiting)
	add(m.servers.Problems(ctx)...)
	switch {
	case remaining.Sequences > 0 || !began:
		add(m.consumerReason(ctx, bus.Chat, bus.Normalise))
	case remaining.Unpublished > 0:
		add(fmt.Sprintf("the facts of %d transactions are not published", remaining.Unpublished), m.factsReason(ctx))
	case remaining.Facts > 0:
		add(m.consumerReason(ctx, bus.Facts, bus.Aggregate))
	}
	if failure != nil {
		add(failure.Error())
	}
	if len(why) == 0 && began {
		add("no reason was found; agrichat status and /readyz of the workers may tell")
	}
	return strings.Join(why, "; ")
}

const (
	statusTimeout = 3 * time.Second        // bounds each question about why nothing is being stored
	fetchInterval = 250 * time.Millisecond // a worker that makes progress fetches again within it
	fetchLooks    = 4
)

// consumerReason returns what is wrong with a consumer; empty: nothing is.
func (m *stallMonitor) consumerReason(ctx context.Context, stream, name string) string {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	b, err := m.servers.Bus(ctx)
	if err != nil {
		return err.Error()
	}
	tick := time.NewTicker(fetchInterval)
	defer tick.Stop()
	for range fetchLooks {
		c, err := b.Durable(stream, name).Status(ctx)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			return fmt.Sprintf("consumer %s of stream %s does not exist; agrichat migrate creates it", name, stream)
		case err != nil:
			return err.Error()
		case c.Paused:
			return fmt.Sprintf("consumer %s of stream %s is paused for %s", name, stream, c.PausedFor.Round(time.Second))
		case c.Waiting > 0 || c.Lag() == 0:
			return ""
		}
		select {
		case <-ctx.Done():
			return ""
		case <-tick.C:
		}
	}
	return fmt.Sprintf("nobody asks for the messages of consumer %s: is agrichat up or agrichat consume %s running, and what does its /readyz say?", name, name)
}

// factsReason says whether stream FACTS is full; empty: it is not.
func (m *stallMonitor) factsReason(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	b, err := m.servers.Bus(ctx)
	if err != nil {
		return err.Error()
	}
	s, err := b.Stream(ctx, bus.Facts)
	switch {
	case err != nil:
		return err.Error()
	case s.Free() < s.MaxBytes/100:
		return fmt.Sprintf("stream FACTS is full (%d bytes of %d): is agrichat consume aggregate running, and ClickHouse there? Otherwise raise nats.facts_max_bytes",
			s.Bytes, s.MaxBytes)
	}
	return ""
}
