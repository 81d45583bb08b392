// Package replay runs a consumer over the log or the ledger again, into the same stores or into fresh ones.
//
// It promises that a replay into the store that is in use changes nothing there, because ids and the ledger make it idempotent,
// and that one into a fresh store rebuilds it. It moves no cursor of the running consumers.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
)

// Config says what is replayed.
type Config struct {
	Consumer   string    // bus.Normalise or bus.Aggregate
	Sequence   uint64    // first sequence of the log
	Time       time.Time // instead of Sequence: first time at which the bus took a message; zero: not given
	Force      bool      // apply what is in the ledger too
	Postgres   string    // DSN of another PostgreSQL than the configured one; empty: the configured one
	ClickHouse string    // URL of another ClickHouse than the configured one; empty: the configured one
}

// Report is what a replay ends with. Scripts rely on its names.
type Report struct {
	Consumer string  `json:"consumer"`
	From     uint64  `json:"from_sequence"`
	Events   int     `json:"events"` // of the log, handled again
	Facts    int     `json:"facts"`  // published again
	Seconds  float64 `json:"seconds"`
}

// Run replays.
func Run(ctx context.Context, a *app.App, c Config) (_ *Report, err error) {
	began := time.Now()
	b, err := a.Bus(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{Consumer: c.Consumer, From: c.Sequence}
	if !c.Time.IsZero() {
		if r.From, err = b.Reader().SequenceAt(ctx, c.Time); err != nil {
			return nil, err
		}
	}
	out := &stream{}
	if out.StoreStream, err = a.StoreStream(ctx); err != nil {
		return nil, err
	}
	if c.ClickHouse != "" {
		db, err := app.ConnectClickHouse(ctx, c.ClickHouse, "--into-clickhouse", app.Create, a.Failpoint())
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		if out.into, err = aggregate.New(db, aggregate.Config{}); err != nil {
			return nil, err
		}
	}
	store, done, err := openStore(ctx, a, out, c.Postgres)
	if err != nil {
		return nil, err
	}
	defer done()
	if c.Consumer == bus.Normalise {
		err = replayLog(ctx, b, store, r, c.Force)
	} else {
		var from int64
		if from, err = store.Reports().CounterAt(ctx, r.From); err == nil {
			err = store.Publisher().RepublishFrom(ctx, from, func(int) {})
		}
	}
	r.Facts, r.Seconds = out.facts, time.Since(began).Seconds()
	return r, err
}

// openStore opens the store that is replayed into.
func openStore(ctx context.Context, a *app.App, out *stream, dsn string) (*normalise.Store, func(), error) {
	pool, err := a.Postgres(ctx)
	done, g := func() {}, a.Gate()
	if err == nil && dsn != "" {
		g = gate.Open{} // another database than the one whose leader is followed: no token was raised there
		config := pg.Config{DSN: dsn, MaxConns: int32(a.Config().Postgres.MaxConns)}
		if pool, err = app.ConnectPostgres(ctx, config, "--into-postgres", true, a.Failpoint()); err == nil {
			done = pool.Close
		}
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := normalise.New(ctx, normalise.Config{Pool: pool, Gate: g, Stream: out, Log: a.Log()})
	if err != nil {
		done()
		return nil, nil, err
	}
	return s, done, nil
}

// batchEvents is how many events the store handles at once, as in ordinary work.
const batchEvents = 1000

func replayLog(ctx context.Context, b *bus.Bus, store *normalise.Store, r *Report, force bool) error {
	last, err := b.Reader().LastSequence(ctx)
	if err != nil {
		return err
	}
	apply := store.Handle
	if force {
		apply = store.Repair
	}
	var batch []consumers.Delivery
	events := 0
	flush := func() error {
		var partial *consumers.PartialError
		if err := apply(ctx, batch); err != nil && !errors.As(err, &partial) {
			return err
		}
		r.Events += events
		batch, events = batch[:0], 0
		return nil
	}
	err = b.Reader().Range(ctx, r.From, last, false, func(d consumers.Delivery) error {
		batch = append(batch, d)
		if events += d.Events(); events < batchEvents {
			return nil
		}
		return flush()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

// stream is the bus of a replay: facts are published on it, or written straight into another ClickHouse.
type stream struct {
	app.StoreStream
	into  *aggregate.Handler // nil: they are published
	facts int
}

// PublishFacts implements normalise.Stream.
func (s *stream) PublishFacts(ctx context.Context, facts []fact.Batch) error {
	for i := range facts {
		s.facts += facts[i].Len()
	}
	if s.into == nil {
		return s.StoreStream.PublishFacts(ctx, facts)
	}
	batch := make([]consumers.Delivery, len(facts))
	for i := range facts {
		data, err := fact.Encode(&facts[i])
		if err != nil {
			return fmt.Errorf("encoding facts for ClickHouse: %w", err)
		}
		batch[i] = consumers.Delivery{Sequence: uint64(i + 1), Data: data}
	}
	return s.into.Handle(ctx, batch)
}
