package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/consumers/normalise/recovery"
	"github.com/agrichat/agrichat/internal/app/memlimit"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/supervise"
)

// reconcileInterval is how often the ledger is reconciled while all goes well.
const reconcileInterval = 30 * time.Second

// republishInterval is how often a store that took a new generation is checked for facts to republish.
const republishInterval = time.Second

// workers are the consumers and sources of one process.
type workers struct {
	base
	connections   *Connections
	deliver       *deliver.Metrics
	ingest        *ingest.Metrics
	notices       liveNotices // of live sources
	skipReconcile bool        // tests show what is lost without it
}

func newWorkers(b base, c *Connections, skipReconcile bool) *workers {
	return &workers{base: b, connections: c, deliver: deliver.NewMetrics(b.registry), ingest: ingest.NewMetrics(b.registry),
		skipReconcile: skipReconcile}
}

// consumers of the bus, after the given components.
func (w *workers) consumers(after []string) []supervise.Component {
	nats := w.connections.servers.nats != nil
	return []supervise.Component{
		{Name: "normalise", Run: memlimit.While(nats, w.normalise), After: after, Essential: true},
		{Name: "aggregate", Run: memlimit.While(nats, w.aggregate), After: after, Essential: true},
		{Name: "quarantine", Run: w.quarantine, After: after},
	}
}

// normalise stores what is on the bus: it reconciles at start and from time to time, and handles deliveries.
func (w *workers) normalise(ctx context.Context) error {
	c := w.connections
	if err := c.gate.awaitLeader(ctx); err != nil {
		return err
	}
	store, err := c.Store(ctx)
	if err != nil {
		return err
	}
	b, err := c.Bus(ctx)
	if err != nil {
		return err
	}
	pool, err := c.Postgres(ctx)
	if err != nil {
		return err
	}
	orders, err := b.GateStore(ctx)
	if err != nil {
		return err
	}
	r := &recovery.Recovery{Stream: b.Reader(), Locked: lock.On(pool), Log: w.log}
	g, ctx := errgroup.WithContext(ctx)
	if c.gate.follower != nil {
		g.Go(func() error { return w.recoverEpochs(ctx, r, store, b, orders) })
	}
	g.Go(func() error {
		c.metrics.watchUnpublished(ctx, store.Reports().Pending)
		return nil
	})
	g.Go(func() error {
		if err := w.reconcile(ctx, r, store, b, true); err != nil { // it waits until the gate is open
			return err
		}
		g.Go(func() error { return w.keepReconciling(ctx, r, store, b) })
		g.Go(func() error { return store.Publisher().PublishPending(ctx) })
		g.Go(func() error {
			store.Publisher().KeepRepublishing(ctx, republishInterval)
			return nil
		})
		return w.deliverTo(ctx, b, bus.Chat, bus.Normalise, w.cfg.Normalise, store, immediate())
	})
	return g.Wait()
}

func (w *workers) keepReconciling(ctx context.Context, r *recovery.Recovery, store *normalise.Store, b *bus.Bus) error {
	tick := time.NewTicker(reconcileInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := w.reconcile(ctx, r, store, b, false)
		switch {
		case ctx.Err() != nil:
			return nil
		case fault.Of(err) == fault.Fatal:
			return err
		case err != nil: // PostgreSQL is away; the next run reconciles
			w.log.Warn("reconciling the ledger failed; retrying later", "error", err, "pause", reconcileInterval)
		}
	}
}

// reconcile backfills the ledger's gaps up to what was acknowledged.
func (w *workers) reconcile(ctx context.Context, r *recovery.Recovery, store *normalise.Store, b *bus.Bus, all bool) error {
	if w.skipReconcile {
		return nil
	}
	c, err := b.Durable(bus.Chat, bus.Normalise).Status(ctx)
	if err != nil {
		return err
	}
	filled, err := r.Reconcile(ctx, store, c.AckFloor, all)
	if errors.Is(err, lock.ErrHeld) { // another worker does it; if it dies, the next run here does
		w.log.Debug("another worker reconciles the ledger")
		return nil
	}
	if err != nil {
		return fmt.Errorf("reconciling the ledger: %w", err)
	}
	if filled > 0 {
		w.log.Warn("backfilled gaps in the ledger: their messages were acknowledged, but not stored", "sequences", filled)
	}
	return nil
}

// recoverPause is how long backfilling after a failover pauses after it failed, or found another worker at it.
const recoverPause = 200 * time.Millisecond

// recoverEpochs backfills the ledger's gaps whenever the controller begins an epoch: writers wait until a worker has.
func (w *workers) recoverEpochs(ctx context.Context, r *recovery.Recovery, store *normalise.Store, b *bus.Bus, orders *bus.GateStore) error {
	local := w.connections.gate.local
	var done uint64
	for {
		changed := local.Changed()
		var retry <-chan time.Time
		if now := local.Status(); now.State == gate.Recovering && now.Round != done {
			err := w.recoverEpoch(ctx, r, store, b, orders, now)
			if err == nil {
				done = now.Round
				continue
			}
			if ctx.Err() != nil {
				return nil
			}
			if fault.Of(err) == fault.Fatal { // a person has to act, and would not see endless retries
				return err
			}
			level := slog.LevelWarn
			if errors.Is(err, lock.ErrHeld) {
				level = slog.LevelDebug
			}
			w.log.Log(ctx, level, "backfilling the ledger's gaps failed; retrying", "round", now.Round, "error", err)
			retry = time.After(recoverPause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-retry:
		}
	}
}

func (w *workers) recoverEpoch(ctx context.Context, r *recovery.Recovery, store *normalise.Store, b *bus.Bus, orders *bus.GateStore, now gate.Status) error {
	began := time.Now()
	c, err := b.Durable(bus.Chat, bus.Normalise).Status(ctx)
	if err != nil {
		return err
	}
	filled, err := r.AfterFailover(ctx, store.Through(w.connections.gate.local.Recovery(now.Round)), c.Delivered)
	if err != nil {
		return err
	}
	w.fail.Reach("recovered")
	report := gate.Report{Round: now.Round, Token: now.Token, UpTo: c.Delivered, Filled: filled, Took: time.Since(began).Seconds(), By: w.id}
	if err := orders.Report(ctx, report); err != nil {
		return err
	}
	w.fail.Reach("reported")
	w.log.Info("the ledger has no gaps", "round", report.Round, "token", report.Token, "up_to", report.UpTo, "filled", report.Filled, "took", report.Took)
	return nil
}

// aggregate writes facts to ClickHouse.
func (w *workers) aggregate(ctx context.Context) error {
	b, err := w.connections.Bus(ctx)
	if err != nil {
		return err
	}
	h, err := w.connections.Aggregator(ctx)
	if err != nil {
		return err
	}
	return w.deliverTo(ctx, b, bus.Facts, bus.Aggregate, w.cfg.Aggregate, h, blocks())
}

func (w *workers) quarantine(ctx context.Context) error {
	b, err := w.connections.Bus(ctx)
	if err != nil {
		return err
	}
	return b.Quarantine().Run(ctx)
}

// fetchWait is how long a request for messages waits for one. A stop waits for its end, and every command that consumes stops
// at its end; asking four times a second costs nothing that can be measured.
const fetchWait = 250 * time.Millisecond

// batchPolicy is when a consumer's batch is full.
type batchPolicy struct {
	bytes, highVolume    int
	linger, lingerLonger time.Duration
}

// immediate suits a store that pays for events: what is there is handled. Two megabytes of bundles are some two thousand of them.
func immediate() batchPolicy { return batchPolicy{bytes: 2 << 20} }

// blocks suits ClickHouse, which pays for each insert, and again for merging parts. Statistics may be a second late. A megabyte of
// facts in half a second is a thousand messages: an import, whose statistics are read later.
func blocks() batchPolicy {
	return batchPolicy{bytes: 16 << 20, linger: 500 * time.Millisecond, highVolume: 1 << 20, lingerLonger: 1500 * time.Millisecond}
}

func (w *workers) deliverTo(ctx context.Context, b *bus.Bus, stream, name string, c config.Consumer, h consumers.Handler, p batchPolicy) error {
	if w.connections.servers.nats != nil {
		// Whatever had messages in flight died with the server that runs in this process. Without this a start after a crash would
		// wait for the ack wait before those are delivered again.
		if err := b.Durable(stream, name).Redeliver(ctx); err != nil {
			return err
		}
	}
	consumer, err := b.Consumer(ctx, stream, name)
	if err != nil {
		return err
	}
	defer consumer.Close()
	check, progress := w.health.Check("bus for "+name), w.health.Check(name+" progress")
	defer check.Remove() // the component's own check says why it ended
	defer progress.Remove()
	return deliver.Run(ctx, deliver.Config{Name: name, Stream: consumer, Handler: h, Workers: c.Workers,
		Limits:  deliver.Limits{Messages: c.Batch, Bytes: p.bytes, Wait: fetchWait},
		MaxWait: p.linger, MaxWaitHighVolume: p.lingerLonger, HighVolume: p.highVolume, AckWait: b.AckWait(), Metrics: w.deliver, Answered: reportAnswer(check),
		Progress: w.reportProgress(progress, name == bus.Normalise), Log: w.log, Hook: w.fail.Prefixed(name + ".")})
}

// reportAnswer reports to a check whether the bus answers for a consumer.
func reportAnswer(check *obs.Check) func(error) {
	return func(err error) {
		if err != nil {
			check.Failing("the bus does not answer how far the consumer is: " + err.Error())
			return
		}
		check.OK()
	}
}

// reportProgress reports to a check whether a consumer settles what it is given. One that writes to PostgreSQL waits while the gate
// is not open, which is then the reason to name.
func (w *workers) reportProgress(check *obs.Check, gated bool) func(error) {
	return func(err error) {
		now := w.connections.gate.local.Status()
		switch {
		case err == nil:
			check.OK()
		case gated && now.State != gate.Opened:
			check.Waiting(fmt.Sprintf("no message is stored, for the gate is %s: %s", now.State, GateReason(now)))
		default:
			check.Failing(OneLine(err.Error()))
		}
	}
}

// checks answers requests of other processes for this one's health checks.
func (w *workers) checks() ([]byte, error) {
	return json.Marshal(ProcessReport{Process: w.id, Ready: w.health.Ready(), Checks: w.health.Statuses(), Notices: w.notices.list()})
}
