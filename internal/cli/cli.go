// Package cli is the command line: it parses flags, prints, and turns errors into an exit status. What a command does is in the
// packages that it calls.
//
// It promises that what others script against stays: commands, flags, the JSON of --output json, and the exit status (0:
// done; 1: it ran, and found problems; 2: it could not be understood). Standard output carries results and nothing
// else; the log goes to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/config"
)

// Exit statuses.
const (
	exitOK       = 0
	exitProblems = 1
	exitUsage    = 2
)

// errProblems says that a command has printed everything, and that there are problems.
var errProblems = errors.New("problems found")

// Main runs a command and returns the exit status. environ is as os.Environ gives it.
func Main(ctx context.Context, args, environ []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	p := &program{environ: environ, in: in, out: out, errOut: errOut}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err != nil && err == context.Cause(ctx) {
		err = context.Canceled // by a signal, and nothing else went wrong
	}
	return p.status(err)
}

func (p *program) status(err error) int {
	var usage app.UsageError
	var mistakes config.Mistakes
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &mistakes): // names places, and no values that are secret
		fmt.Fprintln(p.errOut, "agrichat:", err)
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintln(p.errOut, "agrichat:", app.OneLine(err.Error()))
		return exitUsage
	case err == context.Canceled: // alone: wrapped, something else went wrong
		fmt.Fprintln(p.errOut, "agrichat: stopped before it was done")
		return exitProblems
	}
	fmt.Fprintln(p.errOut, "agrichat:", app.OneLine(err.Error()))
	return exitProblems
}

// program is one run of the program.
type program struct {
	environ     []string
	in          io.Reader
	out, errOut io.Writer

	configFile string
	output     string
	given      flags
}

func (p *program) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "agrichat",
		Short: "Gathers chats, keeps every one of them, and proves that none is missing",
		Long: "AGriChat gathers chats, live and from archives, onto a NATS JetStream bus, normalises them into PostgreSQL,\n" +
			"aggregates them in ClickHouse, and proves that the three agree.\n\n" +
			"Without configuration it starts its own servers in one folder (--data, or else ~/.local/share/agrichat); a line of\n" +
			"configuration each puts your own in their place (agrichat config).\n\n" +
			"The exit status is 0 when all is well, 1 when problems were found, and 2 when the command could not be understood.",
		Example: "  # once: the embedded servers; then your exports, who wrote most, and the proof that nothing is missing\n" +
			"  agrichat engines\n" +
			"  agrichat up --import ~/exports --account alice --zone Europe/Moscow\n\n" +
			"  # meanwhile, in another terminal\n" +
			"  agrichat status",
		SilenceUsage: true, SilenceErrors: true, Version: buildVersion().String(),
		PersistentPreRunE: func(*cobra.Command, []string) error { return p.checkOutput() },
		Args:              subcommandOnly,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetVersionTemplate("{{.Version}}\n")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return app.UsageErrorf("%w; see %s --help", err, c.CommandPath())
	})
	f := c.PersistentFlags()
	f.StringVar(&p.configFile, "config", "", "configuration file (default: $XDG_CONFIG_HOME/agrichat/agrichat.yaml)")
	f.StringVar(&p.output, "output", "text", "text or json")
	p.given.add(f, "data", "data", "folder that holds everything this program writes")
	p.given.add(f, "log-level", "log.level", "debug, info, warn or error")
	p.given.add(f, "log-format", "log.format", "auto, text or json")
	c.AddCommand(upCommand(p), demoCommand(p), importCommand(p), migrateCommand(p), produceCommand(p), consumeCommand(p), serveCommand(p),
		statusCommand(p), verifyCommand(p), replayCommand(p), rereadCommand(p), dlqCommand(p), sourcesCommand(p), statsCommand(p),
		gateCommand(p), configCommand(p), enginesCommand(p), engineCommand(p), manCommand(p), versionCommand(p))
	return c
}

func (p *program) checkOutput() error {
	if p.output != "text" && p.output != "json" {
		return app.UsageErrorf("--output is text or json, not %q", p.output)
	}
	return nil
}

// subcommandOnly refuses a word that is none of the command's own commands, with suggestions.
func subcommandOnly(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	if c.SuggestionsMinimumDistance = 2; len(c.SuggestionsFor(args[0])) > 0 {
		meant = "; did you mean " + strings.Join(c.SuggestionsFor(args[0]), " or ") + "?"
	}
	return app.UsageErrorf("there is no command %q%s; see %s --help", c.CommandPath()+" "+args[0], meant, c.CommandPath())
}

// group makes a command that does nothing but have others: without one of them it lists them.
func group(c *cobra.Command) *cobra.Command {
	c.Args = subcommandOnly
	c.RunE = func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return app.UsageErrorf("say which: %s %s; see %s --help", c.CommandPath(), strings.Join(names, " | "), c.CommandPath())
	}
	return c
}

// noArgs refuses arguments, and says where help is.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return app.UsageErrorf("%s takes no arguments, got %q; see %s --help", c.CommandPath(), strings.Join(args, " "), c.CommandPath())
	}
	return nil
}

// someArgs refuses too few or too many arguments; a negative limit is none.
func someArgs(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return app.UsageErrorf("%s takes %s; see %s --help", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// environment is what the processes of a command get.
func (p *program) environment() (app.Environment, error) {
	cfg, log, err := p.config()
	return app.Environment{Config: cfg, Log: log, Environ: p.environ, Notify: p.note}, err
}

// run runs a command that ends by itself.
func (p *program) run(ctx context.Context, o app.Options, do func(context.Context, *app.App) error) error {
	env, err := p.environment()
	if err != nil {
		return err
	}
	return app.Run(ctx, env, o, do)
}

// serve runs roles, and do when all are ready.
func (p *program) serve(ctx context.Context, o app.Options, r app.Roles, do func(context.Context, *app.App) error) error {
	env, err := p.environment()
	if err != nil {
		return err
	}
	return app.Serve(ctx, env, o, r, do)
}
