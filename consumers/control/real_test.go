package control

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
)

// stage is real servers, a controller, and a worker that backfills gaps as soon as it is requested to.
type stage struct {
	t       *testing.T
	etcd    *testenv.EtcdCluster
	orders  *bus.GateStore
	pool    *pgxpool.Pool
	address string
	system  string
	log     *lines

	mu      sync.Mutex // covers all below
	order   gate.DesiredState
	at      uint64
	changed chan struct{}
}

type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.buf.Bytes(), []byte(`"msg":"`+what+`"`))
}

type idle struct{}

func (idle) Pause(context.Context, time.Time) error { return nil }
func (idle) Resume(context.Context) error           { return nil }

func newStage(t *testing.T) *stage {
	t.Helper()
	server, address, pool := record(t)
	s := &stage{t: t, etcd: testenv.Etcd(t, testenv.EtcdConfig{}), pool: pool, address: address, log: &lines{}, changed: make(chan struct{})}
	p, err := server.Probe(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	s.system = p.System
	n := testenv.NATS(t)
	b, err := bus.Connect(t.Context(), bus.Config{URLs: []string{n.URL()}, Options: []nats.Option{nats.InProcessServer(n)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.orders, err = b.GateStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	f, err := patroni.New(patroni.Config{Endpoints: s.etcd.Endpoints(), Scope: "main", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	c, err := New(Config{Cluster: f, Orders: s.orders, Workers: idle{}, Database: server, ID: "here", Namespace: "service", Scope: "main",
		Log: log, Metrics: NewMetrics(reg)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(ctx) })
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() { _ = s.orders.Watch(ctx, s.saw(ctx), func(gate.Report) {}) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("the figures: %v, %v", problems, err)
		}
	})
	return s
}

func (s *stage) saw(ctx context.Context) func(gate.DesiredState, uint64) {
	return func(o gate.DesiredState, revision uint64) {
		if o.State == gate.Recovering {
			if err := s.orders.Report(ctx, gate.Report{Round: o.Round, Token: o.Token}); err != nil && ctx.Err() == nil {
				s.t.Error(err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.order, s.at = o, revision
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// until waits for an order.
func (s *stage) until(state gate.State, reason gate.Reason, token uint64) gate.DesiredState {
	s.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		s.mu.Lock()
		o, changed := s.order, s.changed
		s.mu.Unlock()
		if o.State == state && o.Reason == reason && o.Token == token {
			return o
		}
		select {
		case <-changed:
		case <-limit.C:
			s.t.Fatalf("the order is %+v, want %s %q of token %d; the log:\n%s", o, state, reason, token, s.log.buf.String())
		}
	}
}

func (s *stage) put(key, value string, opts ...clientv3.OpOption) uint64 {
	s.t.Helper()
	got, err := s.etcd.Admin.Put(s.t.Context(), "/service/main/"+key, value, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return uint64(got.Header.Revision)
}

func (s *stage) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// readOnly changes what new connections to the database may do.
func (s *stage) readOnly(on string) {
	s.exec("SET default_transaction_read_only = off")
	s.exec("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = " + on + "'; END $$")
}

func (s *stage) member(name, address string) {
	s.put("members/"+name, fmt.Sprintf(`{"conn_url":"postgres://%s/postgres","state":"running","role":"primary","timeline":1}`, address))
}

func (s *stage) lead(name string) uint64 {
	lease, err := s.etcd.Admin.Grant(s.t.Context(), 60)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.put("leader", name, clientv3.WithLease(lease.ID))
}

func TestWithRealServers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.until(gate.Shut, gate.NoCluster, 0)
	s.put("initialize", s.system)
	s.put("members/pg1", `{"state":"running"}`)
	first := s.lead("pg1")
	s.until(gate.Shut, gate.NoAddress, first)
	s.member("pg1", s.address)
	s.until(gate.Opened, "", first)
	if got := token(t, s.pool); got != int64(first) {
		t.Errorf("the fence is at %d, want %d", got, first)
	}

	s.put("failover", `{"leader":"pg1","member":"pg2"}`)
	s.until(gate.Shut, gate.Switchover, first)
	s.put("failover", `{}`)
	s.until(gate.Opened, "", first)
	s.put("config", `{"ttl":30,"pause":true}`)

	// A leader that takes no writes, while a writer of the old token hangs.
	hung, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Rollback(t.Context(), hung)
	if _, err := hung.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared($1)", int64(pg.WriterLock)); err != nil {
		t.Fatal(err)
	}
	s.readOnly("on")
	second := s.lead("pg1")
	s.until(gate.Shut, gate.NotWritable, second)
	s.readOnly("off")
	if o := s.until(gate.Opened, "", second); o.Detail == "" {
		t.Error("maintenance is not told")
	}
	if err := hung.Commit(t.Context()); err == nil {
		t.Error("the writer that hung has committed under the old token")
	}

	// etcd was made anew, as far as its counting goes.
	s.exec("UPDATE agrichat.fence SET token = 1000000")
	s.until(gate.Shut, gate.TokenBehind, s.lead("pg1"))
	s.exec("UPDATE agrichat.fence SET token = 1")
	third := s.lead("pg1")
	s.until(gate.Opened, "", third)

	s.put("initialize", "7710898555885171044")
	s.until(gate.Shut, gate.OtherCluster, third)
	s.put("initialize", s.system)
	s.until(gate.Opened, "", third)
	if _, err := s.etcd.Admin.Delete(t.Context(), "/service/main/leader"); err != nil {
		t.Fatal(err)
	}
	s.until(gate.Shut, gate.NoLeader, third)
	if opened, told := s.log.count("the gate is open"), s.log.count("a leader takes writes"); opened != 5 || told < 5 {
		t.Errorf("the log tells of %d openings and %d leaders that take writes; the gate was opened 5 times", opened, told)
	}
}
