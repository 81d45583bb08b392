package deliver

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/fault"
)

// Metrics are the figures of all consumers of a process.
type Metrics struct {
	messages    *prometheus.CounterVec
	redelivered *prometheus.CounterVec
	dead        *prometheus.CounterVec
	failures    *prometheus.CounterVec
	batch       *prometheus.HistogramVec
	seconds     *prometheus.HistogramVec
	inHand      *prometheus.GaugeVec
	lagMessages *prometheus.GaugeVec
	lagSeconds  *prometheus.GaugeVec
	answers     *answers
	stalled     *stalls
}

// NewMetrics registers the figures of all consumers of a process.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	const space = "agrichat_deliver_"
	label := []string{"consumer"}
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: space + name, Help: help}, append(label, more...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: space + name, Help: help}, label)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: space + name, Help: help, Buckets: buckets}, label)
	}
	m := &Metrics{
		messages:    counter("messages_total", "Messages settled, by how", "outcome"),
		redelivered: counter("redeliveries_total", "Messages fetched that had been delivered before"),
		dead:        counter("dead_letters_total", "Messages dead-lettered"),
		failures:    counter("failures_total", "Calls of the handler that failed, by class of error", "class"),
		batch:       histogram("batch_messages", "Messages in a call of the handler", prometheus.ExponentialBuckets(1, 2, 13)),
		seconds:     histogram("handle_seconds", "Duration of a call of the handler", prometheus.ExponentialBuckets(.001, 2, 16)),
		inHand:      gauge("in_hand_messages", "Messages fetched and not settled, when last fetched"),
		lagMessages: gauge("lag_messages", "Messages of the stream that are not settled; NaN while the server does not answer"),
		lagSeconds:  gauge("lag_seconds", "Age of the oldest message that is not settled; NaN while the server does not answer"),
		answers: &answers{last: map[string]time.Time{}, age: prometheus.NewDesc(space+"lag_answer_age_seconds",
			"Time since the server last answered how far the consumer is behind", label, nil)},
		stalled: newStalls(space+"stalled_seconds", label),
	}
	reg.MustRegister(m.messages, m.redelivered, m.dead, m.failures, m.batch, m.seconds, m.inHand, m.lagMessages, m.lagSeconds, m.answers, m.stalled)
	return m
}

func (m *Metrics) fetched(consumer string, msgs []Message, inHand int) {
	if m == nil {
		return
	}
	again := 0
	for i := range msgs {
		if msgs[i].Attempts > 1 {
			again++
		}
	}
	m.redelivered.WithLabelValues(consumer).Add(float64(again))
	m.inHand.WithLabelValues(consumer).Set(float64(inHand))
}

func (m *Metrics) handled(consumer string, n int, took time.Duration, err error) {
	if m == nil {
		return
	}
	m.batch.WithLabelValues(consumer).Observe(float64(n))
	m.seconds.WithLabelValues(consumer).Observe(took.Seconds())
	if err != nil {
		m.failures.WithLabelValues(consumer, fault.Of(err).String()).Inc()
	}
}

func (m *Metrics) settled(consumer, outcome string, n int) {
	if m == nil {
		return
	}
	m.messages.WithLabelValues(consumer, outcome).Add(float64(n))
	if outcome == "dead" {
		m.dead.WithLabelValues(consumer).Add(float64(n))
	}
}

func (m *Metrics) lag(consumer string, l Lag, err error) {
	if m == nil {
		return
	}
	messages, seconds := float64(l.Pending+l.AckPending), l.Age.Seconds()
	if err != nil {
		messages, seconds = math.NaN(), math.NaN()
	}
	m.lagMessages.WithLabelValues(consumer).Set(messages)
	m.lagSeconds.WithLabelValues(consumer).Set(seconds)
	m.answers.note(consumer, err == nil)
}

// lagEnds removes the lag of a consumer that no longer runs here.
func (m *Metrics) lagEnds(consumer string) {
	if m == nil {
		return
	}
	m.lagMessages.DeleteLabelValues(consumer)
	m.lagSeconds.DeleteLabelValues(consumer)
	m.answers.remove(consumer)
}

// answers is a collector of how old the last answer about each consumer is, computed when it is read.
type answers struct {
	age *prometheus.Desc

	mu   sync.Mutex // covers last
	last map[string]time.Time
}

// note counts from the first request where there was no answer yet.
func (a *answers) note(consumer string, answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.last[consumer]; answered || !known {
		a.last[consumer] = time.Now()
	}
}

func (a *answers) remove(consumer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.last, consumer)
}

// Describe implements prometheus.Collector.
func (a *answers) Describe(out chan<- *prometheus.Desc) { out <- a.age }

// Collect implements prometheus.Collector.
func (a *answers) Collect(out chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for consumer, at := range a.last {
		out <- prometheus.MustNewConstMetric(a.age, prometheus.GaugeValue, time.Since(at).Seconds(), consumer)
	}
}
