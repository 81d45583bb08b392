package cli

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers/normalise"
)

// normaliseMetrics counts the transactions of the normaliser.
type normaliseMetrics struct {
	seconds     prometheus.Histogram
	unstored    prometheus.Counter
	unpublished *prometheus.GaugeVec // without labels, and without a value where no normaliser runs
	oldest      *prometheus.GaugeVec
}

func newNormaliseMetrics(r *prometheus.Registry) *normaliseMetrics {
	m := &normaliseMetrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "agrichat_normalise_transaction_seconds", Help: "How long storing a batch took, facts included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
		unstored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "agrichat_normalise_unstored_sequences_total",
			Help: "Sequences of CHAT that were removed from the stream before they were stored; agrichat verify lists them.",
		}),
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_normalise_unpublished_" + name, Help: help}, nil)
	}
	m.unpublished = gauge("transactions", "Transactions of the ledger whose facts are not published; NaN while PostgreSQL does not answer")
	m.oldest = gauge("age_seconds", "Age of the oldest transaction whose facts are not published; NaN while PostgreSQL does not answer")
	r.MustRegister(m.seconds, m.unstored, m.unpublished, m.oldest)
	return m
}

// unpublishedEvery is how often unpublished transactions are counted, and how long an answer may take.
const unpublishedEvery = 5 * time.Second

// watchUnpublished counts unpublished transactions until ctx ends.
func (m *normaliseMetrics) watchUnpublished(ctx context.Context, pending func(context.Context) (normalise.Pending, error)) {
	tick := time.NewTicker(unpublishedEvery)
	defer tick.Stop()
	defer m.unpublished.Reset()
	defer m.oldest.Reset()
	for {
		asking, cancel := context.WithTimeout(ctx, unpublishedEvery)
		p, err := pending(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		transactions, age := float64(p.Transactions), p.Oldest.Seconds()
		if err != nil {
			transactions, age = math.NaN(), math.NaN()
		}
		m.unpublished.WithLabelValues().Set(transactions)
		m.oldest.WithLabelValues().Set(age)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (m *normaliseMetrics) observe(t normalise.Transaction) {
	m.seconds.Observe(t.Took.Seconds())
	m.unstored.Add(float64(t.Unstored))
}
