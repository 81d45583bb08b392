// Package cli is the command line: the only place where the parts of the house meet.
//
// It promises that what others script against stays: commands, flags, the JSON of --output json, and the exit status (0:
// done; 1: it ran, and something is amiss; 2: it could not be understood). Standard output carries results and nothing
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

	"github.com/agrichat/agrichat/internal/config"
)

// Exit statuses.
const (
	exitDone   = 0
	exitAmiss  = 1
	exitMisuse = 2
)

// errAmiss says that a command has said all there is to say and that something is amiss.
var errAmiss = errors.New("something is amiss")

// misuse is an error of whoever typed the command.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// Main runs a command and returns the exit status. environ is as os.Environ gives it.
func Main(ctx context.Context, args, environ []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once: whoever is in a hurry must not be kept.
	context.AfterFunc(ctx, stop)
	a := &app{environ: environ, in: in, out: out, errOut: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err != nil && err == context.Cause(ctx) {
		err = context.Canceled // by a signal, and nothing else went wrong
	}
	return a.status(err)
}

func (a *app) status(err error) int {
	var m misuse
	var mistakes config.Mistakes
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errAmiss):
		return exitAmiss
	case errors.As(err, &mistakes): // names places, and no values that are secret
		fmt.Fprintln(a.errOut, "agrichat:", err)
		return exitMisuse
	case errors.As(err, &m):
		fmt.Fprintln(a.errOut, "agrichat:", oneLine(err.Error()))
		return exitMisuse
	case err == context.Canceled: // alone: wrapped, something else went wrong
		fmt.Fprintln(a.errOut, "agrichat: stopped before it was done")
		return exitAmiss
	}
	fmt.Fprintln(a.errOut, "agrichat:", oneLine(err.Error()))
	return exitAmiss
}

// app is one run of the program.
type app struct {
	environ     []string
	in          io.Reader
	out, errOut io.Writer

	configFile string
	output     string
	given      flags
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "agrichat",
		Short: "Gathers chats, keeps every one of them, and proves that none is missing",
		Long: "AGriChat gathers chats, live and from archives, onto a NATS JetStream bus, normalises them into PostgreSQL,\n" +
			"aggregates them in ClickHouse, and proves that the three agree.\n\n" +
			"Without configuration it starts its own servers in one folder (--data, or else ~/.local/share/agrichat); a line of\n" +
			"configuration each puts your own in their place (agrichat config).\n\n" +
			"The exit status is 0 when all is well, 1 when something is amiss, and 2 when the command could not be understood.",
		Example: "  # once: the embedded servers; then your exports, who wrote most, and the proof that nothing is missing\n" +
			"  agrichat engines\n" +
			"  agrichat up --import ~/exports --account alice --zone Europe/Moscow\n\n" +
			"  # meanwhile, in another terminal\n" +
			"  agrichat status",
		SilenceUsage: true, SilenceErrors: true, Version: builtFrom().String(),
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkOutput() },
		Args:              oneOfItsCommands,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.SetVersionTemplate("{{.Version}}\n")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return misuse{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	f := c.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "configuration file (default: $XDG_CONFIG_HOME/agrichat/agrichat.yaml)")
	f.StringVar(&a.output, "output", "text", "text or json")
	a.given.add(f, "data", "data", "folder that holds everything this program writes")
	a.given.add(f, "log-level", "log.level", "debug, info, warn or error")
	a.given.add(f, "log-format", "log.format", "auto, text or json")
	c.AddCommand(a.upCommand(), a.demoCommand(), a.importCommand(), a.migrateCommand(), a.produceCommand(), a.consumeCommand(), a.serveCommand(),
		a.statusCommand(), a.verifyCommand(), a.replayCommand(), a.rereadCommand(), a.dlqCommand(), a.sourcesCommand(), a.statsCommand(),
		a.gateCommand(), a.configCommand(), a.enginesCommand(), a.engineCommand(), a.manCommand(), a.versionCommand())
	return c
}

func (a *app) checkOutput() error {
	if a.output != "text" && a.output != "json" {
		return misuse{fmt.Errorf("--output is text or json, not %q", a.output)}
	}
	return nil
}

// oneOfItsCommands refuses a word that is none of the command's own commands, with those that were probably meant.
func oneOfItsCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	if c.SuggestionsMinimumDistance = 2; len(c.SuggestionsFor(args[0])) > 0 {
		meant = "; did you mean " + strings.Join(c.SuggestionsFor(args[0]), " or ") + "?"
	}
	return misuse{fmt.Errorf("there is no command %q%s; see %s --help", c.CommandPath()+" "+args[0], meant, c.CommandPath())}
}

// chooses makes a command that does nothing but have others: without one of them it says which there are.
func chooses(c *cobra.Command) *cobra.Command {
	c.Args = oneOfItsCommands
	c.RunE = func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return misuse{fmt.Errorf("say which: %s %s; see %s --help", c.CommandPath(), strings.Join(names, " | "), c.CommandPath())}
	}
	return c
}

// noArgs refuses arguments with a word about what to do.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misuse{fmt.Errorf("%s takes no arguments, got %q; see %s --help", c.CommandPath(), strings.Join(args, " "), c.CommandPath())}
	}
	return nil
}

// someArgs refuses too few or too many arguments.
func someArgs(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return misuse{fmt.Errorf("%s takes %s; see %s --help", c.CommandPath(), what, c.CommandPath())}
		}
		return nil
	}
}
