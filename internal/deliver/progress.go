package deliver

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// stalledAfter is how long a consumer may settle nothing, while its handler fails or does not return, before that is reported:
// longer than a restart of a server or the election of a leader takes.
const stalledAfter = time.Minute

var errNotReturned = errors.New("the handler has not returned")

// progress knows since when a consumer has settled nothing although it has something to settle.
type progress struct {
	mu     sync.Mutex // covers all below
	since  time.Time  // start of the first call, or of the first failure, after the last settled message; zero: there is none
	err    error      // last failure since; nil: there is none
	failed time.Time  // when it was
	calls  int        // of the handler, under way
}

// begin notes the start of a call of the handler; end its end.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.since.IsZero() {
		p.since = time.Now()
	}
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls--
	if p.calls == 0 && p.err == nil {
		p.since = time.Time{}
	}
}

// fail notes why messages will be delivered again.
func (p *progress) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.failed = err, time.Now()
	if p.since.IsZero() {
		p.since = p.failed
	}
}

// settled notes that messages were acknowledged, stored or dead-lettered.
func (p *progress) settled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
}

func (p *progress) reset() {
	p.since, p.err = time.Time{}, nil
	if p.calls > 0 {
		p.since = time.Now()
	}
}

// stalled returns why nothing has been settled for stalledAfter; nil if something has, or there was nothing to settle: nothing
// is pending, or what failed here went to another worker.
func (p *progress) stalled(pending bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == 0 && (!pending || time.Since(p.failed) > stalledAfter) {
		p.reset()
	}
	if p.since.IsZero() || time.Since(p.since) < stalledAfter {
		return nil
	}
	err := p.err
	if err == nil {
		err = errNotReturned
	}
	return fmt.Errorf("no message has been stored or dead-lettered for over %s: %w", stalledAfter, err)
}

// duration is how long nothing has been settled.
func (p *progress) duration() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		return 0
	}
	return time.Since(p.since)
}

// stalls is a collector of how long each consumer has settled nothing, computed when it is read.
type stalls struct {
	desc *prometheus.Desc

	mu sync.Mutex // covers of
	of map[string]*progress
}

func newStalls(name string, labels []string) *stalls {
	return &stalls{of: map[string]*progress{}, desc: prometheus.NewDesc(name,
		"Time for which the handler has failed or not returned and no message has been settled; zero while messages are settled or none comes",
		labels, nil)}
}

// Describe implements prometheus.Collector.
func (s *stalls) Describe(out chan<- *prometheus.Desc) { out <- s.desc }

// Collect implements prometheus.Collector.
func (s *stalls) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for consumer, p := range s.of {
		out <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, p.duration().Seconds(), consumer)
	}
}

// watchProgress makes the metric follow a consumer until unwatch.
func (m *Metrics) watchProgress(consumer string, p *progress) (unwatch func()) {
	if m == nil {
		return func() {}
	}
	m.stalled.mu.Lock()
	defer m.stalled.mu.Unlock()
	m.stalled.of[consumer] = p
	return func() {
		m.stalled.mu.Lock()
		defer m.stalled.mu.Unlock()
		delete(m.stalled.of, consumer)
	}
}
