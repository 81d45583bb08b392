package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// StoreStream is the bus as the store needs it: new generations lie above every one that ClickHouse holds, and the published
// version is not below ClickHouse's. Where bus and database were made anew or restored and ClickHouse was not, it would
// otherwise keep its old states.
type StoreStream struct {
	*bus.Reader
	*bus.State
	*bus.Publisher
	*bus.DeadLetters
	clickhouse string // its URL; empty: there is none
	log        *slog.Logger
	compared   *atomic.Bool // with ClickHouse, since the connection to the bus was made
}

// StoreStream returns the bus as the store needs it.
func (c *Connections) StoreStream(ctx context.Context) (StoreStream, error) {
	b, err := c.Bus(ctx)
	if err != nil {
		return StoreStream{}, err
	}
	return c.storeStream(b), nil
}

func (c *Connections) storeStream(b *bus.Bus) StoreStream {
	s := StoreStream{Reader: b.Reader(), State: b.State(), Publisher: b.Publisher(), DeadLetters: b.DeadLetters(),
		clickhouse: c.servers.clickhouseURL(), log: c.log, compared: &atomic.Bool{}}
	b.OnReconnect(func() { s.compared.Store(false) })
	return s
}

// NextGeneration implements normalise.Stream. ClickHouse must answer: it is queried when a store is initialised only.
func (s StoreStream) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	held, err := newestFact(ctx, s.clickhouse)
	if err != nil {
		return 0, fault.AsTransient(fmt.Errorf("asking ClickHouse for the newest generation, above which a new store must lie; start ClickHouse: %w", err), 0)
	}
	return s.State.NextGeneration(ctx, max(above, held.Generation))
}

// newestTimeout bounds the wait for a ClickHouse that is away: writers wait meanwhile.
const newestTimeout = 3 * time.Second

// Published implements normalise.Stream. The version that the bus keeps is restored with the bus, so ClickHouse is queried too after
// each start and reconnection. One that is away blocks no writer, and is retried next time.
func (s StoreStream) Published(ctx context.Context) (fact.Version, error) {
	published, err := s.State.Published(ctx)
	if err != nil || s.compared.Load() {
		return published, err
	}
	asking, cancel := context.WithTimeout(ctx, newestTimeout)
	defer cancel()
	held, err := newestFact(asking, s.clickhouse)
	if err != nil && ctx.Err() != nil { // this process stops
		return published, ctx.Err()
	}
	if err != nil {
		s.log.Warn("ClickHouse was not asked for its newest fact: that bus and database were both put back is noticed when it answers",
			"error", err)
		return published, nil
	}
	s.compared.Store(true)
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
