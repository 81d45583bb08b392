package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
)

func produceCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "produce [SOURCE...]", Short: "Run live sources of the configuration, all of them or those named",
		Long: "Listens to the networks that sources: in the configuration lists, and publishes their events on the bus. SOURCE is\n" +
			"the name that one of them has in that list. Of the servers it needs NATS alone.",
		Example: "  # all that are configured\n" +
			"  agrichat produce\n\n" +
			"  # one of them, the others elsewhere\n" +
			"  agrichat produce libera --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # what there is to listen to, with samples\n" +
			"  agrichat sources",
		RunE: func(c *cobra.Command, args []string) error {
			cfg, _, err := p.config()
			if err != nil {
				return err
			}
			// Checked before any server is fetched or started.
			if sources, err := app.SelectSources(cfg.Sources, args); err != nil {
				return err
			} else if len(sources) == 0 {
				return app.UsageErrorf("no source is configured: sources: in the configuration lists them, agrichat sources shows samples")
			}
			return p.role(c.Context(), app.Requirements{Bus: true}, app.Roles{Sources: true, Named: args})
		},
	}
}

func consumeCommand(p *program) *cobra.Command {
	c := group(&cobra.Command{
		Use: "consume", Short: "Run one consumer of the bus",
		Long: "Runs one consumer alone, with health and metrics at listen.http; agrichat up runs all of them in one process. This is for\n" +
			"servers of your own, on as many hosts as you like.",
		Example: "  # each in a process of its own, on one host or on several\n" +
			"  agrichat consume normalise\n" +
			"  agrichat consume aggregate\n\n" +
			"  # beside Patroni, two of them\n" +
			"  agrichat consume control",
	})
	normalise := &cobra.Command{
		Use: "normalise", Short: "Store what is on the bus in PostgreSQL", Args: noArgs,
		Long: "Writes messages with their versions, reactions, memberships and people into PostgreSQL, and publishes what has\n" +
			"changed on the bus. While the gate is shut it waits. What fails repeatedly while others succeed becomes a dead letter\n" +
			"(agrichat dlq). Several may run at the same time.",
		Example: "  # with the servers that the configuration names\n" +
			"  agrichat consume normalise --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # a second one on the same host, whose file has another listen.http\n" +
			"  agrichat consume normalise --config /etc/agrichat/second.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.role(c.Context(), app.Requirements{Bus: true, Postgres: true}, app.Roles{Consumers: []string{"normalise", "quarantine"}})
		},
	}
	aggregate := &cobra.Command{
		Use: "aggregate", Short: "Write facts to ClickHouse", Args: noArgs,
		Long: "Writes what normalise publishes of each change to ClickHouse, which computes statistics by hour, day, person and chat. It\n" +
			"needs no PostgreSQL. Several may run at the same time.",
		Example: "  # with the servers that the configuration names\n" +
			"  agrichat consume aggregate --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # logging nothing but what is wrong\n" +
			"  agrichat consume aggregate --config /etc/agrichat/agrichat.yaml --log-level warn",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.role(c.Context(), app.Requirements{Bus: true, ClickHouse: true}, app.Roles{Consumers: []string{"aggregate"}})
		},
	}
	control := &cobra.Command{
		Use: "control", Short: "Follow the leader of a Patroni cluster, and open and shut the gate for every writer", Args: noArgs,
		Long: "Watches etcd for who the leader of PostgreSQL is. While there is none, or none can be proved, it keeps the gate shut:\n" +
			"nothing is written, and what sources publish waits on the bus. Run two, on different hosts: one acts, and the other\n" +
			"takes over.",
		Example: "  # on two hosts; etcd.endpoints and patroni.scope say whom it follows\n" +
			"  agrichat consume control --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # who leads, and why the gate is shut if it is\n" +
			"  agrichat status --config /etc/agrichat/agrichat.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := p.config()
			if err != nil {
				return err
			}
			if !cfg.Etcd.Followed() {
				return app.UsageErrorf("there is no leader to follow: etcd.endpoints names the servers of etcd, patroni.scope the cluster")
			}
			return p.role(c.Context(), app.Requirements{Bus: true, Control: true}, app.Roles{Control: true})
		},
	}
	c.AddCommand(control, normalise, aggregate)
	return c
}

func serveCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve health and metrics", Args: noArgs,
		Long: "Serves /healthz, /readyz and /metrics at listen.http and does nothing else: it connects to no server and starts none. Every\n" +
			"other role serves its own, so this is for trying probes and scrapers.",
		Example: "  # where listen.http says, usually http://127.0.0.1:8642\n" +
			"  agrichat serve\n\n" +
			"  # where a configuration says\n" +
			"  agrichat serve --config /etc/agrichat/agrichat.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.role(c.Context(), app.Requirements{}, app.Roles{})
		},
	}
}

// role runs roles, with health and metrics, until ctx ends.
func (p *program) role(ctx context.Context, n app.Requirements, r app.Roles) error {
	r.HTTP = true
	return p.serve(ctx, app.Options{Requirements: n, Lasting: true, Create: true}, r, func(ctx context.Context, a *app.App) error {
		p.note("ready; health and metrics at %s; Ctrl-C stops\n", a.Endpoints().HTTP)
		<-ctx.Done()
		return nil
	})
}
