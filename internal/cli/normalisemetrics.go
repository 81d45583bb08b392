package cli

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers/normalise"
)

// normaliseMetrics counts the transactions of the normaliser.
type normaliseMetrics struct {
	seconds  prometheus.Histogram
	unstored prometheus.Counter
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
	r.MustRegister(m.seconds, m.unstored)
	return m
}

func (m *normaliseMetrics) observe(t normalise.Transaction) {
	m.seconds.Observe(t.Took.Seconds())
	m.unstored.Add(float64(t.Unstored))
}
