package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/bench"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/pg"
)

// How often the stores are looked at. ClickHouse reads at least a granule of each part for an answer, so that asking it as often
// as PostgreSQL would be the larger part of its work; its figures may be seconds late.
const (
	lookRecord  = 5 * time.Millisecond
	lookFigures = 25 * time.Millisecond
)

// liveStep imports the archive with NATS in a process of its own, which shows who uses the processor, and then measures the live
// path of stores that hold it.
func (b *benching) liveStep(ctx context.Context) error {
	return b.with(ctx, uses{nats: true, postgres: true, clickhouse: true}, func(ctx context.Context, r *rig) error {
		p, err := r.importOnce(ctx, bench.Telegram)
		if err != nil {
			return err
		}
		n := float64(r.report.Corpora[bench.Telegram].Messages)
		r.add("apart", measured, n/p.seconds)
		r.add("apart_ours", measured, micro(p.processor.ours, n))
		r.add("apart_nats", measured, micro(p.processor.nats, n))
		r.add("apart_postgres", measured, micro(p.processor.postgres, n))
		r.add("apart_clickhouse", measured, micro(p.processor.clickhouse, n))
		if r.flags.liveMessages() == 0 {
			return nil
		}
		return r.beside(ctx, "up", r.live)
	})
}

// beside runs a command of ours while do runs.
func (r *rig) beside(ctx context.Context, command string, do func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := r.command(ctx, command)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting agrichat %s: %w", command, err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { stop(fmt.Errorf("agrichat %s ended: %w", command, errOr(cmd.Wait(), os.ErrProcessDone))) })
	err := do(ctx)
	stop(nil)
	waiting.Wait()
	return err
}

// sights are the two stores, as they are looked at.
type sights struct{ record, figures bench.Sight }

// live says something at a steady rate, and sees when it is in the stores. Before that it waits until one message has come
// through: whoever works has then connected to everything.
func (r *rig) live(ctx context.Context) (err error) {
	stream, err := r.openBus(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	pool, err := pg.Open(ctx, pg.Config{DSN: r.postgres.DSN(), MaxConns: 1, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer pool.Close()
	db, err := ch.Open(ctx, ch.Config{URL: r.clickhouse.URL()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	look := sights{bench.RecordSight(pool), bench.FiguresSight(db)}
	if _, _, err := r.say(ctx, stream, look, "first", 1); err != nil {
		return err
	}
	rows, figures, err := r.say(ctx, stream, look, "steady", r.flags.liveMessages())
	if err != nil {
		return err
	}
	r.add("live_row_p50", measured, bench.Quantile(rows, 0.5))
	r.add("live_row_p99", measured, bench.Quantile(rows, 0.99))
	r.add("live_figure_p50", measured, bench.Quantile(figures, 0.5))
	r.add("live_figure_p99", measured, bench.Quantile(figures, 0.99))
	r.app.note("live: %d messages\n", len(rows))
	during, err := r.liveDuringImport(ctx, stream, probes{bench.CommittedProbe(pool), bench.FigureProbe(db)})
	if err != nil {
		return err
	}
	return r.countLive(ctx, pool, db, 1+len(rows)+during)
}

// say publishes messages, and returns how long after its acknowledgement each was seen in the two stores.
func (r *rig) say(ctx context.Context, stream *bus.Bus, look sights, run event.Namespace, n int) (rows, figures []float64, err error) {
	above, err := stream.LastSequence(ctx)
	if err != nil {
		return nil, nil, err
	}
	watch := bench.NewWatch(stream)
	var inRecord, inFigures map[uint64]time.Time
	g, life := errgroup.WithContext(ctx)
	publishing, enough := context.WithCancel(life)
	g.Go(func() error {
		_, err := ingest.Run(publishing, ingest.Config{Name: "bench", Live: true, Publisher: watch, Log: slog.New(slog.DiscardHandler),
			Source: &bench.Live{Run: run, Rate: r.flags.rate, Messages: n, Corpus: r.flags.corpus}})
		return err
	})
	g.Go(func() error {
		defer enough()
		return watch.Acked(life, n)
	})
	g.Go(func() (err error) {
		inRecord, err = bench.Seen(life, above, n, lookRecord, look.record)
		return err
	})
	g.Go(func() (err error) {
		inFigures, err = bench.Seen(life, above, n, lookFigures, look.figures)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, fmt.Errorf("measuring the live path: %w", err)
	}
	rows, err = watch.Latencies(inRecord)
	figures, err2 := watch.Latencies(inFigures)
	return rows, figures, errors.Join(err, err2)
}
