package control

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// Metrics are the metrics of the gate. They outlive the controller, which may be started again; nil keeps none.
type Metrics struct {
	state       *prometheus.GaugeVec
	reason      *prometheus.GaugeVec
	token       prometheus.Gauge
	transitions *prometheus.CounterVec
	pauses      prometheus.Histogram
	toCommit    prometheus.Histogram
	toOpen      prometheus.Histogram
	acting      prometheus.Gauge
	maintenance prometheus.Gauge
	regressions prometheus.Counter

	status atomic.Pointer[func() patroni.Status]
}

// NewMetrics registers the metrics of the gate.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "agrichat_gate_" + name, Help: help})
	}
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "agrichat_gate_" + name, Help: help,
			Buckets: prometheus.ExponentialBuckets(.01, 2, 18)})
	}
	m := &Metrics{
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_gate_state",
			Help: "Whether the gate is in a state"}, []string{"state"}),
		reason: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_gate_reason",
			Help: "Whether the gate is shut for a reason"}, []string{"reason"}),
		token: gauge("token", "Token of the leader that the gate's order is for"),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agrichat_gate_transitions_total",
			Help: "Changes of the gate, by the reason of a shut one and otherwise by its state"}, []string{"reason"}),
		pauses:      histogram("paused_seconds", "Time from shutting the gate to opening it"),
		toCommit:    histogram("writable_to_first_commit_seconds", "Time from a leader's first word that it takes writes to the commit of its token"),
		toOpen:      histogram("writable_to_open_seconds", "Time from a leader's first word that it takes writes to the open gate"),
		acting:      gauge("acting", "Whether this process controls the gate"),
		maintenance: gauge("maintenance", "Whether Patroni is in maintenance and nobody takes over a lost leader"),
		regressions: prometheus.NewCounter(prometheus.CounterOpts{Name: "agrichat_gate_epoch_regressions_total",
			Help: "Leaders whose token was below what the database had seen"}),
	}
	reg.MustRegister(m.state, m.reason, m.token, m.transitions, m.pauses, m.toCommit, m.toOpen, m.acting, m.maintenance, m.regressions,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "agrichat_gate_safe_until_seconds",
			Help: "Time for which the leader is proved; zero if it is not"}, m.safe),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "agrichat_watch_last_event_seconds",
			Help: "Time since etcd last answered; minus one if it never did"}, m.silence))
	return m
}

// follow says of which cluster the times are.
func (m *Metrics) follow(c Cluster) {
	if m == nil {
		return
	}
	status := c.Status
	m.status.Store(&status)
}

func (m *Metrics) safe() float64 {
	if status := m.status.Load(); status != nil {
		if until := (*status)().Expires; !until.IsZero() {
			return max(0, time.Until(until).Seconds())
		}
	}
	return 0
}

func (m *Metrics) silence() float64 {
	if status := m.status.Load(); status != nil {
		if word := (*status)().LastReply; !word.IsZero() {
			return max(0, time.Since(word).Seconds())
		}
	}
	return -1
}

// order exports the desired state. Every state and reason has a series, so that a graph has no gaps.
func (m *Metrics) order(o gate.DesiredState) {
	if m == nil {
		return
	}
	for _, s := range []gate.State{gate.Shut, gate.Recovering, gate.Opened} {
		m.state.WithLabelValues(string(s)).Set(number(o.State == s))
	}
	for _, reason := range []gate.Reason{
		gate.Starting, gate.ByHand, gate.Switchover, gate.NoLeader, gate.NewLeader, gate.NotWritable, gate.Unproved, gate.NoCluster,
		gate.NoAddress, gate.OtherCluster, gate.OlderTimeline, gate.TokenBehind, gate.EtcdRefuses, gate.DatabaseRefuses,
	} {
		m.reason.WithLabelValues(string(reason)).Set(number(o.State == gate.Shut && o.Reason == reason))
	}
	m.token.Set(float64(o.Token))
}

func (m *Metrics) moved(o gate.DesiredState) {
	if m == nil {
		return
	}
	reason := string(o.State)
	if o.State == gate.Shut {
		reason = string(o.Reason)
	}
	m.transitions.WithLabelValues(reason).Inc()
}

func (m *Metrics) paused(d time.Duration) {
	if m != nil {
		m.pauses.Observe(max(0, d.Seconds())) // the times may be of two hosts' clocks
	}
}

func (m *Metrics) committed(d time.Duration) {
	if m != nil {
		m.toCommit.Observe(d.Seconds())
	}
}

func (m *Metrics) opened(d time.Duration) {
	if m != nil {
		m.toOpen.Observe(d.Seconds())
	}
}

func (m *Metrics) acts(acting bool) {
	if m != nil {
		m.acting.Set(number(acting))
	}
}

func (m *Metrics) maintained(paused bool) {
	if m != nil {
		m.maintenance.Set(number(paused))
	}
}

func (m *Metrics) regressed() {
	if m != nil {
		m.regressions.Inc()
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
