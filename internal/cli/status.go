package cli

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
)

// statusReport is where everything is and how far it is. Its names are relied upon by scripts. It holds passwords: it is for
// the user whose servers these are.
type statusReport struct {
	Data       string               `json:"data"`
	Up         bool                 `json:"up"` // an agrichat runs on the data folder
	HTTP       string               `json:"http,omitempty"`
	Postgres   dsnReport            `json:"postgres"`
	ClickHouse urlReport            `json:"clickhouse"`
	NATS       urlReport            `json:"nats"`
	Streams    []bus.StreamStatus   `json:"streams"`
	Consumers  []bus.ConsumerStatus `json:"consumers"`
	Gate       gateReport           `json:"gate"`
	Sources    []liveReport         `json:"sources"`
	Processes  []processReport      `json:"processes"`
	Missing    string               `json:"missing,omitempty"` // streams, buckets and consumers that nobody has created
}

type dsnReport struct {
	DSN      string `json:"dsn"`
	Embedded bool   `json:"embedded"`
}

type urlReport struct {
	URL      string `json:"url"`
	Embedded bool   `json:"embedded"`
}

type liveReport struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Where the servers are, with their passwords, the gate, and how far the consumers are", Args: noArgs,
		Long: "Shows the addresses of the servers as any client takes them, whether an agrichat runs on the data folder, the gate, the\n" +
			"streams of the bus, how much each consumer has before it, and the health checks that are not OK of every process that the\n" +
			"bus reaches, such as a link to a server, and what its live sources note, such as messages that may stand twice. A message of the bus may carry many events of a chat. It prints passwords: mind\n" +
			"who looks on. It starts nothing, creates nothing and locks nothing; where nothing runs it says so, and the exit status is 1.",
		Example: "  # where everything is, and how far\n" +
			"  agrichat status\n\n" +
			"  # the address of PostgreSQL, for psql and others\n" +
			"  agrichat status --output json | jq -r .postgres.dsn\n\n" +
			"  # what waits for each consumer\n" +
			"  agrichat status --output json | jq '.consumers[] | {name, pending, ack_pending}'",
		RunE: func(c *cobra.Command, _ []string) error {
			err := a.within(c.Context(), session{needs: everything(), lazy: true, inspects: true}, func(ctx context.Context, s *stack) error {
				r, err := s.statusReport(ctx)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(r)
				}
				return a.printStatus(r)
			})
			if errors.Is(err, errNothingRuns) && a.output == "json" {
				err = errors.Join(a.printJSON(a.nothingRuns()), err)
			}
			return err
		},
	}
}

// nothingRuns is the report where there is nothing to look at.
func (a *app) nothingRuns() *statusReport {
	r := &statusReport{Streams: []bus.StreamStatus{}, Consumers: []bus.ConsumerStatus{}, Sources: []liveReport{}, Processes: []processReport{}}
	if cfg, _, err := a.config(); err == nil {
		r.Data = cfg.Data
	}
	return r
}

// gateWord is how long status waits for the word of etcd and of the bucket: longer than both take where they answer.
const gateWord = 2 * time.Second

func told(st gate.Standing) bool { return st.State != gate.Shut || st.Reason != gate.Starting }

func (s *stack) statusReport(ctx context.Context) (*statusReport, error) {
	b, err := s.openBus(ctx)
	if err != nil {
		return nil, err
	}
	r := &statusReport{Data: s.cfg.Data, Up: s.joined, HTTP: s.at.HTTP,
		Postgres:   dsnReport{s.recordDSN(), s.cfg.Postgres.Embedded()},
		ClickHouse: urlReport{s.figuresURL(), s.cfg.ClickHouse.Embedded()},
		NATS:       urlReport{s.busURL(), s.cfg.NATS.Embedded()},
		Gate:       reportGate(s.await(ctx, gateWord, told), s.follower != nil),
		Sources:    []liveReport{},
	}
	for _, src := range s.cfg.Sources {
		r.Sources = append(r.Sources, liveReport{src.Name, src.Kind})
	}
	if s.missing != nil {
		r.Missing = oneLine(s.missing.Error())
	}
	if r.Streams, r.Consumers, err = b.Status(ctx); err != nil {
		return nil, err
	}
	r.Processes, err = processes(ctx, b)
	return r, err
}

// busURL is an address of the bus that another program can use.
func (s *stack) busURL() string {
	if s.cfg.NATS.Embedded() {
		return s.at.NATS
	}
	u, err := url.Parse(s.cfg.NATS.URLs[0])
	if err == nil && u.User == nil && s.cfg.NATS.User != "" {
		u.User = url.UserPassword(s.cfg.NATS.User, s.cfg.NATS.Password)
		return u.String()
	}
	return s.cfg.NATS.URLs[0]
}

func (a *app) printStatus(r *statusReport) error {
	t := newTable(a.out)
	t.row("data", r.Data)
	up := "no: the servers below are those of the configuration"
	if r.Up {
		up = "yes"
	}
	t.row("up", up)
	if r.HTTP != "" {
		t.row("http", r.HTTP)
	}
	t.row("postgres", r.Postgres.DSN)
	t.row("clickhouse", r.ClickHouse.URL)
	t.row("nats", r.NATS.URL)
	if r.Missing != "" {
		t.row("missing", r.Missing)
	}
	for _, row := range r.Gate.rows() {
		t.row(row[0], row[1])
	}
	t.row()
	t.row("STREAM", "MESSAGES", "BYTES", "LIMIT", "FIRST", "LAST")
	for _, s := range r.Streams {
		t.row(s.Name, s.Messages, s.Bytes, s.MaxBytes, s.First, s.Last)
	}
	t.row()
	t.row("CONSUMER", "STREAM", "UNPROCESSED", "ACK PENDING", "REDELIVERED", "ACK FLOOR", "PAUSED")
	for _, c := range r.Consumers {
		t.row(c.Name, c.Stream, c.Pending, c.AckPending, c.Redelivered, c.AckFloor, yes(c.Paused))
	}
	printProcesses(t, r.Processes)
	printLiveNotices(t, r.Processes)
	return t.done()
}
