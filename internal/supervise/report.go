package supervise

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/obs"
)

// ToHealth makes an Options.OnChange that keeps a check for each component.
func ToHealth(h *obs.Health) func(Status) {
	return func(s Status) {
		check := h.Check(s.Name)
		switch s.State {
		case Running:
			check.OK()
		case Finished:
			check.Remove() // it has nothing to be ready for
		case Failed:
			check.Failing(s.LastError)
		case Restarting:
			check.Waiting("to be restarted after: " + s.LastError)
		default:
			check.Waiting(string(s.State))
		}
	}
}

// metrics describes the components to prometheus.
type metrics struct {
	supervisor *Supervisor
	state      *prometheus.Desc
	restarts   *prometheus.Desc
}

// Collector gives the states and restarts of the components.
func (s *Supervisor) Collector() prometheus.Collector {
	return metrics{
		supervisor: s,
		state: prometheus.NewDesc("agrichat_component_state", "1 for the state that a component is in.",
			[]string{"component", "state"}, nil),
		restarts: prometheus.NewDesc("agrichat_component_restarts_total", "How often a component was restarted after a failure.",
			[]string{"component"}, nil),
	}
}

// Describe tells prometheus what Collect sends.
func (m metrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.state
	out <- m.restarts
}

// Collect sends to prometheus, which receives until this returns.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	for _, s := range m.supervisor.Statuses() {
		out <- prometheus.MustNewConstMetric(m.state, prometheus.GaugeValue, 1, s.Name, string(s.State))
		out <- prometheus.MustNewConstMetric(m.restarts, prometheus.CounterValue, float64(s.Restarts), s.Name)
	}
}
