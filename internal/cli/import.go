package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

type importFlags struct {
	source string
	dryRun bool
	quiet  bool
	jobs   int
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import PATH...",
		Short: "Bring archives in, and wait until everything in them is stored and aggregated",
		Long: "Walks files and folders, recognises exports by their content, and brings them in. What is stored already\n" +
			"is not published again. It ends when everything is stored and aggregated. An import that was stopped or killed goes on\n" +
			"where it was when the same command is given again. What could not be read is kept as it came, and listed in a file in\n" +
			"the folder rejected of the data folder. What could not be stored is a dead letter: it is counted by its cause, and the\n" +
			"exit status is 1. What was assumed is told in notes, each with the option that settles it: import the files again with that\n" +
			"option; for --zone and --charset agrichat reread does it without the files.",
		Example: "  # everything in a folder, zips too; the second time only what is new\n" +
			"  agrichat import ~/exports --account alice --zone Europe/Moscow\n\n" +
			"  # what would be read, and how much of it, for a script\n" +
			"  agrichat import result.json --dry-run --output json\n\n" +
			"  # a log whose name does not say what it is\n" +
			"  agrichat import old.txt --source irc --namespace libera --channel '#go' --charset windows-1251",
		Args: someArgs(1, -1, "at least one file or folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.dryRun {
				return a.dryRun(c.Context(), f, args)
			}
			in, err := a.lookFor(f, args)
			if err != nil {
				return err
			}
			err = a.within(c.Context(), session{consume: true, creates: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				r, err := a.newImport(s, f, in).Run(ctx)
				return errors.Join(a.printImport(r), err)
			})
			return errors.Join(err, in.Close())
		},
	}
	a.importFlags(c, &f)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be read, and publish nothing")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "say nothing but the result")
	return c
}

func (f *importFlags) check() error {
	if f.jobs < 1 || f.jobs > importer.MaxJobs {
		return misuse{fmt.Errorf("--jobs %d is out of range; 1 to %d will do", f.jobs, importer.MaxJobs)}
	}
	return nil
}

func (a *app) importFlags(c *cobra.Command, f *importFlags) {
	c.Flags().StringVar(&f.source, "source", "", "of which network or format the exports are, if they are not recognised (agrichat sources lists them)")
	c.Flags().IntVar(&f.jobs, "jobs", importer.DefaultJobs(), "files read at once")
	_ = c.RegisterFlagCompletionFunc("source", completeSources) // the flag is there: it was made above
	a.given.add(c.Flags(), "account", "import.account", "name of the account that made the export, where the export does not say; any name, but always the same")
	a.given.add(c.Flags(), "namespace", "import.namespace", "network or workspace, where the export does not say")
	a.given.add(c.Flags(), "channel", "import.channel", "channel, where the export does not say")
	a.given.add(c.Flags(), "zone", "import.zone", "time zone of times that carry none, such as Europe/Moscow")
	a.given.add(c.Flags(), "charset", "import.charset", "character set of text that is not UTF-8, such as windows-1251")
	a.given.add(c.Flags(), "date-order", "import.date_order", "order of dates that could be either way round: dmy, mdy or ymd")
}

// completeSources says to a shell whose archives can be read.
func completeSources(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, d := range all.Definitions() {
		if d.Archive != nil {
			names = append(names, string(d.Name)+"\t"+d.Title)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func importOptions(c config.Import) producers.Options {
	return producers.Options{Account: event.Account(c.Account), Namespace: event.Namespace(c.Namespace),
		Channel: event.Channel(c.Channel), Zone: c.Location(), Charset: c.Charset, DateOrder: producers.DateOrder(c.DateOrder)}
}

// lookFor finds what there is to import, before any server is started for it. The configuration's mistakes come first.
func (a *app) lookFor(f importFlags, paths []string) (*files.Findings, error) {
	cfg, _, err := a.config()
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	in, err := findFiles(paths, f.source)
	if err != nil {
		return nil, err
	}
	if len(in.Files) > 0 {
		if !f.quiet && cfg.Import.Account == "" {
			a.printUnreadable(importer.Unreadable(in, importOptions(cfg.Import)))
		}
		return in, nil
	}
	if err := a.printImport(importer.Nothing(in)); err != nil {
		return in, err
	}
	skipped, belonging := in.Skipped()
	if len(skipped) == 0 {
		return in, fmt.Errorf("nothing to import: there are no files in %s", strings.Join(paths, ", "))
	}
	return in, fmt.Errorf("nothing to import: no source recognises anything in %s; agrichat sources says what each reads, and --source says of what an export is",
		counted(len(skipped)+belonging, "file"))
}

// findFiles finds the exports under the paths. forced is the source whose they are; empty: they are recognised.
func findFiles(paths []string, forced string) (*files.Findings, error) {
	defs := all.Definitions()
	if forced != "" {
		d, err := definition(forced)
		if err != nil {
			return nil, err
		}
		if d.Archive == nil {
			return nil, misuse{fmt.Errorf("--source %s: %s has no archives", forced, d.Title)}
		}
		defs = []producers.Definition{d}
	}
	f, err := files.Find(paths, defs, forced != "")
	var at *files.PathError
	if errors.As(err, &at) {
		return nil, looking(at.Path, at.Err)
	}
	return f, err
}

// newImport makes an import of what was found.
func (a *app) newImport(s *stack, f importFlags, in *files.Findings) *importer.Importer {
	c := importer.Config{Options: importOptions(s.cfg.Import), Batch: s.cfg.Import.Batch, Jobs: f.jobs, Servers: importServers{s}, Dedicated: s.nats != nil,
		Rejects: importer.RejectsDir(s.cfg.Data), Metrics: s.intake, Log: s.log, Failpoint: prefixed(s.hook, "ingest."), Observer: a.importObserver(s.log, f.quiet)}
	if s.cfg.NATS.Embedded() {
		c.Data = s.cfg.Data
	}
	return importer.New(c, in)
}

// dryRun reads everything, and publishes nothing: it needs no server.
func (a *app) dryRun(ctx context.Context, f importFlags, paths []string) (err error) {
	cfg, log, err := a.config()
	if err != nil {
		return err
	}
	began := time.Now()
	in, err := a.lookFor(f, paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, err := importer.New(importer.Config{Options: importOptions(cfg.Import), Jobs: f.jobs, Log: log, Observer: a.importObserver(log, f.quiet), Began: began}, in).DryRun(ctx)
	if r == nil {
		return err
	}
	return errors.Join(a.printImport(r), err)
}

// importServers are the servers as an import uses them.
type importServers struct{ *stack }

// Bus implements importer.Servers.
func (s importServers) Bus(ctx context.Context) (*bus.Bus, error) { return s.openBus(ctx) }

// Store implements importer.Servers.
func (s importServers) Store(ctx context.Context) (*normalise.Store, error) {
	return s.openKeeper(ctx)
}

// ClickHouse implements importer.Servers.
func (s importServers) ClickHouse(ctx context.Context) (*ch.DB, error) { return s.openFigures(ctx) }

// Verifier implements importer.Servers.
func (s importServers) Verifier(ctx context.Context) (*verify.Verifier, error) {
	return s.verifier(ctx)
}

// Problems implements importer.Servers.
func (s importServers) Problems(ctx context.Context) []string { return s.problems(ctx) }
