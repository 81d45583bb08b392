package obs

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is how something is.
type State string

// The states. Only OK is ready.
const (
	OK      State = "ok"
	Waiting State = "waiting" // for something that is expected to come: a start, a leader, a source
	Failing State = "failing"
)

// Status is what one check says.
type Status struct {
	Name   string    `json:"name"`
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"` // when the state, not the reason, last changed
}

// Health holds named checks. It is safe for concurrent use, and is itself a collector of metrics.
type Health struct {
	state *prometheus.Desc

	mu     sync.Mutex // covers checks and all that is in them
	checks map[string]*Status
}

// NewHealth makes one without checks, which is not ready: nothing has said yet that it works.
func NewHealth() *Health {
	return &Health{
		checks: map[string]*Status{},
		state: prometheus.NewDesc("agrichat_check_state", "1 for the state that a check of health is in, 0 for the others.",
			[]string{"check", "state"}, nil),
	}
}

// Check is one component's word about itself.
type Check struct {
	health *Health
	name   string
}

// Check returns the check of a name; a new one waits for its first word.
func (h *Health) Check(name string) *Check {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.checks[name]; !known {
		h.checks[name] = &Status{Name: name, State: Waiting, Reason: "has not started yet", Since: time.Now()}
	}
	return &Check{health: h, name: name}
}

// OK says that the component does its work.
func (c *Check) OK() { c.set(OK, "") }

// Waiting says for what the component waits.
func (c *Check) Waiting(reason string) { c.set(Waiting, reason) }

// Failing says what is wrong.
func (c *Check) Failing(reason string) { c.set(Failing, reason) }

// Remove takes the check out, such as when its component has ended as it should.
func (c *Check) Remove() {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	delete(c.health.checks, c.name)
}

func (c *Check) set(s State, reason string) {
	c.health.mu.Lock()
	defer c.health.mu.Unlock()
	old, known := c.health.checks[c.name]
	if known && old.State == s {
		old.Reason = reason
		return
	}
	c.health.checks[c.name] = &Status{Name: c.name, State: s, Reason: reason, Since: time.Now()}
}

// Statuses returns all checks by name, as a copy.
func (h *Health) Statuses() []Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Status, 0, len(h.checks))
	for _, s := range h.checks {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Ready says that there are checks and all are OK.
func (h *Health) Ready() bool {
	list := h.Statuses()
	return len(list) > 0 && !slices.ContainsFunc(list, func(s Status) bool { return s.State != OK })
}

// Describe tells prometheus what Collect sends.
func (h *Health) Describe(out chan<- *prometheus.Desc) { out <- h.state }

// Collect sends every check's state to prometheus, which receives until this returns.
func (h *Health) Collect(out chan<- prometheus.Metric) {
	for _, s := range h.Statuses() {
		for _, state := range []State{OK, Waiting, Failing} {
			value := 0.0
			if s.State == state {
				value = 1
			}
			out <- prometheus.MustNewConstMetric(h.state, prometheus.GaugeValue, value, s.Name, string(state))
		}
	}
}
