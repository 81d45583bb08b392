package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/obs"
)

// processReport is what the health checks of a running process say, as its /readyz does.
type processReport struct {
	Process string       `json:"process"` // host, process id and a random part
	Ready   bool         `json:"ready"`
	Checks  []obs.Status `json:"checks"`
	Notices []liveNotice `json:"notices,omitempty"` // of its live sources
}

// answerChecks answers other processes that ask for this one's health checks.
func (s *stack) answerChecks(b *bus.Bus) error {
	return b.AnswerChecks(func() ([]byte, error) {
		return json.Marshal(processReport{Process: s.id, Ready: s.health.Ready(), Checks: s.health.Statuses(), Notices: s.noted.list()})
	})
}

// processes asks every process that is connected to the bus for its health checks.
func processes(ctx context.Context, b *bus.Bus) ([]processReport, error) {
	answers, err := b.AskChecks(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]processReport, 0, len(answers))
	for _, a := range answers {
		var r processReport
		if err := json.Unmarshal(a, &r); err != nil { // anybody may answer
			r = processReport{Process: "unknown", Checks: []obs.Status{{Name: "answer", State: obs.Failing, Reason: err.Error()}}}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b processReport) int { return cmp.Compare(a.Process, b.Process) })
	return out, nil
}

// printProcesses writes a row for each check that is not OK, and one for a process of which all are.
func printProcesses(t *table, list []processReport) {
	t.row()
	t.row("PROCESS", "CHECK", "STATE", "REASON")
	for _, p := range list {
		if p.Ready {
			t.row(p.Process, fmt.Sprintf("all %d", len(p.Checks)), obs.OK, "")
			continue
		}
		for _, c := range p.Checks {
			if c.State != obs.OK {
				t.row(p.Process, c.Name, c.State, c.Reason)
			}
		}
	}
}
