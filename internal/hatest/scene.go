package hatest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/labtest"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/verify"
)

// rate is the load's: what every case must bear at least.
const rate = 500

// Scene is a case on its way: real roles, a load, and whoever looks on.
type Scene struct {
	*labtest.Lab
	*Witness
	Load *Load
	log  *slog.Logger

	bus   *bus.Bus
	acks  *acknowledged
	from  time.Time // what is older belongs to an earlier scene
	began time.Time // of the fault
	marks map[string]time.Time
}

// stage is what makes one case differ from another before it begins.
type stage struct {
	strict  bool
	workers []string // variables of the workers beside the usual ones
	alone   bool     // nobody controls: the gate is off
}

// set makes everything empty and starts the roles again: no case sees what another one left.
func set(ctx context.Context, lab *labtest.Lab, st stage, log *slog.Logger) (*Scene, error) {
	err := lab.WaitHealthy(ctx)
	if err != nil {
		return nil, err
	}
	if err := lab.SetProfile(ctx, st.strict); err != nil {
		return nil, err
	}
	for _, h := range lab.Hosts(labtest.Worker, labtest.Controller, labtest.Figures) {
		for lab.Running(h, h.Role()) {
			if err := lab.Kill(ctx, h, syscall.SIGKILL, h.Role()); err != nil {
				return nil, err
			}
		}
	}
	s := &Scene{Lab: lab, Load: NewLoad(fmt.Sprintf("run-%d", time.Now().UnixNano()), rate), log: log,
		from: time.Now(), marks: map[string]time.Time{}}
	for _, empty := range []func(context.Context) error{s.emptyBus, s.emptyRecord, s.emptyFigures} {
		if err := empty(ctx); err != nil {
			return nil, err
		}
	}
	if s.bus, err = s.fill(ctx); err != nil {
		return nil, err
	}
	for _, h := range lab.Hosts(labtest.Controller, labtest.Worker, labtest.Figures) {
		var env []string
		switch {
		case h.Kind == labtest.Controller && st.alone:
			continue
		case h.Kind == labtest.Worker:
			env = st.workers
		}
		if err := lab.StartRole(ctx, h, append(env, "AGRICHAT_LOG_LEVEL=debug")...); err != nil {
			return nil, err
		}
	}
	for _, h := range lab.Hosts(labtest.Controller, labtest.Worker, labtest.Figures) {
		if h.Kind == labtest.Controller && st.alone {
			continue
		}
		if err := lab.AwaitRole(ctx, h); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Scene) connectBus(ctx context.Context) (*bus.Bus, error) {
	return bus.Connect(ctx, bus.Config{URLs: strings.Split(s.NATSURLs(), ","), User: "agrichat", Password: s.Secrets.Bus, Replicas: 3,
		ChatBytes: 600e6, FactsBytes: 300e6, Timeout: 4 * time.Second, Log: s.log})
}

// fill makes the streams anew. The room that the old ones were promised comes back a moment after they are gone.
func (s *Scene) fill(ctx context.Context) (*bus.Bus, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	b, err := s.connectBus(ctx)
	if err != nil {
		return nil, err
	}
	for {
		if err = b.Ensure(ctx); err == nil || ctx.Err() != nil {
			return b, err
		}
		rest(ctx, 500*time.Millisecond)
	}
}

// emptyBus removes every stream and bucket.
func (s *Scene) emptyBus(ctx context.Context) error {
	nc, err := nats.Connect(s.NATSURLs(), nats.UserInfo("agrichat", s.Secrets.Bus))
	if err != nil {
		return fmt.Errorf("emptying the bus: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("emptying the bus: %w", err)
	}
	var errs []error
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		errs = append(errs, js.DeleteStream(ctx, name))
	}
	return errors.Join(append(errs, names.Err())...)
}

func (s *Scene) emptyRecord(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return fmt.Errorf("emptying the record: %w", err)
	}
	_, err = conn.Exec(ctx, query("empty"))
	return errors.Join(err, conn.Close(ctx))
}

func (s *Scene) emptyFigures(ctx context.Context) error {
	db, err := ch.Open(ctx, ch.Config{URL: s.ClickHouseURL(), Create: true})
	if err != nil {
		return fmt.Errorf("emptying the figures: %w", err)
	}
	return errors.Join(db.Exec(ctx, query("empty.clickhouse")), db.Close())
}

// look connects to the stores for the time that do takes.
func (s *Scene) look(ctx context.Context, do func(*Stores) error) (err error) {
	record, err := pg.Open(ctx, pg.Config{DSN: s.DSN(), Name: "hatest"})
	if err != nil {
		return err
	}
	defer record.Close()
	facts, err := ch.Open(ctx, ch.Config{URL: s.ClickHouseURL()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, facts.Close()) }()
	return do(&Stores{Bus: s.bus, Record: record, Facts: facts})
}

// play runs the load, lets do break something, and returns when all that was said is on the bus and the lab is whole again.
func (s *Scene) play(ctx context.Context, do func(context.Context, *Scene) error) (upTo uint64, err error) {
	quick := backoff.DefaultConfig
	quick.MaxDelay = 200 * time.Millisecond // it is to be seen when etcd is back
	etcd, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(s.EtcdEndpoints(), ","), DialTimeout: 2 * time.Second,
		Logger: zap.NewNop(), DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{Backoff: quick, MinConnectTimeout: time.Second})}})
	if err != nil {
		return 0, fmt.Errorf("connecting to etcd: %w", err)
	}
	s.Witness = newWitness(s.Lab, etcd)
	cursors, err := s.bus.Cursors(ctx)
	if err != nil {
		return 0, err
	}
	s.acks = &acknowledged{Publisher: s.bus.Publisher()}
	var beside sync.WaitGroup
	life, end := context.WithCancel(ctx)
	beside.Go(func() { s.Witness.run(life) })
	var ingested error
	beside.Go(func() {
		_, ingested = ingest.Run(life, ingest.Config{Name: "load", Source: s.Load, Live: true, Publisher: s.acks, Cursors: cursors,
			BackOff: ingest.BackOff{First: 100 * time.Millisecond, Most: time.Second}, StopTimeout: time.Minute, Log: s.log})
	})
	defer func() {
		end()
		beside.Wait()
		err = errors.Join(err, ingested, etcd.Close())
	}()
	if err := s.flowing(ctx, 5*time.Second); err != nil {
		return 0, err
	}
	s.began = time.Now()
	if err := do(ctx, s); err != nil {
		return 0, fmt.Errorf("breaking something: %w", err)
	}
	if err := s.WaitHealthy(ctx); err != nil {
		return 0, err
	}
	s.marks["healthy"] = time.Now()
	if err := s.flowing(ctx, 5*time.Second); err != nil {
		return 0, err
	}
	s.mark("ended")
	return s.Load.End(ctx)
}

// flowing waits until what is said is stored a moment later, for a while.
func (s *Scene) flowing(ctx context.Context, for_ time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var since time.Time
	for {
		st, err := s.bus.Durable(bus.Chat, bus.Normalise).Status(ctx)
		calm := err == nil && st.Lag() < 2*rate && st.Delivered > 0
		switch {
		case !calm:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > for_:
			return nil
		}
		rest(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("waiting until what is said is stored: %w (lag %d, %w)", ctx.Err(), st.Lag(), err)
		}
	}
}

// settle waits until the stores have had everything, and compares them with each other and with the truth.
func (s *Scene) settle(ctx context.Context, upTo uint64, wait time.Duration) (*verify.Report, *verdict, error) {
	var report *verify.Report
	var found *verdict
	err := s.look(ctx, func(st *Stores) (err error) {
		v := &verify.Verifier{Bus: seen{s.bus.Reader(), s.bus}, Postgres: st.Record, ClickHouse: st.Facts}
		if report, err = v.Run(ctx, 0, wait); err != nil {
			return err
		}
		found, err = st.compare(ctx, s.Load, upTo)
		return err
	})
	return report, found, err
}

// seen is the bus as verification sees it.
type seen struct {
	*bus.Reader
	bus *bus.Bus
}

// Facts implements verify.Bus.
func (b seen) Facts(ctx context.Context) (last, stored uint64, err error) {
	st, err := b.bus.Stream(ctx, bus.Facts)
	if err != nil {
		return 0, 0, err
	}
	c, err := b.bus.Durable(bus.Facts, bus.Aggregate).Status(ctx)
	return st.Last, c.AckFloor, err
}

// mark notes when something was done.
func (s *Scene) mark(name string) {
	s.marks[name] = time.Now()
	s.log.Info("scene: "+name, "after", time.Since(s.began).Round(time.Millisecond))
}
