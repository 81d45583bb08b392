package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

// StatusReport is where the servers are and how far the consumers are. Scripts rely on its names. It contains passwords: it is for
// the user whose servers these are.
type StatusReport struct {
	Data       string               `json:"data"`
	Up         bool                 `json:"up"` // an agrichat runs on the data directory
	HTTP       string               `json:"http,omitempty"`
	Postgres   DSNReport            `json:"postgres"`
	ClickHouse URLReport            `json:"clickhouse"`
	NATS       URLReport            `json:"nats"`
	Streams    []bus.StreamStatus   `json:"streams"`
	Consumers  []bus.ConsumerStatus `json:"consumers"`
	Gate       GateReport           `json:"gate"`
	Sources    []SourceReport       `json:"sources"`
	Processes  []ProcessReport      `json:"processes"`
	Missing    string               `json:"missing,omitempty"` // streams, buckets and consumers that do not exist
}

// DSNReport is where PostgreSQL is.
type DSNReport struct {
	DSN      string `json:"dsn"`
	Embedded bool   `json:"embedded"`
}

// URLReport is where another server is.
type URLReport struct {
	URL      string `json:"url"`
	Embedded bool   `json:"embedded"`
}

// SourceReport is a configured live source.
type SourceReport struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// EmptyStatus is the report where nothing runs.
func EmptyStatus(c config.Config) *StatusReport {
	return &StatusReport{Data: c.Data, Streams: []bus.StreamStatus{}, Consumers: []bus.ConsumerStatus{}, Sources: []SourceReport{}, Processes: []ProcessReport{}}
}

// gateTimeout is how long a status waits for the replies of etcd and of the bucket: longer than both take where they answer.
const gateTimeout = 2 * time.Second

// Addresses are the addresses of the servers, with their passwords.
func (a *App) Addresses() (postgres DSNReport, clickhouse, nats URLReport) {
	return DSNReport{a.servers.postgresDSN(), a.cfg.Postgres.Embedded()}, URLReport{a.servers.clickhouseURL(), a.cfg.ClickHouse.Embedded()},
		URLReport{a.servers.natsURL(), a.cfg.NATS.Embedded()}
}

// Status queries the bus, the gate and all processes.
func (a *App) Status(ctx context.Context) (*StatusReport, error) {
	b, err := a.Bus(ctx)
	if err != nil {
		return nil, err
	}
	st := a.AwaitGate(ctx, gateTimeout, func(st gate.Status) bool { return st.State != gate.Shut || st.Reason != gate.Starting })
	r := &StatusReport{Data: a.cfg.Data, Up: a.Attached(), HTTP: a.Endpoints().HTTP, Gate: NewGateReport(st, a.gate.follower != nil), Sources: []SourceReport{}}
	r.Postgres, r.ClickHouse, r.NATS = a.Addresses()
	for _, src := range a.cfg.Sources {
		r.Sources = append(r.Sources, SourceReport{src.Name, src.Kind})
	}
	if missing := a.Missing(); missing != nil {
		r.Missing = OneLine(missing.Error())
	}
	if r.Streams, r.Consumers, err = b.Status(ctx); err != nil {
		return nil, err
	}
	r.Processes, err = processes(ctx, b)
	return r, err
}

// GateReport is the gate as one process sees it. Scripts rely on its names.
type GateReport struct {
	State     gate.State         `json:"state"`
	Reason    gate.Reason        `json:"reason,omitempty"`
	Detail    string             `json:"detail,omitempty"`
	Followed  bool               `json:"followed"` // a leader is followed
	Leader    string             `json:"leader,omitempty"`
	Address   string             `json:"address,omitempty"`
	Token     uint64             `json:"token"`
	LastReply *float64           `json:"last_word_seconds,omitempty"` // since etcd last answered
	Remaining *float64           `json:"safe_for_seconds,omitempty"`  // until the lease must have been renewed
	Since     *time.Time         `json:"since,omitempty"`
	Hold      *gate.OperatorHold `json:"hand,omitempty"`
}

// NewGateReport makes the report of a status. followed says that a leader is followed.
func NewGateReport(st gate.Status, followed bool) GateReport {
	r := GateReport{State: st.State, Reason: st.Reason, Detail: st.Detail, Followed: followed, Hold: st.Hold, Token: st.Token}
	if !st.Since.IsZero() {
		r.Since = &st.Since
	}
	if !followed {
		return r
	}
	r.Leader, r.Address = st.Leader, st.Address
	if !st.LastReply.IsZero() {
		age := time.Since(st.LastReply).Seconds()
		r.LastReply = &age
	}
	if !st.Expires.IsZero() {
		remaining := time.Until(st.Expires).Seconds()
		r.Remaining = &remaining
	}
	return r
}

// ProcessReport is what the health checks of a running process say, as its /readyz does.
type ProcessReport struct {
	Process string       `json:"process"` // host, process id and a random part
	Ready   bool         `json:"ready"`
	Checks  []obs.Status `json:"checks"`
	Notices []LiveNotice `json:"notices,omitempty"` // of its live sources
}

// processes requests the health checks of every process that is connected to the bus.
func processes(ctx context.Context, b *bus.Bus) ([]ProcessReport, error) {
	answers, err := b.AskChecks(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ProcessReport, 0, len(answers))
	for _, a := range answers {
		var r ProcessReport
		if err := json.Unmarshal(a, &r); err != nil { // anybody may answer
			r = ProcessReport{Process: "unknown", Checks: []obs.Status{{Name: "answer", State: obs.Failing, Reason: err.Error()}}}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b ProcessReport) int { return cmp.Compare(a.Process, b.Process) })
	return out, nil
}
