package app

import (
	"errors"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

func TestWorkers_reportProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		open, gated bool
		err         error
		want        obs.State
		why         string
	}{
		"settles":                         {true, true, nil, obs.OK, ""},
		"fails":                           {true, true, errors.New("the disk is full"), obs.Failing, "the disk is full"},
		"waits for the gate":              {false, true, errors.New("has not returned"), obs.Waiting, "the gate is shut: the bus has not been asked for orders"},
		"fails, and needs no gate":        {false, false, errors.New("no ClickHouse"), obs.Failing, "no ClickHouse"},
		"settles although a gate is shut": {false, true, nil, obs.OK, ""},
	} {
		health, local := obs.NewHealth(), gate.NewLocal(gate.Config{Alone: true})
		w := &workers{connections: &Connections{gate: &leaderGate{local: local}}}
		if tt.open {
			local.SetDesired(gate.DesiredState{State: gate.Opened})
		}
		w.reportProgress(health.Check("normalise progress"), tt.gated)(tt.err)
		got := health.Statuses()
		if len(got) != 1 || got[0].State != tt.want || !strings.Contains(got[0].Reason, tt.why) || health.Ready() != (tt.want == obs.OK) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
