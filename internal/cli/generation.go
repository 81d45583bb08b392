package cli

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// floored is the bus, whose generations lie above every one that ClickHouse holds and whose published versions are not below
// ClickHouse's: where bus and database were made anew or put back and ClickHouse was not, it would keep its old states for ever.
type floored struct {
	*bus.Bus
	clickhouse string // its URL; empty: there is none
	log        *slog.Logger
	compared   *atomic.Bool // since the connection to the bus stands ClickHouse was asked
}

func (s *stack) floored(b *bus.Bus) floored {
	f := floored{Bus: b, clickhouse: s.figuresURL(), log: s.log, compared: &atomic.Bool{}}
	b.OnReconnect(func() { f.compared.Store(false) })
	return f
}

// NextGeneration implements normalise.Stream. ClickHouse must answer: it is asked at the birth of a store only.
func (f floored) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	held, err := newestFact(ctx, f.clickhouse)
	if err != nil {
		return 0, fault.AsTransient(fmt.Errorf("asking ClickHouse for the newest generation, above which a new store must lie; start ClickHouse: %w", err), 0)
	}
	return f.Bus.NextGeneration(ctx, max(above, held.Generation))
}

// newestTimeout bounds the wait for a ClickHouse that is away: nobody writes meanwhile.
const newestTimeout = 3 * time.Second

// Published implements normalise.Stream. What the bus has marked goes back with it, so after each start and reconnection ClickHouse
// is asked too. One that is away holds up nobody, and is asked again next time.
func (f floored) Published(ctx context.Context) (fact.Version, error) {
	published, err := f.Bus.Published(ctx)
	if err != nil || f.compared.Load() {
		return published, err
	}
	asking, cancel := context.WithTimeout(ctx, newestTimeout)
	defer cancel()
	held, err := newestFact(asking, f.clickhouse)
	if err != nil && ctx.Err() != nil { // this process stops
		return published, ctx.Err()
	}
	if err != nil {
		f.log.Warn("ClickHouse was not asked for its newest fact: that bus and database were both put back is noticed when it answers",
			"error", err)
		return published, nil
	}
	f.compared.Store(true)
	if held.Compare(published) > 0 {
		return held, nil
	}
	return published, nil
}

// newestFact returns the highest version in ClickHouse; zero where there is no database yet.
func newestFact(ctx context.Context, url string) (newest fact.Version, err error) {
	if url == "" {
		return newest, nil
	}
	return ch.Newest(ctx, url)
}

// replacedMetrics counts stores and streams that were put back.
func replacedMetrics(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "agrichat_normalise_replaced_total",
		Help: "How often a database that was put back took a new generation, or a stream that was put back a new incarnation.",
	}, []string{"what"})
	for _, what := range []string{"generation", "incarnation"} {
		c.WithLabelValues(what)
	}
	r.MustRegister(c)
	return c
}
