// Package aggregate writes the facts that the store publishes into ClickHouse.
//
// It promises that a delivery that was handled is in ClickHouse, whole; that handling it is idempotent, in another batch, later than a
// newer one or concurrently with another process; and that it adds and subtracts nothing: a row is the full state of a thing, and
// ClickHouse keeps the highest version. It retries nothing; internal/deliver does.
package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// Inserter is what the handler needs of ClickHouse: ch.DB.
type Inserter interface {
	// Insert writes one block as a whole or not at all. It is called by several goroutines at once, and must not keep the
	// columns after it returns.
	Insert(ctx context.Context, sql, token string, columns []ch.Column) error
}

// Config says how to write.
type Config struct {
	// Metrics counts what is written; a nil registerer counts into the void.
	Metrics prometheus.Registerer
	// Failpoint, if set, is called at "inserted", after each block: where tests kill the process. A batch has blocks of
	// several tables, and between two of them ClickHouse holds half of it.
	Failpoint func(point string)
}

// Handler writes facts into ClickHouse.
type Handler struct {
	db      Inserter
	metrics *metrics
	hook    func(point string)

	mu   sync.Mutex // covers pool
	pool []*rows    // emptied buffers: as many as batches were handled at once
}

var _ consumers.Handler = (*Handler)(nil)

// New returns a handler that writes to db. It fails if the metrics are registered already.
func New(db Inserter, cfg Config) (*Handler, error) {
	m, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of the aggregator: %w", err)
	}
	if cfg.Failpoint == nil {
		cfg.Failpoint = func(string) {}
	}
	return &Handler{db: db, metrics: m, hook: cfg.Failpoint}, nil
}

// Handle writes the facts of a batch. What cannot be decoded is named in a *consumers.PartialError as poison, and the rest
// is written; after an error of ClickHouse nothing may be. What a newer program wrote is readable for another one:
// then the batch is left as it is, and the error is fatal.
func (h *Handler) Handle(ctx context.Context, batch []consumers.Delivery) error {
	start := time.Now()
	rows := h.getRows()
	defer h.putRows(rows)
	failed, err := rows.decode(batch)
	if err != nil {
		return err
	}
	for _, b := range rows.blocks() {
		if err := h.db.Insert(ctx, b.sql, b.token(rows.republishID), b.columns()); err != nil {
			h.metrics.failed.Inc()
			return fmt.Errorf("inserting %d rows into %s: %w", b.rows(), b.table, err)
		}
		h.metrics.rows.WithLabelValues(string(b.table)).Add(float64(b.rows()))
		h.hook("inserted")
	}
	h.metrics.batches.Inc()
	h.metrics.seconds.Observe(time.Since(start).Seconds())
	if len(failed) > 0 {
		h.metrics.poison.Add(float64(len(failed)))
		return &consumers.PartialError{Failed: failed}
	}
	return nil
}

func (h *Handler) getRows() *rows {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.pool)
	if n == 0 {
		return newRows()
	}
	last := h.pool[n-1]
	h.pool = h.pool[:n-1]
	return last
}

// putRows keeps the buffers of rows for the next batch. A sync.Pool may lose them: two garbage collections between two batches, half a
// second from each other, empty one.
func (h *Handler) putRows(r *rows) {
	r.empty()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pool = append(h.pool, r)
}

// decode adds a batch to the rows, and returns what failed. A delivery that is wrong in any part adds no row. If one is of a newer form
// the whole batch fails.
func (r *rows) decode(batch []consumers.Delivery) (map[int]error, error) {
	failed := make(map[int]error)
	for i := range batch {
		facts, err := r.reader.Read(batch[i].Data)
		if errors.Is(err, fact.ErrNewer) {
			return nil, fault.AsFatal(fmt.Errorf("reading the facts at sequence %d: %w", batch[i].Sequence, err))
		}
		if err == nil {
			err = r.add(facts)
		}
		if err != nil {
			failed[i] = fault.AsPoison(fmt.Errorf("reading the facts at sequence %d: %w", batch[i].Sequence, err))
		}
	}
	return failed, nil
}
