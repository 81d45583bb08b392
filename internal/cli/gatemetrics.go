package cli

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/gate"
)

// passages are the figures of the gate as one process sees it. A controller has the same ones, of the order that it gives; a
// process keeps one or the other.
type passages struct {
	door *gate.Door

	state, reason, token, safe, word *prometheus.Desc
	transitions                      *prometheus.CounterVec
	paused                           prometheus.Histogram

	mu   sync.Mutex // covers shut
	shut time.Time  // since when the gate is not open; zero: it is
}

func newPassages(r *prometheus.Registry) *passages {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("agrichat_"+name, help, labels, nil)
	}
	p := &passages{
		state:  desc("gate_state", "Whether the gate is in a state", "state"),
		reason: desc("gate_reason", "Why the gate is shut", "reason"),
		token:  desc("gate_token", "Token of the leader that this process follows"),
		safe:   desc("gate_safe_until_seconds", "Time for which the leader is proved; zero if it is not"),
		word:   desc("watch_last_event_seconds", "Time since etcd last answered; minus one if it never did"),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "agrichat_gate_transitions_total",
			Help: "Changes of the gate, by the reason of a shut one and otherwise by its state"}, []string{"reason"}),
		paused: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "agrichat_gate_paused_seconds",
			Help: "Time from shutting the gate to opening it", Buckets: prometheus.ExponentialBuckets(.01, 2, 18)}),
	}
	r.MustRegister(p.transitions, p.paused)
	return p
}

// watch says whose figures these are.
func (p *passages) watch(d *gate.Door, r *prometheus.Registry) {
	p.door = d
	r.MustRegister(p)
}

// changed is told of every change of the door, one at a time.
func (p *passages) changed(from, to gate.Standing) {
	if from.State == to.State && from.Reason == to.Reason {
		return
	}
	p.transitions.WithLabelValues(string(label(to))).Inc()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case to.State != gate.Opened && p.shut.IsZero() && from.State == gate.Opened:
		p.shut = to.Since
	case to.State == gate.Opened && !p.shut.IsZero():
		p.paused.Observe(to.Since.Sub(p.shut).Seconds())
		p.shut = time.Time{}
	}
}

func label(s gate.Standing) gate.Reason {
	if s.State == gate.Shut {
		return s.Reason
	}
	return gate.Reason(s.State)
}

// Describe implements prometheus.Collector.
func (p *passages) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.state, p.reason, p.token, p.safe, p.word} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (p *passages) Collect(to chan<- prometheus.Metric) {
	now := p.door.Standing()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, s := range []gate.State{gate.Shut, gate.Recovering, gate.Opened} {
		v := 0.0
		if now.State == s {
			v = 1
		}
		gauge(p.state, v, string(s))
	}
	if now.State == gate.Shut {
		gauge(p.reason, 1, string(now.Reason))
	}
	gauge(p.token, float64(now.Token))
	gauge(p.safe, max(0, time.Until(now.Until).Seconds()))
	word := -1.0
	if !now.Word.IsZero() {
		word = time.Since(now.Word).Seconds()
	}
	gauge(p.word, word)
}
