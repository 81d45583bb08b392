package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.yaml.in/yaml/v3"
)

// bentoMark makes this test program stand in for Bento.
const bentoMark = "BENCH_TEST_BENTO"

// bentoFile is what of its configuration a stand-in understands. Keys that it does not know are refused, as Bento does.
type bentoFile struct {
	Input struct {
		File *struct {
			Paths   []string
			Scanner map[string]any
		}
		NATS *bentoBus `yaml:"nats_jetstream"`
	}
	Output struct {
		NATS *bentoBus `yaml:"nats_jetstream"`
		SQL  *struct {
			Driver, DSN, Table string
			Columns            []string
			Mapping            string         `yaml:"args_mapping"`
			InFlight           int            `yaml:"max_in_flight"`
			Idle               int            `yaml:"conn_max_idle"`
			Batching           map[string]any `yaml:"batching"`
		} `yaml:"sql_insert"`
	}
	HTTP, Logger map[string]any
}

type bentoBus struct {
	URLs                     []string
	Subject, Stream, Durable string
	Deliver                  string
	AckWait                  string `yaml:"ack_wait"`
	Unacked                  int    `yaml:"max_ack_pending"`
	InFlight                 int    `yaml:"max_in_flight"`
}

// TestBentoItself is no test, but a Bento of sixty lines: from a file to a stream, or from a stream to a table.
func TestBentoItself(t *testing.T) {
	if os.Getenv(bentoMark) == "" {
		t.Skip("run as Bento by another test")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	if err := bentoItself(ctx, os.Args[len(os.Args)-1]); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
}

func bentoItself(ctx context.Context, config string) error {
	f, err := os.Open(config)
	if err != nil {
		return err
	}
	defer f.Close()
	var c bentoFile
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil {
		return err
	}
	if c.Input.File != nil {
		return bentoPublishes(ctx, c)
	}
	return bentoInserts(ctx, c)
}

func bentoPublishes(ctx context.Context, c bentoFile) error {
	nc, err := nats.Connect(c.Output.NATS.URLs[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	f, err := os.Open(c.Input.File.Paths[0])
	if err != nil {
		return err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if _, err := js.Publish(ctx, c.Output.NATS.Subject, []byte(s.Text())); err != nil {
			return err
		}
	}
	return nil
}

func bentoInserts(ctx context.Context, c bentoFile) error {
	nc, err := nats.Connect(c.Input.NATS.URLs[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	old, err := nc.JetStream()
	if err != nil {
		return err
	}
	sub, err := old.SubscribeSync(c.Input.NATS.Subject, nats.BindStream(c.Input.NATS.Stream), nats.Durable(c.Input.NATS.Durable), nats.ManualAck())
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, c.Output.SQL.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		var v map[string]any
		if err := json.Unmarshal(m.Data, &v); err != nil {
			return err
		}
		row := make([]any, len(c.Output.SQL.Columns))
		for i, name := range c.Output.SQL.Columns {
			row[i] = v[name]
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(v["sent"]))
		if err != nil {
			return err
		}
		row[1] = at
		if _, err := db.CopyFrom(ctx, pgx.Identifier{c.Output.SQL.Table}, c.Output.SQL.Columns, pgx.CopyFromRows([][]any{row})); err != nil {
			return err
		}
		if err := m.Ack(); err != nil {
			return err
		}
	}
}
