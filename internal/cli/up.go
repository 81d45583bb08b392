package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/supervise"
)

type upFlags struct {
	importFlags
	paths []string
	once  bool
}

func (a *app) upCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use: "up", Short: "Run everything: the servers that are not configured, the consumers, the sources", Args: noArgs,
		Long: "Runs the embedded servers (or uses those that are configured), stores and aggregates what is on the bus, connects\n" +
			"the configured live sources, and serves health and metrics, until it is stopped. With --import it first brings\n" +
			"archives in, and prints what came out.",
		Example: "  # until Ctrl-C\n" +
			"  agrichat up\n\n" +
			"  # bring exports in, see what came out, and end\n" +
			"  agrichat up --import ~/exports --account alice --once\n\n" +
			"  # several at once, with everything that is written in a folder of your choice\n" +
			"  agrichat up --import ~/exports/telegram --import ~/exports/slack.zip --data ~/chats\n\n" +
			"  # as a service\n" +
			"  agrichat up --config /etc/agrichat/agrichat.yaml --data /var/lib/agrichat",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.up(c.Context(), f)
		},
	}
	a.importFlags(c, &f.importFlags)
	c.Flags().StringArrayVar(&f.paths, "import", nil, "first bring in this file or folder (may be repeated)")
	c.Flags().BoolVar(&f.once, "once", false, "end after the import")
	return c
}

func (a *app) demoCommand() *cobra.Command {
	f := upFlags{}
	c := &cobra.Command{
		Use: "demo [PATH]", Short: "Run everything with the sample archive of the repository", Args: someArgs(0, 1, "at most one folder"),
		Long: "The same as agrichat up --import deploy/sample, which is found from the repository's folder; elsewhere PATH says where it\n" +
			"is. What it brings in stands beside what is in the data folder already: give it a folder of its own.",
		Example: "  # in the repository: bring the sample in, see what came out, and go on until Ctrl-C\n" +
			"  agrichat demo --data /tmp/agrichat-demo\n\n" +
			"  # the same, and end\n" +
			"  agrichat demo --data /tmp/agrichat-demo --once\n\n" +
			"  # elsewhere\n" +
			"  agrichat demo ~/src/agrichat/deploy/sample --data /tmp/agrichat-demo --once",
		RunE: func(c *cobra.Command, args []string) error {
			f.paths = []string{"deploy/sample"}
			if len(args) > 0 {
				f.paths = args
			}
			return a.up(c.Context(), f)
		},
	}
	a.importFlags(c, &f.importFlags)
	c.Flags().BoolVar(&f.once, "once", false, "end after the import")
	return c
}

// up runs all roles, until ctx ends or, with once, the import has ended.
func (a *app) up(ctx context.Context, f upFlags) (err error) {
	began := time.Now()
	in := &files.Findings{}
	if len(f.paths) > 0 {
		if in, err = a.lookFor(f.importFlags, f.paths); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	whole := everything()
	whole.control = true
	s, err := a.prepare(ctx, session{exclusive: true, creates: true, lasting: !f.once, needs: whole})
	if err != nil {
		return err
	}
	open := func(ctx context.Context) error {
		if s.nats == nil { // it may be away, and comes later
			return nil
		}
		_, err := s.openBus(ctx)
		return err
	}
	if f.once {
		open = func(ctx context.Context) error { return s.open(ctx, everything()) }
	}
	list, servers := s.components(open)
	list = append(list, s.consumers(servers)...)
	list = append(list, s.controllers(servers)...)
	sources, err := s.producers(servers, nil)
	if err != nil {
		return errors.Join(err, s.leave())
	}
	list = append(list, sources...)
	if !f.once {
		list = append(list, s.httpComponent(func(url string) { s.at.HTTP = url }))
	}
	return a.supervised(ctx, s, list, func(ctx context.Context, s *stack) error {
		a.note("ready in %.1f s; data in %s\n", time.Since(began).Seconds(), s.cfg.Data)
		if err := a.upImport(ctx, s, f, in); err != nil || f.once {
			return err
		}
		a.where(s)
		<-ctx.Done()
		return nil
	})
}

// where tells a person how to reach what runs. Passwords are not for a screen that others may see: status has them.
func (a *app) where(s *stack) {
	of := func(embedded bool) string {
		if embedded {
			return "embedded"
		}
		return "configured"
	}
	a.note("  PostgreSQL  %-24s %s\n", hosts(s.recordDSN()), of(s.cfg.Postgres.Embedded()))
	a.note("  ClickHouse  %-24s %s\n", hosts(s.figuresURL()), of(s.cfg.ClickHouse.Embedded()))
	a.note("  NATS        %-24s %s\n", hosts(s.busURL()), of(s.cfg.NATS.Embedded()))
	a.note("  health      %s/readyz, %s/metrics\n", s.at.HTTP, s.at.HTTP)
	a.note("agrichat status%s shows addresses with passwords; Ctrl-C stops\n", a.sameFolder(s))
}

// sameFolder is the flag that leads another command to the same folder, if it needs one.
func (a *app) sameFolder(s *stack) string {
	for _, v := range a.given.values() {
		if v.Key == "data" {
			return " --data " + s.cfg.Data
		}
	}
	return ""
}

// upImport brings archives in and prints what came out: what was read, who wrote most, when, and the verification.
func (a *app) upImport(ctx context.Context, s *stack, f upFlags, in *files.Findings) error {
	if len(in.Files) == 0 {
		return nil
	}
	r, failed := a.newImport(s, f.importFlags, in).Run(ctx)
	if ctx.Err() != nil {
		return failed
	}
	figures, err := s.figuresOf(ctx, 10)
	if err != nil {
		return err
	}
	v, err := s.compare(ctx, 0, time.Minute, amends{})
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(map[string]any{"import": r, "figures": figures, "verify": v})
	} else {
		err = errors.Join(printImportText(a.out, r), a.line(), printFigures(a.out, figures), a.line(), printVerify(a.out, v))
	}
	switch {
	case err != nil:
		return err
	case failed != nil && f.once:
		return failed
	case failed != nil:
		fmt.Fprintln(a.errOut, "agrichat:", oneLine(failed.Error()))
	case !v.Equal && f.once:
		return errAmiss
	}
	return nil
}

// line parts two tables.
func (a *app) line() error {
	_, err := fmt.Fprintln(a.out)
	return err
}

func (a *app) produceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "produce [SOURCE...]", Short: "Run live sources of the configuration, all of them or those named",
		Long: "Listens to the networks that sources: in the configuration lists, and publishes what is said there to the bus. SOURCE is\n" +
			"the name that one of them has in that list. Of the servers it needs NATS alone.",
		Example: "  # all that are configured\n" +
			"  agrichat produce\n\n" +
			"  # one of them, the others elsewhere\n" +
			"  agrichat produce libera --config /etc/agrichat/agrichat.yaml\n\n" +
			"  # what there is to listen to, with samples\n" +
			"  agrichat sources",
		RunE: func(c *cobra.Command, args []string) error {
			cfg, _, err := a.config()
			if err != nil {
				return err
			}
			// Said before any server is fetched or started.
			if sources, err := chosen(cfg.Sources, args); err != nil {
				return err
			} else if len(sources) == 0 {
				return misuse{errors.New("no source is configured: sources: in the configuration lists them, agrichat sources shows samples")}
			}
			return a.role(c.Context(), needs{bus: true}, func(s *stack, servers []string) ([]supervise.Component, error) {
				return s.producers(servers, args)
			})
		},
	}
}

func (a *app) consumeCommand() *cobra.Command {
	c := chooses(&cobra.Command{
		Use: "consume", Short: "Run one consumer of the bus",
		Long: "Runs one consumer alone, with health and metrics at listen.http; agrichat up runs all of them in one process. This is for\n" +
			"servers of your own, on as many hosts as you like.",
		Example: "  # each in a process of its own, on one host or on several\n" +
			"  agrichat consume normalise\n" +
			"  agrichat consume aggregate\n\n" +
			"  # beside Patroni, two of them\n" +
			"  agrichat consume control",
	})
	c.AddCommand(a.consumeControlCommand())
	for name, h := range consumerHelp() {
		n := needs{bus: true, record: name == "normalise", figures: name == "aggregate"}
		c.AddCommand(&cobra.Command{
			Use: name, Short: h.short, Long: h.long, Example: h.example, Args: noArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return a.role(c.Context(), n, func(s *stack, servers []string) ([]supervise.Component, error) {
					return slices.DeleteFunc(s.consumers(servers), func(c supervise.Component) bool {
						return c.Name != name && !(name == "normalise" && c.Name == "quarantine")
					}), nil
				})
			},
		})
	}
	return c
}

// help is what a command says of itself.
type help struct{ short, long, example string }

func consumerHelp() map[string]help {
	return map[string]help{
		"normalise": {
			short: "Store what is on the bus in PostgreSQL",
			long: "Writes messages with their versions, reactions, memberships and people into PostgreSQL, and tells the bus what has\n" +
				"changed. While the gate is shut it waits. What fails again and again while others succeed becomes a dead letter\n" +
				"(agrichat dlq). Several may run at the same time.",
			example: "  # with the servers that the configuration names\n" +
				"  agrichat consume normalise --config /etc/agrichat/agrichat.yaml\n\n" +
				"  # a second one on the same host, whose file has another listen.http\n" +
				"  agrichat consume normalise --config /etc/agrichat/second.yaml",
		},
		"aggregate": {
			short: "Bring facts into ClickHouse",
			long: "Brings what normalise tells of each change into ClickHouse, from which come the figures by hour, day, person and chat. It\n" +
				"needs no PostgreSQL. Several may run at the same time.",
			example: "  # with the servers that the configuration names\n" +
				"  agrichat consume aggregate --config /etc/agrichat/agrichat.yaml\n\n" +
				"  # logging nothing but what is wrong\n" +
				"  agrichat consume aggregate --config /etc/agrichat/agrichat.yaml --log-level warn",
		},
	}
}

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve health and metrics", Args: noArgs,
		Long: "Serves /healthz, /readyz and /metrics at listen.http and does nothing else: it connects to no server and starts none. Every\n" +
			"other role serves its own, so this is for trying probes and scrapers.",
		Example: "  # where listen.http says, usually http://127.0.0.1:8642\n" +
			"  agrichat serve\n\n" +
			"  # where a configuration says\n" +
			"  agrichat serve --config /etc/agrichat/agrichat.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.role(c.Context(), needs{}, func(*stack, []string) ([]supervise.Component, error) { return nil, nil })
		},
	}
}

// role runs some components, with health and metrics, until ctx ends.
func (a *app) role(ctx context.Context, n needs, pick func(*stack, []string) ([]supervise.Component, error)) error {
	s, err := a.prepare(ctx, session{lasting: true, creates: true, needs: n})
	if err != nil {
		return err
	}
	list, servers := s.components(nil)
	picked, err := pick(s, servers)
	if err != nil {
		return errors.Join(err, s.leave())
	}
	list = append(list, picked...)
	list = append(list, s.httpComponent(func(url string) { s.at.HTTP = url }))
	return a.supervised(ctx, s, list, func(ctx context.Context, s *stack) error {
		a.note("ready; health and metrics at %s; Ctrl-C stops\n", s.at.HTTP)
		<-ctx.Done()
		return nil
	})
}
