package app

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/gate"
)

// storeMetrics counts the transactions of the store.
type storeMetrics struct {
	seconds     prometheus.Histogram
	unstored    prometheus.Counter
	unpublished *prometheus.GaugeVec // without labels, and without a value where no normaliser runs
	oldest      *prometheus.GaugeVec
	replaced    *prometheus.CounterVec
}

func newStoreMetrics(r prometheus.Registerer) *storeMetrics {
	m := &storeMetrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "agrichat_normalise_transaction_seconds", Help: "How long storing a batch took, facts included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
		unstored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "agrichat_normalise_unstored_sequences_total",
			Help: "Sequences of CHAT that were removed from the stream before they were stored; agrichat verify lists them.",
		}),
		replaced: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "agrichat_normalise_replaced_total",
			Help: "How often a database that was put back took a new generation, or a stream that was put back a new incarnation.",
		}, []string{"what"}),
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_normalise_unpublished_" + name, Help: help}, nil)
	}
	m.unpublished = gauge("transactions", "Transactions of the ledger whose facts are not published; NaN while PostgreSQL does not answer")
	m.oldest = gauge("age_seconds", "Age of the oldest transaction whose facts are not published; NaN while PostgreSQL does not answer")
	for _, what := range []string{"generation", "incarnation"} {
		m.replaced.WithLabelValues(what)
	}
	r.MustRegister(m.seconds, m.unstored, m.unpublished, m.oldest, m.replaced)
	return m
}

func (m *storeMetrics) observe(t normalise.Transaction) {
	m.seconds.Observe(t.Took.Seconds())
	m.unstored.Add(float64(t.Unstored))
}

func (m *storeMetrics) replace(what string) { m.replaced.WithLabelValues(what).Inc() }

// unpublishedInterval is how often unpublished transactions are counted, and how long an answer may take.
const unpublishedInterval = 5 * time.Second

// watchUnpublished counts unpublished transactions until ctx ends.
func (m *storeMetrics) watchUnpublished(ctx context.Context, pending func(context.Context) (normalise.Pending, error)) {
	tick := time.NewTicker(unpublishedInterval)
	defer tick.Stop()
	defer m.unpublished.Reset()
	defer m.oldest.Reset()
	for {
		asking, cancel := context.WithTimeout(ctx, unpublishedInterval)
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

// gateMetrics are those of the gate as one process sees it. A controller has the same ones, of the state that it sets; a process
// registers one or the other.
type gateMetrics struct {
	local *gate.Local

	state, reason, token, safe, reply *prometheus.Desc
	transitions                       *prometheus.CounterVec
	paused                            prometheus.Histogram

	mu   sync.Mutex // covers shut
	shut time.Time  // since when the gate is not open; zero: it is
}

func newGateMetrics(r prometheus.Registerer) *gateMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("agrichat_"+name, help, labels, nil)
	}
	m := &gateMetrics{
		state:  desc("gate_state", "Whether the gate is in a state", "state"),
		reason: desc("gate_reason", "Why the gate is shut", "reason"),
		token:  desc("gate_token", "Token of the leader that this process follows"),
		safe:   desc("gate_safe_until_seconds", "Time for which the leader is proved; zero if it is not"),
		reply:  desc("watch_last_event_seconds", "Time since etcd last answered; minus one if it never did"),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agrichat_gate_transitions_total",
			Help: "Changes of the gate, by the reason of a shut one and otherwise by its state"}, []string{"reason"}),
		paused: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "agrichat_gate_paused_seconds",
			Help: "Time from shutting the gate to opening it", Buckets: prometheus.ExponentialBuckets(.01, 2, 18)}),
	}
	r.MustRegister(m.transitions, m.paused)
	return m
}

// watch sets whose metrics these are.
func (m *gateMetrics) watch(local *gate.Local, r prometheus.Registerer) {
	m.local = local
	r.MustRegister(m)
}

// changed is called with every change of the gate, one at a time.
func (m *gateMetrics) changed(from, to gate.Status) {
	if from.State == to.State && from.Reason == to.Reason {
		return
	}
	m.transitions.WithLabelValues(string(reasonLabel(to))).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case to.State != gate.Opened && m.shut.IsZero() && from.State == gate.Opened:
		m.shut = to.Since
	case to.State == gate.Opened && !m.shut.IsZero():
		m.paused.Observe(to.Since.Sub(m.shut).Seconds())
		m.shut = time.Time{}
	}
}

func reasonLabel(s gate.Status) gate.Reason {
	if s.State == gate.Shut {
		return s.Reason
	}
	return gate.Reason(s.State)
}

// Describe implements prometheus.Collector.
func (m *gateMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.state, m.reason, m.token, m.safe, m.reply} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *gateMetrics) Collect(to chan<- prometheus.Metric) {
	now := m.local.Status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, s := range []gate.State{gate.Shut, gate.Recovering, gate.Opened} {
		v := 0.0
		if now.State == s {
			v = 1
		}
		gauge(m.state, v, string(s))
	}
	if now.State == gate.Shut {
		gauge(m.reason, 1, string(now.Reason))
	}
	gauge(m.token, float64(now.Token))
	gauge(m.safe, max(0, time.Until(now.Expires).Seconds()))
	age := -1.0
	if !now.LastReply.IsZero() {
		age = time.Since(now.LastReply).Seconds()
	}
	gauge(m.reply, age)
}
