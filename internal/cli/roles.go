package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/supervise"
	"github.com/agrichat/agrichat/producers"
)

// sweepEvery is how often holes are looked for while all goes well.
const sweepEvery = 30 * time.Second

// republishEvery is how often is looked whether a store that took a new generation has facts to publish again.
const republishEvery = time.Second

// consumers of the bus, after the given components.
func (s *stack) consumers(after []string) []supervise.Component {
	return []supervise.Component{
		{Name: "normalise", Run: s.collecting(s.normalise), After: after, Essential: true},
		{Name: "aggregate", Run: s.collecting(s.aggregate), After: after, Essential: true},
		{Name: "quarantine", Run: s.quarantine, After: after},
	}
}

// normalise keeps the record: deliveries, and a sweep at start and from time to time.
func (s *stack) normalise(ctx context.Context) error {
	if err := s.awaitLeader(ctx); err != nil {
		return err
	}
	k, err := s.openKeeper(ctx)
	if err != nil {
		return err
	}
	orders, err := s.bus.Orders(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if s.follower != nil {
		g.Go(func() error { return s.recoverRounds(ctx, k, orders) })
	}
	g.Go(func() error {
		s.writes.watchUnpublished(ctx, k.Pending)
		return nil
	})
	g.Go(func() error {
		if err := s.sweep(ctx, k, true); err != nil { // it waits until the gate is open
			return err
		}
		g.Go(func() error { return s.keepSweeping(ctx, k) })
		g.Go(func() error { return k.PublishPending(ctx) })
		g.Go(func() error {
			k.KeepRepublishing(ctx, republishEvery)
			return nil
		})
		return s.deliver(ctx, bus.Chat, bus.Normalise, s.cfg.Normalise, k, atOnce())
	})
	return g.Wait()
}

// awaitLeader waits, where a leader is followed, until there is one to write to: who connects before only fails.
func (s *stack) awaitLeader(ctx context.Context) error {
	for s.follower != nil {
		changed := s.door.Changed()
		if s.door.Standing().State != gate.Shut {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
	return nil
}

func (s *stack) keepSweeping(ctx context.Context, k *normalise.Store) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.sweep(ctx, k, false)
		switch {
		case ctx.Err() != nil:
			return nil
		case fault.Of(err) == fault.Fatal:
			return err
		case err != nil: // the record is away, and will be swept when it is there
			s.log.Warn("sweeping failed; trying again later", "error", err, "pause", sweepEvery)
		}
	}
}

// sweep fills the ledger's holes up to what was settled.
func (s *stack) sweep(ctx context.Context, k *normalise.Store, all bool) error {
	if s.unswept {
		return nil
	}
	c, err := s.bus.ConsumerStatus(ctx, bus.Chat, bus.Normalise)
	if err != nil {
		return err
	}
	filled, err := s.recovery.Reconcile(ctx, k, c.AckFloor, all)
	if errors.Is(err, lock.ErrHeld) { // another worker does it; if it dies, the next run here does
		s.log.Debug("another worker reconciles the ledger")
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweeping: %w", err)
	}
	if filled > 0 {
		s.log.Warn("filled holes in the ledger: they were settled, but not stored", "sequences", filled)
	}
	return nil
}

// aggregate keeps the figures.
func (s *stack) aggregate(ctx context.Context) error {
	if _, err := s.openBus(ctx); err != nil {
		return err
	}
	h, err := s.aggregator(ctx)
	if err != nil {
		return err
	}
	return s.deliver(ctx, bus.Facts, bus.Aggregate, s.cfg.Aggregate, h, inBlocks())
}

func (s *stack) aggregator(ctx context.Context) (*aggregate.Handler, error) {
	figures, err := s.openFigures(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts == nil {
		s.facts, err = aggregate.New(figures, aggregate.Config{Metrics: s.registry, Failpoint: prefixed(s.hook, "aggregate.")})
	}
	return s.facts, err
}

func (s *stack) quarantine(ctx context.Context) error {
	b, err := s.openBus(ctx)
	if err != nil {
		return err
	}
	return b.Quarantine().Run(ctx)
}

// fetchWait is how long a request for messages waits for one. A stop waits for its end, and every command that consumes stops
// at its end; asking four times a second costs nothing that can be measured.
const fetchWait = 250 * time.Millisecond

// gathering is how a batch of a consumer comes to be.
type gathering struct {
	bytes, much        int
	linger, lingerLong time.Duration
}

// atOnce suits who pays for events: what is there is handled. Two megabytes of bundles are some two thousand of them.
func atOnce() gathering { return gathering{bytes: 2 << 20} }

// inBlocks suits ClickHouse, which pays for each insert, and again for merging what it made. Whoever looks at figures may see
// them a second late. A megabyte of facts in half a second is a thousand messages: somebody imports, and looks later.
func inBlocks() gathering {
	return gathering{bytes: 16 << 20, linger: 500 * time.Millisecond, much: 1 << 20, lingerLong: 1500 * time.Millisecond}
}

func (s *stack) deliver(ctx context.Context, stream, name string, c config.Consumer, h consumers.Handler, how gathering) error {
	if s.nats != nil {
		// Whoever held deliveries has died with the server that runs in this process. Without this a start after a crash
		// would wait for the ack wait before it goes on with what was in hand.
		if err := s.bus.Redeliver(ctx, stream, name); err != nil {
			return err
		}
	}
	consumer, err := s.bus.Consumer(ctx, stream, name)
	if err != nil {
		return err
	}
	defer consumer.Close()
	check, moves := s.health.Check("bus for "+name), s.health.Check(name+" progress")
	defer check.Remove() // the component's own check says why it ended
	defer moves.Remove()
	return deliver.Run(ctx, deliver.Config{Name: name, Stream: consumer, Handler: h, Workers: c.Workers,
		Limits: deliver.Limits{Messages: c.Batch, Bytes: how.bytes, Wait: fetchWait},
		Linger: how.linger, LingerLong: how.lingerLong, Much: how.much, AckWait: s.bus.AckWait(), Metrics: s.delivery, Answered: answered(check),
		Progress: s.progressed(moves, name == bus.Normalise), Log: s.log, Hook: prefixed(s.hook, name+".")})
}

// answered reports to a check whether the bus answers for a consumer.
func answered(check *obs.Check) func(error) {
	return func(err error) {
		if err != nil {
			check.Failing("the bus does not answer how far the consumer is: " + err.Error())
			return
		}
		check.OK()
	}
}

// progressed reports to a check whether a consumer settles what it is given. One that writes to Postgres waits while the gate is not
// open, which is the reason to name.
func (s *stack) progressed(check *obs.Check, gated bool) func(error) {
	return func(err error) {
		now := s.door.Standing()
		switch {
		case err == nil:
			check.OK()
		case gated && now.State != gate.Opened:
			check.Waiting(fmt.Sprintf("no message is stored, for the gate is %s: %s", now.State, says(now)))
		default:
			check.Failing(oneLine(err.Error()))
		}
	}
}

// prefixed tells points of two consumers apart.
func prefixed(hook func(string), prefix string) func(string) {
	if hook == nil {
		return nil
	}
	return func(point string) { hook(prefix + point) }
}

// producers of the configured live sources, after the given components; of those that are named, if any are. One that fails
// for good leaves the others alone.
func (s *stack) producers(after, names []string) ([]supervise.Component, error) {
	sources, err := chosen(s.cfg.Sources, names)
	if err != nil {
		return nil, err
	}
	var list []supervise.Component
	for _, src := range sources {
		c, err := s.producer(src)
		if err != nil {
			return nil, err
		}
		c.After = after
		list = append(list, c)
	}
	return list, nil
}

// chosen returns the sources that are named, or all if none is.
func chosen(sources []config.Source, names []string) ([]config.Source, error) {
	if len(names) == 0 {
		return sources, nil
	}
	left := slices.Clone(names)
	var out []config.Source
	for _, src := range sources {
		if slices.Contains(names, src.Name) {
			left = slices.DeleteFunc(left, func(n string) bool { return n == src.Name })
			out = append(out, src)
		}
	}
	if len(left) > 0 {
		return nil, misuse{fmt.Errorf("no source named %s is configured: sources: in the configuration lists them, agrichat sources shows samples",
			strings.Join(left, ", "))}
	}
	return out, nil
}

func (s *stack) producer(src config.Source) (supervise.Component, error) {
	d, err := definition(src.Kind)
	if err != nil {
		return supervise.Component{}, err
	}
	source, err := d.Live(src.Decode)
	if err != nil {
		return supervise.Component{}, misuse{fmt.Errorf("source %s: %w", src.Name, err)}
	}
	return supervise.Component{Name: "source " + src.Name, Run: func(ctx context.Context) error {
		b, err := s.openBus(ctx)
		if err != nil {
			return err
		}
		cursors, err := b.Cursors(ctx)
		if err != nil {
			return err
		}
		_, err = ingest.Run(ctx, ingest.Config{Name: "live/" + src.Name, Source: source, Live: true, Publisher: b, Cursors: cursors,
			Metrics: s.intake, Log: s.log, Hook: prefixed(s.hook, "ingest."),
			Noticed: func(n producers.Notice) { s.noted.add(src.Name, n) }})
		return err
	}}, nil
}

func (s *stack) mux() *http.ServeMux {
	mux := http.NewServeMux()
	obs.Mount(mux, s.health, s.registry)
	return mux
}
