package aggregate

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	rows    *prometheus.CounterVec
	batches prometheus.Counter
	failed  prometheus.Counter
	poison  prometheus.Counter
	seconds prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agrichat_aggregate_rows_total", Help: "Rows written to ClickHouse, repeated ones included.",
		}, []string{"table"}),
		batches: counter("agrichat_aggregate_batches_total", "Batches of facts written to ClickHouse."),
		failed:  counter("agrichat_aggregate_failures_total", "Batches that ClickHouse did not take; they are tried again."),
		poison:  counter("agrichat_aggregate_unreadable_total", "Messages of the stream of facts that could not be read."),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "agrichat_aggregate_batch_seconds", Help: "Time to write a batch, decoding included.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12), // an fsync, to a server that is choking
		}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.rows, m.batches, m.failed, m.poison, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
