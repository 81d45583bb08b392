package cli

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fault"
)

// floored is the bus whose generations lie above every one that ClickHouse holds: where bus and database were made anew or put back
// and ClickHouse was not, it would keep its old states for ever.
type floored struct {
	*bus.Bus
	clickhouse string // its URL; empty: there is none
}

func (s *stack) floored(b *bus.Bus) floored { return floored{Bus: b, clickhouse: s.figuresURL()} }

// NextGeneration implements normalise.Stream. ClickHouse must answer: it is asked at the birth of a store only.
func (f floored) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	held, err := generationHeld(ctx, f.clickhouse)
	if err != nil {
		return 0, fault.AsTransient(fmt.Errorf("asking ClickHouse for the newest generation, above which a new store must lie; start ClickHouse: %w", err), 0)
	}
	return f.Bus.NextGeneration(ctx, max(above, held))
}

// generationHeld returns the highest generation in ClickHouse; 0 where there is no database yet.
func generationHeld(ctx context.Context, url string) (held uint16, err error) {
	if url == "" {
		return 0, nil
	}
	db, err := ch.Open(ctx, ch.Config{URL: url, Create: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // nothing is unwritten in it
	return db.Generation(ctx)
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
