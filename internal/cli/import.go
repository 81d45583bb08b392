package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/producers"
)

// importReport is what an import ends with. Its names are relied upon by scripts.
type importReport struct {
	Files     int            `json:"files"`
	Read      int            `json:"read"`      // records of input
	Published int            `json:"published"` // events acknowledged by the bus
	Known     int            `json:"known"`     // events that the record held already, and that were not published
	Stored    int64          `json:"stored"`    // different events of those published, in the record
	Facts     int64          `json:"facts"`     // states that came of them, in ClickHouse
	Unparsed  int            `json:"unparsed"`
	Ambiguous int            `json:"ambiguous"`
	Seconds   float64        `json:"seconds"`
	DryRun    bool           `json:"dry_run,omitempty"`
	PerChat   []chatReport   `json:"per_chat"`
	PerFile   []fileReport   `json:"per_file"`
	Places    []ingest.Place `json:"unparsed_places,omitempty"`
	Skipped   []passed       `json:"skipped,omitempty"`
}

type chatReport struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Name      string `json:"name,omitempty"`
	Read      int    `json:"read"` // events
	Published int    `json:"published"`
	Known     int    `json:"known"`
	Stored    int64  `json:"stored"`
	Facts     int64  `json:"facts"`
	Unparsed  int    `json:"unparsed"`
	Ambiguous int    `json:"ambiguous"`
}

type fileReport struct {
	Path     string  `json:"path"`
	Source   string  `json:"source"`
	Read     int     `json:"read"`
	Unparsed int     `json:"unparsed"`
	Error    string  `json:"error,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// importing is one import on its way.
type importing struct {
	*stack
	options producers.Options
	report  importReport
	result  ingest.Result
	failed  error
	note    func(format string, args ...any) // tells a person how it goes
	lines   func(format string, args ...any) // the same, nil where nobody reads lines
}

type importFlags struct {
	source string
	dryRun bool
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import PATH...",
		Short: "Bring archives in, and wait until all of them is stored and aggregated",
		Long: "Walks files and folders, recognises exports by their content, and brings them in. What the record holds already\n" +
			"is not published again. It ends when everything is stored and aggregated.",
		Example: "  agrichat import ~/exports --account alice --zone Europe/Moscow\n  agrichat import result.json --dry-run --output json",
		Args:    someArgs(1, -1, "at least one file or folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.dryRun {
				return a.dryRun(c.Context(), f, args)
			}
			in, err := a.lookFor(f, args)
			if err != nil {
				return err
			}
			err = a.within(c.Context(), session{consume: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				r, err := a.importAll(ctx, s, in)
				return errors.Join(a.printImport(r), err)
			})
			return errors.Join(err, in.close())
		},
	}
	a.importFlags(c, &f)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be read, and publish nothing")
	return c
}

func (a *app) importFlags(c *cobra.Command, f *importFlags) {
	c.Flags().StringVar(&f.source, "source", "", "whose exports these are, if they are not recognised (agrichat sources)")
	a.given.add(c.Flags(), "account", "import.account", "whose collection this is, where the export does not say")
	a.given.add(c.Flags(), "namespace", "import.namespace", "network or workspace, where the export does not say")
	a.given.add(c.Flags(), "channel", "import.channel", "channel, where the export does not say")
	a.given.add(c.Flags(), "zone", "import.zone", "time zone of times that carry none, such as Europe/Moscow")
	a.given.add(c.Flags(), "charset", "import.charset", "character set of lines that are not UTF-8, such as windows-1251")
}

func options(c config.Import) producers.Options {
	return producers.Options{Account: event.Account(c.Account), Namespace: event.Namespace(c.Namespace),
		Channel: event.Channel(c.Channel), Zone: c.Location(), Charset: c.Charset}
}

// lookFor finds what there is to import, before any server is started for it. The configuration's mistakes come first.
func (a *app) lookFor(f importFlags, paths []string) (*findings, error) {
	if _, _, err := a.config(); err != nil {
		return nil, err
	}
	in, err := findFiles(paths, f.source)
	if err != nil {
		return nil, err
	}
	if len(in.files) > 0 {
		return in, nil
	}
	i := &importing{}
	i.report.Skipped = in.skipped
	i.finish(time.Now())
	if err := a.printImport(&i.report); err != nil {
		return in, err
	}
	if len(in.skipped) == 0 {
		return in, fmt.Errorf("nothing to import: there are no files in %s", strings.Join(paths, ", "))
	}
	return in, fmt.Errorf("nothing to import: no source can read any of %d files; agrichat sources says what each reads, --source says whose they are",
		len(in.skipped))
}

// importAll brings in what was found. The report is right also when it ends with an error.
func (a *app) importAll(ctx context.Context, s *stack, in *findings) (*importReport, error) {
	began := time.Now()
	i := &importing{stack: s, options: options(s.cfg.Import), note: a.note, lines: a.lines()}
	i.report.Skipped, i.report.Files = in.skipped, len(in.files)
	if err := i.publishAll(ctx, in.files); err != nil {
		i.finish(began)
		return &i.report, err
	}
	err := i.settle(ctx)
	i.finish(began)
	return &i.report, errors.Join(err, i.failed)
}

// publishAll brings every file onto the bus. One that cannot be read does not keep the others from it.
func (i *importing) publishAll(ctx context.Context, files []found) error {
	b, err := i.openBus(ctx)
	if err != nil {
		return err
	}
	cursors, err := b.Cursors(ctx)
	if err != nil {
		return err
	}
	k, err := i.openKeeper(ctx)
	if err != nil {
		return err
	}
	var throttle ingest.Throttle = b.Throttle(bus.ThrottleConfig{Watches: []bus.Watch{
		{Stream: bus.Chat, Consumer: bus.Normalise, High: importLead, Low: importLead / 2},
	}})
	if i.cfg.NATS.Embedded() {
		throttle = spaceThrottle{Throttle: throttle, folder: i.cfg.Data, free: freeSpace}
	}
	for _, f := range files {
		err := i.publish(ctx, f, ingest.Config{Publisher: b, Cursors: cursors, Known: k, Throttle: throttle,
			Batch: i.cfg.Import.Batch, Metrics: i.intake, Log: i.log, Hook: prefixed(i.hook, "ingest.")})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i.fail(f, err)
	}
	return nil
}

// importLead is how many messages importers may be ahead of the record: enough to keep it busy for seconds, and little for
// a live source's messages to wait behind.
const importLead = 100_000

func (i *importing) publish(ctx context.Context, f found, c ingest.Config) error {
	began := time.Now()
	report := fileReport{Path: f.file.Path, Source: string(f.def.Name)}
	var res ingest.Result
	src, err := f.def.Archive(f.file, i.options)
	if err == nil {
		c.Source = src
		c.Name = cursorName(f)
		tell := &fileProgress{path: f.file.Path, last: began, now: time.Now, note: i.lines, log: i.log}
		c.Observe = tell.observe
		res, err = ingest.Run(ctx, c)
	}
	i.result.Add(res)
	report.Read, report.Unparsed, report.Seconds = res.Read, res.Unparsed, time.Since(began).Seconds()
	if err != nil {
		report.Error = oneLine(err.Error())
	}
	i.report.PerFile = append(i.report.PerFile, report)
	if i.report.DryRun {
		i.note("%s: %s, %d read, %d unparsed\n", f.file.Path, f.def.Title, res.Read, res.Unparsed)
		return err
	}
	i.note("%s: %s, %d read, %d published, %d known, %d unparsed\n", f.file.Path, f.def.Title, res.Read, res.Published, res.Known, res.Unparsed)
	return err
}

// cursorName names a file by where it is and what it looks like, so that a changed one is read from the start.
func cursorName(f found) string {
	path, err := filepath.Abs(f.file.Path)
	if err != nil {
		path = f.file.Path
	}
	return "import/" + event.Digest(string(f.def.Name), path, fmt.Sprint(f.file.Size), string(f.file.Head))
}

// settle waits until everything that was published is stored and aggregated, and counts it in the stores.
func (i *importing) settle(ctx context.Context) error {
	v, err := i.verifier(ctx)
	if err != nil {
		return err
	}
	_, last := i.result.Sequences.Bounds()
	if err := v.Await(ctx, last, i.progress()); err != nil {
		return err
	}
	k, err := i.openKeeper(ctx)
	if err != nil {
		return err
	}
	return verify.Outlast(ctx, func(ctx context.Context) error {
		came, err := k.Came(ctx, i.result.Sequences)
		if err == nil {
			i.count(came)
		}
		return err
	})
}

// progressEvery is how often a long import says how far it is, and what it waits for.
const progressEvery = 5 * time.Second

// progress tells from time to time what is left: waiting in silence looks like a fault.
func (i *importing) progress() func(verify.Left) {
	last := time.Now()
	return func(l verify.Left) {
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		i.note("waiting: %d messages to be stored, %d transactions to tell of, %d facts to be aggregated\n", l.Sequences, l.Untold, l.Facts)
	}
}

func (i *importing) count(came []normalise.Came) {
	chats := map[ingest.Chat]*chatReport{}
	at := func(c ingest.Chat) *chatReport {
		r := chats[c]
		if r == nil {
			r = &chatReport{Source: string(c.Source), Namespace: string(c.Namespace), Channel: string(c.Channel)}
			chats[c] = r
		}
		return r
	}
	for c, n := range i.result.Chats {
		r := at(c)
		r.Read, r.Published, r.Known, r.Unparsed, r.Ambiguous = n.Read, n.Published, n.Known, n.Unparsed, n.Ambiguous
	}
	for _, n := range came {
		i.report.Stored += n.Stored
		i.report.Facts += n.Facts
		r := at(ingest.Chat{Source: event.Source(n.Source), Namespace: event.Namespace(n.Namespace), Channel: event.Channel(n.Channel)})
		r.Name, r.Stored, r.Facts = n.Name, n.Stored, n.Facts
	}
	i.report.PerChat = sortedChats(chats)
}

func (i *importing) finish(began time.Time) {
	r := &i.report
	r.Read, r.Published, r.Known = i.result.Read, i.result.Published, i.result.Known
	r.Unparsed, r.Ambiguous, r.Places = i.result.Unparsed, i.result.Ambiguous, i.result.Places
	r.Seconds = time.Since(began).Seconds()
	if r.PerChat == nil {
		i.count(nil)
	}
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
	defer func() { err = errors.Join(err, in.close()) }()
	i := &importing{stack: &stack{cfg: cfg, log: log}, options: options(cfg.Import), note: a.note, lines: a.lines()}
	i.report.Skipped, i.report.Files, i.report.DryRun = in.skipped, len(in.files), true
	for _, file := range in.files {
		err := i.publish(ctx, file, ingest.Config{Publisher: nowhere{}, Log: log})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i.fail(file, err)
	}
	i.finish(began)
	i.report.Published = 0
	for c := range i.report.PerChat {
		i.report.PerChat[c].Published = 0
	}
	return errors.Join(a.printImport(&i.report), i.failed)
}

// fail notes that a file could not be read to its end.
func (i *importing) fail(f found, err error) {
	if err == nil {
		return
	}
	if !strings.Contains(err.Error(), f.file.Path) {
		err = fmt.Errorf("importing %s: %w", f.file.Path, err)
	}
	i.failed = errors.Join(i.failed, shown{err})
}

// nowhere is where a dry run publishes.
type nowhere struct{}

// Begin implements ingest.Publisher.
func (nowhere) Begin(_ context.Context, events []event.Event, _ bool) (int, ingest.Pending, error) {
	return len(events), nowhere{}, nil
}

// Fit implements ingest.Publisher.
func (nowhere) Fit(*event.Event) string { return "" }

// Wait implements ingest.Pending.
func (nowhere) Wait(context.Context) (seqset.Span, error) { return seqset.Span{First: 1, Last: 1}, nil }

// note tells a person how it goes; a script reads the JSON at the end.
func (a *app) note(format string, args ...any) {
	if a.output == "json" {
		return
	}
	fmt.Fprintf(a.errOut, format, args...)
}

// printImport prints the report. printImportText is for people.
func (a *app) printImport(r *importReport) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	return printImportText(a.out, r)
}
