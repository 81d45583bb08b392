package bench

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/ingest"
)

// How often the stores are asked for live messages during an import. Latencies are longer then, and so are the lists that are
// asked for.
const (
	probeRows    = 20 * time.Millisecond
	probeFigures = 100 * time.Millisecond
)

// probes are the two stores, as they are asked for live messages.
type probes struct{ rows, figures measure.Probe }

// liveDuringImport measures the live path while a second archive is imported through the same servers and the same workers: as
// long as the import runs, and as long as the live path is measured alone. It returns how many live messages were published.
func (r *env) liveDuringImport(ctx context.Context, stream *bus.Bus, ask probes) (int, error) {
	g, life := errgroup.WithContext(ctx)
	imported := make(chan struct{})
	var p phase
	var m busyLive
	g.Go(func() (err error) {
		defer close(imported)
		p, err = r.importOnce(life, second)
		return err
	})
	g.Go(func() (err error) {
		m, err = r.publishUntil(life, stream, ask, imported)
		return err
	})
	if err := g.Wait(); err != nil {
		return 0, fmt.Errorf("measuring the live path during an import: %w", err)
	}
	r.add("live_import_rate", measured, float64(r.report.Corpora[second].Messages)/p.seconds)
	addBusy(r, "PostgreSQL", "live_import_row", m.rows)
	addBusy(r, "ClickHouse", "live_import_figure", m.figures)
	r.Notify("live during an import: %d messages\n", m.published)
	return m.published, nil
}

// busyLive is what a measurement during an import saw.
type busyLive struct {
	published     int
	rows, figures arrivals
}

// arrivals are the latencies of messages in a store, and the sequences of those that did not come.
type arrivals struct {
	latencies []float64
	missing   []uint64
}

func addBusy(r *env, store, name string, a arrivals) {
	if len(a.missing) > 0 {
		r.problem("%d live messages that were published during an import are not in %s, the first at sequence %d", len(a.missing), store, a.missing[0])
		return
	}
	r.add(name+"_p50", measured, measure.Quantile(a.latencies, 0.5))
	r.add(name+"_p99", measured, measure.Quantile(a.latencies, 0.99))
}

// publishUntil publishes live messages until the import has ended, and for --live at least, and follows each into the stores.
func (r *env) publishUntil(ctx context.Context, stream *bus.Bus, ask probes, imported <-chan struct{}) (m busyLive, err error) {
	watch := measure.NewWatch(stream.Publisher())
	g, life := errgroup.WithContext(ctx)
	publishing, enough := context.WithCancel(life)
	defer enough()
	published := make(chan struct{})
	g.Go(func() error {
		defer close(published)
		res, err := ingest.Run(publishing, ingest.Config{Name: "bench", Live: true, Publisher: watch, Log: slog.New(slog.DiscardHandler),
			Source: &corpus.Live{Run: "during", Rate: r.Rate, Messages: math.MaxInt, Corpus: r.Corpus}})
		m.published = res.Published
		return err
	})
	g.Go(func() error {
		defer enough()
		return waitBoth(life, r.Live, imported)
	})
	follow := func(a *arrivals, every time.Duration, probe measure.Probe) error {
		seen, missing, err := watch.Follow(life, published, every, probe)
		if a.missing = missing; err != nil || len(missing) > 0 {
			return err
		}
		a.latencies, err = watch.Latencies(seen)
		return err
	}
	g.Go(func() error { return follow(&m.rows, probeRows, ask.rows) })
	g.Go(func() error { return follow(&m.figures, probeFigures, ask.figures) })
	err = g.Wait()
	return m, err
}

// waitBoth blocks for a time and until done is closed.
func waitBoth(ctx context.Context, least time.Duration, done <-chan struct{}) error {
	t := time.NewTimer(least)
	defer t.Stop()
	for range 2 {
		select {
		case <-t.C:
		case <-done:
			done = nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// countLive compares what the stores hold with both archives and the live messages.
func (r *env) countLive(ctx context.Context, pool *pgxpool.Pool, db *ch.DB, live int) error {
	rows, err := measure.RowsInPostgres(ctx, pool)
	if err != nil {
		return err
	}
	figures, err := measure.RowsInClickHouse(ctx, db)
	if err != nil {
		return err
	}
	want := uint64(r.report.Corpora[corpus.Telegram].Messages + r.report.Corpora[second].Messages + live)
	if rows.Messages != want || figures.Messages != want {
		r.problem("of %d messages of two archives and of live sources PostgreSQL holds %d, ClickHouse %d", want, rows.Messages, figures.Messages)
	}
	return nil
}
