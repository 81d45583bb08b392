package hatest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/labtest"
)

// Case is one kind of bad day.
type Case struct {
	Name string
	What string // in the table
	// Short has it run in these profiles where there is time for a few only.
	Short   []bool
	Workers []string // variables of the workers
	Alone   bool     // without gate and controller
	Only    []bool   // profiles: strict or not; nil: both
	Must    string   // what it must show instead of losing nothing: "lose"; "" or "say"
	Do      func(ctx context.Context, s *Scene) error
	Bounds  Bounds
}

// Bounds are what a case must keep, beside that nothing is lost, doubled, stale or late; zero: none.
type Bounds struct {
	Gap, GapStrict time.Duration // without a commit
	Resumed        time.Duration // commits after etcd is back
	Publish        time.Duration // without an acknowledged publication
	Failover       bool          // the first commit and the filling are bounded
	NoPause        bool          // the gate stays open
	Asleep         bool          // a worker is stopped, and says only afterwards that its gate is shut
}

// What every failover must keep.
const (
	shutWithin   = 100 * time.Millisecond
	firstWithin  = time.Second
	filledWithin = 5 * time.Second
)

// electNATS is what a NATS cluster may take without the leader of a stream: the others wait for four to nine seconds, drawn at
// random, before one of them stands for election, and no setting changes that.
const electNATS = 10 * time.Second

// freezeFor is how long things are frozen or cut off: three times the lease.
const freezeFor = 60 * time.Second

// plain makes a worker that follows no leader: it finds a server that takes writes when it connects, as libraries do.
func plain(more ...string) []string {
	return append([]string{"AGRICHAT_ETCD_ENDPOINTS=", "AGRICHAT_PATRONI_SCOPE="}, more...)
}

// Cases lists all of them.
func Cases() []Case {
	crash := Bounds{Gap: 23 * time.Second, GapStrict: 28 * time.Second, Failover: true}
	after := Bounds{Failover: true}
	both, async, strict := []bool(nil), []bool{false}, []bool{true}
	return append([]Case{
		{Name: "crash", What: "kill -9 of Patroni and PostgreSQL of the leader", Short: async, Do: crashLeader, Bounds: crash},
		{Name: "postgres", What: "kill -9 of PostgreSQL alone", Do: killPostgres, Bounds: after},
		{Name: "switchover", What: "planned switchover", Short: strict, Do: switchover,
			Bounds: Bounds{Gap: 3 * time.Second, GapStrict: 6 * time.Second, Failover: true}},
		{Name: "freeze", What: "the leader's Patroni stopped for 60 s, then woken", Short: async, Do: freeze, Bounds: after},
		{Name: "cut-off", What: "the leader's host cut off from everyone for 60 s", Do: cutOff, Bounds: crash},
		{Name: "no-etcd-for-leader", What: "the leader cut off from etcd alone for 60 s", Do: cutFromEtcd, Bounds: after},
		{Name: "etcd-leader", What: "kill -9 of etcd's leader", Do: killEtcdLeader, Bounds: Bounds{NoPause: true}},
		{Name: "etcd-6s", What: "all of etcd down for 6 s", Short: async, Do: etcdDown(6 * time.Second), Bounds: Bounds{NoPause: true}},
		{Name: "etcd-60s", What: "all of etcd down for 60 s", Do: etcdDown(60 * time.Second), Bounds: Bounds{Resumed: 2 * time.Second}},
		{Name: "nats", What: "kill -9 of the NATS server that leads the stream", Do: killNATS, Bounds: Bounds{Publish: electNATS}},
		{Name: "worker", What: "a worker killed -9 at every step between fetch and ack", Short: async, Only: both, Do: killWorkers},
		{Name: "control", What: "kill -9 of the acting controller during a switchover", Do: killControl},
		{Name: "control-asleep", What: "the acting controller stopped for 40 s during a switchover, then woken", Do: freezeControl},
		{Name: "disk", What: "the leader's disk full", Do: fillDisk},
		{Name: "freeze-ungated", What: "the same freeze, gate and sweep off", Short: async, Only: async, Alone: true, Must: "lose",
			Workers: plain("AGRICHAT_SWEEP=off"), Do: freeze},
		{Name: "freeze-swept", What: "the same freeze, gate off, sweep on", Only: async, Alone: true, Must: "say", Workers: plain(), Do: freeze},
	}, compound()...)
}

// leads returns the leader's host.
func (s *Scene) leads(ctx context.Context) (*labtest.Host, error) {
	h, err := s.Leader(ctx)
	if err == nil && h == nil {
		err = errors.New("there is no leader")
	}
	return h, err
}

func crashLeader(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("crash")
	if err := s.Kill(ctx, h, syscall.SIGKILL, "patroni", "postgres"); err != nil {
		return err
	}
	if _, err := s.AwaitLeader(ctx, h); err != nil {
		return err
	}
	return s.Restart(ctx, h)
}

func killPostgres(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("kill")
	if err := s.Kill(ctx, h, syscall.SIGKILL, "postgres"); err != nil {
		return err
	}
	_, err = s.AwaitLeader(ctx)
	return err
}

// standby returns a server that the leader can hand over to: in the strict profile the synchronous one.
func (s *Scene) standby(ctx context.Context) (*labtest.Host, error) {
	members, err := s.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	var found *labtest.Host
	for _, m := range members {
		if m.Role == "sync_standby" || found == nil && m.Role == "replica" {
			found = s.Host(m.Name)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("none of %v can take over", members)
	}
	return found, nil
}

func switchover(ctx context.Context, s *Scene) error {
	h, err := s.standby(ctx)
	if err != nil {
		return err
	}
	s.mark("switchover")
	return s.Switchover(ctx, h)
}

func freeze(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("freeze")
	if err := s.Freeze(ctx, h, "patroni"); err != nil {
		return err
	}
	rest(ctx, freezeFor)
	s.mark("thaw")
	return s.Thaw(ctx, h, "patroni")
}

func cutOff(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("cut off")
	if err := s.CutOff(ctx, h); err != nil {
		return err
	}
	rest(ctx, freezeFor)
	s.mark("heal")
	return s.Heal(ctx, h)
}

func cutFromEtcd(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("cut off from etcd")
	if err := s.CutOffFrom(ctx, h, s.Hosts(labtest.Etcd)...); err != nil {
		return err
	}
	rest(ctx, freezeFor)
	s.mark("heal")
	return s.Heal(ctx, h)
}

func killEtcdLeader(ctx context.Context, s *Scene) error {
	for _, h := range s.Hosts(labtest.Etcd) {
		leads, err := s.leadsEtcd(ctx, h)
		if err != nil {
			return err
		}
		if !leads {
			continue
		}
		s.mark("kill")
		if err := s.Kill(ctx, h, syscall.SIGKILL, "etcd"); err != nil {
			return err
		}
		rest(ctx, 20*time.Second)
		return s.Restart(ctx, h)
	}
	return errors.New("no member of etcd leads")
}

// etcdDown kills every member and starts them again after a while.
func etcdDown(d time.Duration) func(context.Context, *Scene) error {
	return func(ctx context.Context, s *Scene) error {
		s.mark("kill")
		hosts := s.Hosts(labtest.Etcd)
		if err := all(hosts, func(h *labtest.Host) error { return s.Kill(ctx, h, syscall.SIGKILL, "etcd") }); err != nil {
			return err
		}
		rest(ctx, d)
		if err := all(hosts, func(h *labtest.Host) error { return s.Restart(ctx, h) }); err != nil {
			return err
		}
		if err := s.WaitHealthy(ctx); err != nil {
			return err
		}
		back, err := s.etcdBack(s.began)
		s.marks["etcd"] = back
		return err
	}
}

func all(hosts []*labtest.Host, do func(*labtest.Host) error) error {
	var g errgroup.Group
	for _, h := range hosts {
		g.Go(func() error { return do(h) })
	}
	return g.Wait()
}

func killNATS(ctx context.Context, s *Scene) error {
	name, err := s.streamLeader(ctx)
	if err != nil {
		return err
	}
	h := s.Host(name)
	if h == nil {
		return fmt.Errorf("no host is called %q, which leads the stream", name)
	}
	s.mark("kill")
	if err := s.Kill(ctx, h, syscall.SIGKILL, "nats-server"); err != nil {
		return err
	}
	rest(ctx, 15*time.Second)
	return s.Restart(ctx, h)
}

// steps are the points at which a worker dies: between fetching and acknowledging.
func steps() []string {
	return []string{"normalise.fetched", "committed", "facts", "marked", "normalise.handled", "normalise.acked"}
}

func killWorkers(ctx context.Context, s *Scene) error {
	h := s.Hosts(labtest.Worker)[0]
	for _, point := range steps() {
		s.mark("die at " + point)
		if err := s.Kill(ctx, h, syscall.SIGKILL, h.Role()); err != nil {
			return err
		}
		if err := s.StartRole(ctx, h, "AGRICHAT_DIE_AT="+point+":3", "AGRICHAT_LOG_LEVEL=debug"); err != nil {
			return err
		}
		if err := s.died(ctx, h); err != nil {
			return fmt.Errorf("at %s: %w", point, err)
		}
		if err := s.StartRole(ctx, h, "AGRICHAT_LOG_LEVEL=debug"); err != nil {
			return err
		}
		if err := s.AwaitRole(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// died waits until a role has ended by itself.
func (s *Scene) died(ctx context.Context, h *labtest.Host) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for s.Running(h, h.Role()) {
		if rest(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("%s on %s did not die", h.Role(), h.Name)
		}
	}
	return nil
}

// acting returns the host of the controller that acts.
func (s *Scene) acting(ctx context.Context) (*labtest.Host, error) {
	for _, h := range s.Hosts(labtest.Controller) {
		n, err := figure(ctx, http.DefaultClient, s.RoleURL(h)+"/metrics", "agrichat_gate_acting")
		if err == nil && n == 1 {
			return h, nil
		}
	}
	return nil, errors.New("no controller acts")
}

func killControl(ctx context.Context, s *Scene) error {
	h, err := s.acting(ctx)
	if err != nil {
		return err
	}
	s.mark("kill")
	if err := s.Kill(ctx, h, syscall.SIGKILL, h.Role()); err != nil {
		return err
	}
	if err := switchover(ctx, s); err != nil {
		return err
	}
	rest(ctx, 20*time.Second)
	return s.Restart(ctx, h)
}

func freezeControl(ctx context.Context, s *Scene) error {
	h, err := s.acting(ctx)
	if err != nil {
		return err
	}
	s.mark("freeze")
	if err := s.Freeze(ctx, h, h.Role()); err != nil {
		return err
	}
	if err := switchover(ctx, s); err != nil {
		return err
	}
	rest(ctx, 40*time.Second)
	s.mark("thaw")
	return s.Thaw(ctx, h, h.Role())
}

func fillDisk(ctx context.Context, s *Scene) error {
	h, err := s.leads(ctx)
	if err != nil {
		return err
	}
	s.mark("fill")
	if _, err := s.FillDisk(h); err != nil {
		return err
	}
	rest(ctx, freezeFor)
	s.mark("free")
	return s.FreeDisk(h)
}
