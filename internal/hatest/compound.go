package hatest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"syscall"
	"time"

	"github.com/agrichat/agrichat/internal/labtest"
)

// What a lost link may cost while others have it.
const (
	handoverWithin = 15 * time.Second // another controller has the lease and the gate is open
	moveWithin     = 10 * time.Second // a client of a NATS server that is cut off publishes through another one
	cutFor         = 30 * time.Second // twice as long as either takes
)

// The network of the case slow-network.
const (
	roundTrip = 200 * time.Millisecond
	lossShare = 5 // percent, each way
)

// compound lists faults of links, faults that come together, and faults that come again and again.
func compound() []Case {
	async := []bool{false}
	return []Case{
		{Name: "control-cut", What: "the acting controller cut off from PostgreSQL for 30 s, and a switchover", Short: async, Only: async,
			Do: cutControl, Bounds: Bounds{Gap: handoverWithin + 3*time.Second}},
		{Name: "nats-isolated", What: "a NATS server cut off from its peers, not from its clients, for 30 s", Only: async,
			Do: isolateNATS, Bounds: Bounds{Publish: moveWithin}},
		{Name: "worker-cut", What: "a worker cut off from PostgreSQL for 30 s, and a switchover", Only: async, Do: cutWorker,
			Bounds: Bounds{Gap: handoverWithin}},
		{Name: "nats-and-postgres", What: "kill -9 of the NATS server that leads the stream and of the leader's Patroni and PostgreSQL", Only: async,
			Do: killNATSAndLeader, Bounds: Bounds{Gap: 35 * time.Second, Publish: electNATS}},
		{Name: "worker-and-control-asleep", What: "a worker and the acting controller stopped over a failover, then woken", Only: async,
			Do: freezeOverFailover, Bounds: Bounds{Gap: 40 * time.Second, Asleep: true}},
		{Name: "ten-switchovers", What: "ten switchovers, one after the other", Only: async, Do: tenSwitchovers,
			Bounds: Bounds{Gap: handoverWithin}},
		{Name: "everything", What: "kill -9 of every process of every host at once", Do: killEverything},
		{Name: "quorum", What: "two of three members of etcd and of NATS down for 30 s", Only: async, Do: loseQuorum},
		{Name: "slow-network", What: "200 ms a round trip and 5 % loss on every link, and the leader killed", Only: async, Do: slowNetwork},
	}
}

func cutControl(ctx context.Context, s *Scene) error {
	h, err := s.acting(ctx)
	if err != nil {
		return err
	}
	return s.cutOver(ctx, h, labtest.Postgres)
}

func cutWorker(ctx context.Context, s *Scene) error {
	return s.cutOver(ctx, s.Hosts(labtest.Worker)[0], labtest.Postgres)
}

// cutOver cuts a host off from all servers of a kind and switches over.
func (s *Scene) cutOver(ctx context.Context, h *labtest.Host, from labtest.Kind) error {
	s.mark("cut off")
	if err := s.CutOffFrom(ctx, h, s.Hosts(from)...); err != nil {
		return err
	}
	if err := switchover(ctx, s); err != nil {
		return err
	}
	rest(ctx, cutFor)
	s.mark("heal")
	return s.Heal(ctx, h)
}

// isolateNATS cuts off the server that the source publishes through.
func isolateNATS(ctx context.Context, s *Scene) error {
	u, err := url.Parse(s.bus.Conn().ConnectedUrl())
	if err != nil {
		return fmt.Errorf("reading which server the source is connected to: %w", err)
	}
	var h *labtest.Host
	var peers []*labtest.Host
	for _, n := range s.Hosts(labtest.NATS) {
		if n.Address == u.Hostname() {
			h = n
		} else {
			peers = append(peers, n)
		}
	}
	if h == nil {
		return fmt.Errorf("no host of the lab has the address %s", u.Host)
	}
	leader, err := s.streamLeader(ctx)
	if err != nil {
		return err
	}
	s.mark("cut off")
	s.log.Info("isolating a NATS server", "host", h.Name, "leads_the_stream", s.Host(leader) == h)
	if err := s.CutOffFrom(ctx, h, peers...); err != nil {
		return err
	}
	rest(ctx, cutFor)
	s.mark("heal")
	return s.Heal(ctx, h)
}

func killNATSAndLeader(ctx context.Context, s *Scene) error {
	name, err := s.streamLeader(ctx)
	if err != nil {
		return err
	}
	n, h := s.Host(name), (*labtest.Host)(nil)
	if n == nil {
		return fmt.Errorf("no host is called %q, which leads the stream", name)
	}
	if h, err = s.leads(ctx); err != nil {
		return err
	}
	s.mark("kill")
	if err := errors.Join(s.Kill(ctx, n, syscall.SIGKILL, "nats-server"),
		s.Kill(ctx, h, syscall.SIGKILL, "patroni", "postgres")); err != nil {
		return err
	}
	if _, err := s.AwaitLeader(ctx, h); err != nil {
		return err
	}
	rest(ctx, 15*time.Second)
	return all([]*labtest.Host{n, h}, func(h *labtest.Host) error { return s.Restart(ctx, h) })
}

func freezeOverFailover(ctx context.Context, s *Scene) error {
	control, err := s.acting(ctx)
	if err != nil {
		return err
	}
	asleep := []*labtest.Host{control, s.Hosts(labtest.Worker)[0]}
	s.mark("freeze")
	if err := all(asleep, func(h *labtest.Host) error { return s.Freeze(ctx, h, h.Role()) }); err != nil {
		return err
	}
	if err := crashLeader(ctx, s); err != nil {
		return err
	}
	rest(ctx, 20*time.Second)
	s.mark("thaw")
	return all(asleep, func(h *labtest.Host) error { return s.Thaw(ctx, h, h.Role()) })
}

func tenSwitchovers(ctx context.Context, s *Scene) error {
	for range 10 {
		if err := switchover(ctx, s); err != nil {
			return err
		}
		if err := s.WaitHealthy(ctx); err != nil {
			return err
		}
	}
	return nil
}

// killEverything spares nothing, the processes that wait for nothing included.
func killEverything(ctx context.Context, s *Scene) error {
	s.mark("kill")
	if err := all(s.Hosts(), func(h *labtest.Host) error { return s.Crash(ctx, h) }); err != nil {
		return err
	}
	err := all(s.Hosts(labtest.Etcd, labtest.NATS, labtest.Postgres, labtest.Figures), func(h *labtest.Host) error { return s.Restart(ctx, h) })
	if err != nil {
		return err
	}
	// Commits are read from lines of the level debug.
	return all(s.Hosts(labtest.Controller, labtest.Worker), func(h *labtest.Host) error {
		return s.StartRole(ctx, h, "AGRICHAT_LOG_LEVEL=debug")
	})
}

func loseQuorum(ctx context.Context, s *Scene) error {
	down := append(s.Hosts(labtest.Etcd)[:2:2], s.Hosts(labtest.NATS)[:2]...)
	s.mark("kill")
	if err := all(down, func(h *labtest.Host) error { return s.Crash(ctx, h) }); err != nil {
		return err
	}
	rest(ctx, cutFor)
	s.mark("restart")
	return all(down, func(h *labtest.Host) error { return s.Restart(ctx, h) })
}

func slowNetwork(ctx context.Context, s *Scene) error {
	s.mark("slow")
	// One first: where the kernel cannot do it nothing is to be repaired.
	if err := s.Impair(ctx, s.Hosts()[0], roundTrip/2, lossShare); err != nil {
		return err
	}
	if err := all(s.Hosts(), func(h *labtest.Host) error { return s.Impair(ctx, h, roundTrip/2, lossShare) }); err != nil {
		return err
	}
	rest(ctx, 20*time.Second)
	err := crashLeader(ctx, s)
	if err == nil {
		rest(ctx, cutFor)
	}
	s.mark("heal")
	return errors.Join(err, all(s.Hosts(), func(h *labtest.Host) error { return s.Repair(ctx, h) }))
}
