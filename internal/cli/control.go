package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/consumers/control"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/supervise"
)

// control opens and shuts the gate for everybody, if no other controller does.
func (s *stack) control(ctx context.Context) error {
	b, err := s.openBus(ctx)
	if err != nil {
		return err
	}
	orders, err := b.Orders(ctx)
	if err != nil {
		return err
	}
	database, err := control.NewServer(s.cfg.Postgres.DSN)
	if err != nil {
		return err
	}
	c, err := control.New(control.Config{Cluster: s.follower, Orders: orders, Workers: writers{b}, Database: database, ID: s.id,
		Namespace: s.cfg.Patroni.Namespace, Scope: s.cfg.Patroni.Scope, Log: s.log, Metrics: s.controller})
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// controllers is the controller of this process, where a leader is followed. Of those of several processes one acts.
func (s *stack) controllers(after []string) []supervise.Component {
	if s.follower == nil {
		return nil
	}
	return []supervise.Component{{Name: "control", Run: s.control, After: after, Essential: true}}
}

func (a *app) consumeControlCommand() *cobra.Command {
	return &cobra.Command{
		Use: "control", Short: "Follow the leader of a Patroni cluster, and open and shut the gate for every writer", Args: noArgs,
		Long: "Watches etcd for who the leader of PostgreSQL is. While there is none, or none can be proved, it keeps the gate shut:\n" +
			"nothing is written, and what sources publish waits on the bus. Run two, on different hosts: one acts, and the other\n" +
			"takes over.",
		Example: "  # on two hosts; etcd.endpoints and patroni.scope say whom it follows\n" +
			"  agrichat consume control --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # who leads, and why the gate is shut if it is\n" +
			"  agrichat status --config /etc/agrichat/agrichat.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.role(c.Context(), needs{bus: true, control: true}, func(s *stack, servers []string) ([]supervise.Component, error) {
				if s.follower == nil {
					return nil, misuse{errors.New("there is nobody to follow: etcd.endpoints names the servers of etcd, patroni.scope the cluster")}
				}
				return s.controllers(servers), nil
			})
		},
	}
}

// writers are the consumers that wait at the gate.
type writers struct{ *bus.Bus }

// Pause implements control.Workers.
func (w writers) Pause(ctx context.Context, until time.Time) error {
	return w.Bus.Pause(ctx, bus.Chat, bus.Normalise, until)
}

// Resume implements control.Workers.
func (w writers) Resume(ctx context.Context) error { return w.Bus.Resume(ctx, bus.Chat, bus.Normalise) }
