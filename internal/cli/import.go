package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/cli/terminal"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

type importFlags struct {
	source string
	dryRun bool
	quiet  bool
	jobs   int
}

func importCommand(p *program) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import PATH...",
		Short: "Import archives, and wait until everything in them is stored and aggregated",
		Long: "Walks files and folders, recognises exports by their content, and imports them. What is stored already\n" +
			"is not published again. It ends when everything is stored and aggregated. An import that was stopped or killed resumes where\n" +
			"it was when the same command is given again. A record that could not be read is stored unparsed, and listed in a file in\n" +
			"the folder rejected of the data folder. What could not be stored is a dead letter: it is counted by its cause, and the\n" +
			"exit status is 1. Notes list what was assumed, each with the option that settles it: import the files again with that\n" +
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
				return p.dryRun(c.Context(), f, args)
			}
			in, err := p.lookFor(f, args)
			if err != nil {
				return err
			}
			err = p.run(c.Context(), app.Options{Consume: true, Create: true, Requirements: app.AllStores()}, func(ctx context.Context, a *app.App) error {
				r, err := p.newImport(a, f, in).Run(ctx)
				return errors.Join(p.printImport(r), err)
			})
			return errors.Join(err, in.Close())
		},
	}
	p.importFlags(c, &f)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be read, and publish nothing")
	c.Flags().BoolVar(&f.quiet, "quiet", false, "say nothing but the result")
	return c
}

func (f *importFlags) check() error {
	if f.jobs < 1 || f.jobs > importer.MaxJobs {
		return app.UsageErrorf("--jobs %d is out of range; 1 to %d will do", f.jobs, importer.MaxJobs)
	}
	return nil
}

func (p *program) importFlags(c *cobra.Command, f *importFlags) {
	c.Flags().StringVar(&f.source, "source", "", "of which network or format the exports are, if they are not recognised (agrichat sources lists them)")
	c.Flags().IntVar(&f.jobs, "jobs", importer.DefaultJobs(), "files read at once")
	_ = c.RegisterFlagCompletionFunc("source", completeSources) // the flag is there: it was made above
	p.given.add(c.Flags(), "account", "import.account", "name of the account that made the export, where the export does not say; any name, but always the same")
	p.given.add(c.Flags(), "namespace", "import.namespace", "network or workspace, where the export does not say")
	p.given.add(c.Flags(), "channel", "import.channel", "channel, where the export does not say")
	p.given.add(c.Flags(), "zone", "import.zone", "time zone of times that carry none, such as Europe/Moscow")
	p.given.add(c.Flags(), "charset", "import.charset", "character set of text that is not UTF-8, such as windows-1251")
	p.given.add(c.Flags(), "date-order", "import.date_order", "order of dates that could be either way round: dmy, mdy or ymd")
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
func (p *program) lookFor(f importFlags, paths []string) (*files.Findings, error) {
	cfg, _, err := p.config()
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
			p.printUnreadable(importer.Unreadable(in, importOptions(cfg.Import)))
		}
		return in, nil
	}
	if err := p.printImport(importer.Nothing(in)); err != nil {
		return in, err
	}
	skipped, belonging := in.Skipped()
	if len(skipped) == 0 {
		return in, fmt.Errorf("nothing to import: there are no files in %s", strings.Join(paths, ", "))
	}
	return in, fmt.Errorf("nothing to import: no source recognises anything in %s; agrichat sources says what each reads, and --source says of what an export is",
		report.Counted(len(skipped)+belonging, "file"))
}

// findFiles finds the exports under the paths. forced is the source whose they are; empty: they are recognised.
func findFiles(paths []string, forced string) (*files.Findings, error) {
	defs := all.Definitions()
	if forced != "" {
		d, err := app.Definition(forced)
		if err != nil {
			return nil, err
		}
		if d.Archive == nil {
			return nil, app.UsageErrorf("--source %s: %s has no archives", forced, d.Title)
		}
		defs = []producers.Definition{d}
	}
	f, err := files.Find(paths, defs, forced != "")
	var at *files.PathError
	if errors.As(err, &at) {
		return nil, pathError(at)
	}
	return f, err
}

// newImport makes an import of what was found.
func (p *program) newImport(a *app.App, f importFlags, in *files.Findings) *importer.Importer {
	cfg := a.Config()
	c := importer.Config{Options: importOptions(cfg.Import), Batch: cfg.Import.Batch, Jobs: f.jobs, Servers: a, Dedicated: a.OwnsNATS(),
		Rejects: importer.RejectsDir(cfg.Data), Metrics: a.IngestMetrics(), Log: a.Log(), Failpoint: a.Failpoint().Prefixed("ingest."),
		Observer: p.observer(a.Log(), f.quiet)}
	if cfg.NATS.Embedded() {
		c.Data = cfg.Data
	}
	return importer.New(c, in)
}

// observer shows how an import goes.
func (p *program) observer(log *slog.Logger, quiet bool) importer.Observer {
	return terminal.Options{Screen: p.screen(), Environ: p.environ, Log: log, JSON: p.output == "json", Quiet: quiet}.Observer()
}

// dryRun reads everything, and publishes nothing: it needs no server.
func (p *program) dryRun(ctx context.Context, f importFlags, paths []string) (err error) {
	cfg, log, err := p.config()
	if err != nil {
		return err
	}
	began := time.Now()
	in, err := p.lookFor(f, paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	r, err := importer.New(importer.Config{Options: importOptions(cfg.Import), Jobs: f.jobs, Log: log, Observer: p.observer(log, f.quiet), Began: began}, in).DryRun(ctx)
	if r == nil {
		return err
	}
	return errors.Join(p.printImport(r), err)
}

// pathError says in a line that a path does not exist, or cannot be read.
func pathError(err *files.PathError) error {
	if errors.Is(err.Err, os.ErrNotExist) {
		return app.UsageErrorf("there is nothing at %s", err.Path)
	}
	return app.UsageErrorf("looking at what to import: %w", err.Err)
}

// printImport prints the report.
func (p *program) printImport(r *importer.Report) error {
	return p.print(r, func(w io.Writer) error { return report.Import(w, r) })
}

// printUnreadable says, before anything is read, which files lack an option. They are counted as failed later, with the others.
func (p *program) printUnreadable(errs []error) {
	for n, err := range errs {
		if n == importer.MaxListed {
			p.note("... and %d more files will not be imported\n", len(errs)-n)
			return
		}
		p.note("will not be imported: %s\n", app.OneLine(err.Error()))
	}
}
