package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
)

type replayFlags struct {
	sequence   uint64
	since      string
	time       time.Time // of since; zero: not given
	force      bool
	postgres   string
	clickhouse string
}

// replayReport is what a replay ends with.
type replayReport struct {
	Consumer string  `json:"consumer"`
	From     uint64  `json:"from_sequence"`
	Events   int     `json:"events"` // of the bus, given to the consumer again
	Facts    int     `json:"facts"`  // told again
	Seconds  float64 `json:"seconds"`
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use: "replay normalise|aggregate", Short: "Run a consumer over the past again, into the same stores or into fresh ones",
		Long: "normalise gives the bus's messages to the record again, from a sequence, a time or the start; into the same record this\n" +
			"changes nothing, into a fresh one (--into-postgres) it rebuilds it. aggregate tells again what the record holds;\n" +
			"with --into-clickhouse it rebuilds the figures there.",
		Example: "  # everything anew beside the stores in use; PostgreSQL's database is there and empty, ClickHouse's is made\n" +
			"  agrichat replay normalise --into-postgres postgres://me:secret@host:5432/fresh \\\n" +
			"      --into-clickhouse http://me:secret@host:8123/fresh\n\n" +
			"  # the figures alone\n" +
			"  agrichat replay aggregate --into-clickhouse http://me:secret@host:8123/fresh\n\n" +
			"  # ClickHouse was restored from a backup: tell it what came since\n" +
			"  agrichat replay aggregate --from-time 2026-11-01T00:00:00Z",
		Args: someArgs(1, 1, "normalise or aggregate"),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] != bus.Normalise && args[0] != bus.Aggregate {
				return misuse{fmt.Errorf("there is no consumer %q; there are normalise and aggregate", args[0])}
			}
			since, err := instant("--from-time", f.since)
			if err != nil {
				return err
			}
			f.time = since
			return a.within(c.Context(), session{consume: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				r, err := a.replay(ctx, s, args[0], f)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(r)
				}
				_, err = fmt.Fprintf(a.out, "%s: %d events from sequence %d, %d facts told, in %.1f s\n", r.Consumer, r.Events, r.From, r.Facts, r.Seconds)
				return err
			})
		},
	}
	fl := c.Flags()
	fl.Uint64Var(&f.sequence, "from-sequence", 1, "first sequence of the bus")
	fl.StringVar(&f.since, "from-time", "", "first time at which the bus took a message, such as 2026-11-01T00:00:00Z")
	fl.BoolVar(&f.force, "force", false, "apply what the ledger holds too")
	fl.StringVar(&f.postgres, "into-postgres", "", "another record than the configured one")
	fl.StringVar(&f.clickhouse, "into-clickhouse", "", "another ClickHouse than the configured one")
	return c
}

// instant reads the value of a flag; zero if it was not given.
func instant(flag, value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, misuse{fmt.Errorf("%s %q is no time; write it like 2026-11-01T00:00:00Z or 2026-11-01T03:00:00+03:00", flag, value)}
	}
	return t, nil
}

func (a *app) replay(ctx context.Context, s *stack, what string, f replayFlags) (_ *replayReport, err error) {
	began := time.Now()
	b, err := s.openBus(ctx)
	if err != nil {
		return nil, err
	}
	r := &replayReport{Consumer: what, From: f.sequence}
	if !f.time.IsZero() {
		if r.From, err = b.SequenceAt(ctx, f.time); err != nil {
			return nil, err
		}
	}
	told := &telling{bus: s.floored(b)}
	if f.clickhouse != "" {
		db, err := connectFigures(ctx, f.clickhouse, "--into-clickhouse", creates, s.reach)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		if told.into, err = aggregate.New(db, aggregate.Config{}); err != nil {
			return nil, err
		}
	}
	k, done, err := s.replayKeeper(ctx, told, f)
	if err != nil {
		return nil, err
	}
	defer done()
	if what == bus.Normalise {
		err = replayBus(ctx, b, k, r, f.force)
	} else {
		var from int64
		if from, err = k.CounterAt(ctx, r.From); err == nil {
			err = k.RepublishFrom(ctx, from, func(int) {})
		}
	}
	r.Facts, r.Seconds = told.count, time.Since(began).Seconds()
	return r, err
}

// replayKeeper is the keeper of the record that is replayed into.
func (s *stack) replayKeeper(ctx context.Context, told *telling, f replayFlags) (*normalise.Store, func(), error) {
	pool, err := s.openRecord(ctx)
	done, door := func() {}, s.gate
	if err == nil && f.postgres != "" {
		door = gate.Open{} // another record than the one whose leader is followed: no token was raised there
		if pool, err = connectRecord(ctx, pg.Config{DSN: f.postgres, MaxConns: int32(s.cfg.Postgres.MaxConns)}, "--into-postgres", true, s.hook); err == nil {
			done = pool.Close
		}
	}
	if err != nil {
		return nil, nil, err
	}
	k, err := normalise.New(ctx, normalise.Config{Pool: pool, Gate: door, Stream: told, Log: s.log})
	if err != nil {
		done()
		return nil, nil, err
	}
	return k, done, nil
}

// replayBatch is how many events are given to the keeper at once, as in ordinary work.
const replayBatch = 1000

func replayBus(ctx context.Context, b *bus.Bus, k *normalise.Store, r *replayReport, force bool) error {
	last, err := b.LastSequence(ctx)
	if err != nil {
		return err
	}
	apply := k.Handle
	if force {
		apply = k.Repair
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
	err = b.Range(ctx, r.From, last, false, func(d consumers.Delivery) error {
		batch = append(batch, d)
		if events += d.Events(); events < replayBatch {
			return nil
		}
		return flush()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return flush()
}

// telling is the bus of a replay: facts go onto it, or straight into another ClickHouse.
type telling struct {
	bus   floored
	into  *aggregate.Handler // nil: onto the bus
	count int
}

// PublishFacts implements normalise.Stream.
func (t *telling) PublishFacts(ctx context.Context, facts []fact.Batch) error {
	for i := range facts {
		t.count += facts[i].Len()
	}
	if t.into == nil {
		return t.bus.PublishFacts(ctx, facts)
	}
	batch := make([]consumers.Delivery, len(facts))
	for i := range facts {
		data, err := fact.Encode(&facts[i])
		if err != nil {
			return err
		}
		batch[i] = consumers.Delivery{Sequence: uint64(i + 1), Data: data}
	}
	return t.into.Handle(ctx, batch)
}

// Incarnation implements normalise.Stream.
func (t *telling) Incarnation(ctx context.Context) (time.Time, error) { return t.bus.Incarnation(ctx) }

// NextGeneration implements normalise.Stream.
func (t *telling) NextGeneration(ctx context.Context, above uint16) (uint16, error) {
	return t.bus.NextGeneration(ctx, above)
}

// LastSequence implements normalise.Stream.
func (t *telling) LastSequence(ctx context.Context) (uint64, error) { return t.bus.LastSequence(ctx) }

// Published implements normalise.Stream.
func (t *telling) Published(ctx context.Context) (fact.Version, error) { return t.bus.Published(ctx) }

// Get implements normalise.Stream.
func (t *telling) Get(ctx context.Context, seq uint64) (consumers.Delivery, bool, error) {
	return t.bus.Get(ctx, seq)
}

// Next implements normalise.Stream.
func (t *telling) Next(ctx context.Context, seq uint64) (consumers.Delivery, bool, error) {
	return t.bus.Next(ctx, seq)
}

// Range implements normalise.Stream.
func (t *telling) Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error {
	return t.bus.Range(ctx, from, to, headersOnly, yield)
}

// DeadLetter implements normalise.Stream.
func (t *telling) DeadLetter(ctx context.Context, d consumers.Delivery, cause error) error {
	return t.bus.DeadLetter(ctx, d, cause)
}
