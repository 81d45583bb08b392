package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/pg"
)

// How often the stores are looked at. ClickHouse reads at least a granule of each part for an answer, so that asking it as often
// as PostgreSQL would be the larger part of its work; its figures may be seconds late.
const (
	postgresInterval   = 5 * time.Millisecond
	clickhouseInterval = 25 * time.Millisecond
)

// liveStep imports the archive with NATS in a process of its own, which shows who uses the processor, and then measures the live
// path of stores that hold it.
func (b *run) liveStep(ctx context.Context) error {
	return b.with(ctx, uses{nats: true, postgres: true, clickhouse: true}, func(ctx context.Context, r *env) error {
		p, err := r.importOnce(ctx, corpus.Telegram)
		if err != nil {
			return err
		}
		n := float64(r.report.Corpora[corpus.Telegram].Messages)
		r.add("apart", measured, n/p.seconds)
		r.add("apart_ours", measured, micro(p.processor.ours, n))
		r.add("apart_nats", measured, micro(p.processor.nats, n))
		r.add("apart_postgres", measured, micro(p.processor.postgres, n))
		r.add("apart_clickhouse", measured, micro(p.processor.clickhouse, n))
		if r.liveMessages() == 0 {
			return nil
		}
		return r.beside(ctx, "up", r.live)
	})
}

// beside runs a command of ours while do runs.
func (r *env) beside(ctx context.Context, command string, do func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	cmd := r.command(ctx, command)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting agrichat %s: %w", command, err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { stop(fmt.Errorf("agrichat %s ended: %w", command, cmp.Or(cmd.Wait(), os.ErrProcessDone))) })
	err := do(ctx)
	stop(nil)
	waiting.Wait()
	return err
}

// polls are the two stores, as they are polled.
type polls struct{ postgres, clickhouse measure.Poll }

// live says something at a steady rate, and sees when it is in the stores. Before that it waits until one message has come
// through: whoever works has then connected to everything.
func (r *env) live(ctx context.Context) (err error) {
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
	look := polls{measure.PollPostgres(pool), measure.PollClickHouse(db)}
	if _, _, err := r.say(ctx, stream, look, "first", 1); err != nil {
		return err
	}
	rows, figures, err := r.say(ctx, stream, look, "steady", r.liveMessages())
	if err != nil {
		return err
	}
	r.add("live_row_p50", measured, measure.Quantile(rows, 0.5))
	r.add("live_row_p99", measured, measure.Quantile(rows, 0.99))
	r.add("live_figure_p50", measured, measure.Quantile(figures, 0.5))
	r.add("live_figure_p99", measured, measure.Quantile(figures, 0.99))
	r.Notify("live: %d messages\n", len(rows))
	during, err := r.liveDuringImport(ctx, stream, probes{measure.ProbePostgres(pool), measure.ProbeClickHouse(db)})
	if err != nil {
		return err
	}
	return r.countLive(ctx, pool, db, 1+len(rows)+during)
}

// say publishes messages, and returns how long after its acknowledgement each was seen in the two stores.
func (r *env) say(ctx context.Context, stream *bus.Bus, look polls, run event.Namespace, n int) (rows, figures []float64, err error) {
	above, err := stream.Reader().LastSequence(ctx)
	if err != nil {
		return nil, nil, err
	}
	watch := measure.NewWatch(stream.Publisher())
	var inRecord, inFigures map[uint64]time.Time
	g, life := errgroup.WithContext(ctx)
	publishing, enough := context.WithCancel(life)
	g.Go(func() error {
		_, err := ingest.Run(publishing, ingest.Config{Name: "bench", Live: true, Publisher: watch, Log: slog.New(slog.DiscardHandler),
			Source: &corpus.Live{Run: run, Rate: r.Rate, Messages: n, Corpus: r.Corpus}})
		return err
	})
	g.Go(func() error {
		defer enough()
		return watch.Acked(life, n)
	})
	g.Go(func() (err error) {
		inRecord, err = measure.Seen(life, above, n, postgresInterval, look.postgres)
		return err
	})
	g.Go(func() (err error) {
		inFigures, err = measure.Seen(life, above, n, clickhouseInterval, look.clickhouse)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, fmt.Errorf("measuring the live path: %w", err)
	}
	rows, err = watch.Latencies(inRecord)
	figures, err2 := watch.Latencies(inFigures)
	return rows, figures, errors.Join(err, err2)
}
