package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/producers"
)

// NewMetrics registers the figures of all sources of a process.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	label := []string{"source"}
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agrichat_ingest_" + name, Help: help}, append(label, more...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_ingest_" + name, Help: help}, label)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "agrichat_ingest_" + name, Help: help, Buckets: buckets}, label)
	}
	m := &Metrics{
		records:   counter("records_total", "Records of input read, by how they were understood", "outcome"),
		events:    counter("events_total", "Events by what became of them", "outcome"),
		publish:   histogram("publish_seconds", "From sending a batch to its acknowledgement", prometheus.ExponentialBuckets(.001, 2, 15)),
		batch:     histogram("batch_events", "Events in an acknowledged batch", prometheus.ExponentialBuckets(1, 2, 11)),
		throttled: gauge("waiting", "1 while the source waits, for consumers, for space or for its next attempt"),
		connected: gauge("connected", "1 while the source has a session"),
		failures:  counter("failures_total", "Sessions that broke"),
		waited:    counter("throttled_seconds_total", "Time an importer was told to wait"),
		notices:   counter("notices_total", "Records of live sources of which something was assumed or doubtful, by the code of the notice", "code"),
	}
	reg.MustRegister(m.records, m.events, m.publish, m.batch, m.throttled, m.connected, m.failures, m.waited, m.notices)
	return m
}

func (m *Metrics) took(source string, c producers.Counts, known int) {
	if m == nil {
		return
	}
	m.records.WithLabelValues(source, "read").Add(float64(c.Read))
	m.records.WithLabelValues(source, "unparsed").Add(float64(c.Unparsed))
	m.records.WithLabelValues(source, "ambiguous").Add(float64(c.Ambiguous))
	m.events.WithLabelValues(source, "known").Add(float64(known))
}

func (m *Metrics) noticed(source string, n producers.Notice) {
	if m != nil {
		m.notices.WithLabelValues(source, n.Code).Add(float64(n.Count))
	}
}

func (m *Metrics) published(source string, n int, took time.Duration) {
	if m == nil {
		return
	}
	m.events.WithLabelValues(source, "published").Add(float64(n))
	m.publish.WithLabelValues(source).Observe(took.Seconds())
	m.batch.WithLabelValues(source).Observe(float64(n))
}

func (m *Metrics) failed(source string) {
	if m != nil {
		m.failures.WithLabelValues(source).Inc()
	}
}

func (m *Metrics) throttle(source string, d time.Duration) {
	if m != nil {
		m.waited.WithLabelValues(source).Add(d.Seconds())
	}
}

func (m *Metrics) state(source string, s State) {
	if m == nil {
		return
	}
	m.connected.WithLabelValues(source).Set(truth(s == Reading))
	m.throttled.WithLabelValues(source).Set(truth(s == Waiting))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
