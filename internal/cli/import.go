package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// importReport is what an import ends with. Its names are relied upon by scripts.
type importReport struct {
	Files              int             `json:"files"`
	Read               int             `json:"read"`           // records of input
	Events             int             `json:"events"`         // that the records told: published, known and, in a dry run, neither
	Published          int             `json:"published"`      // events acknowledged by the bus
	Known              int             `json:"known"`          // events that the record held already, and that were not published
	Stored             int64           `json:"stored"`         // different events of those published, in the record
	Updated            int64           `json:"updated"`        // different events that stood before and that this import completed or corrected
	Already            int64           `json:"already_stored"` // events published that another message had stored
	Dead               int64           `json:"dead_lettered"`  // events published that could not be stored
	Facts              int64           `json:"facts"`          // states that came of them, in ClickHouse
	Unparsed           int             `json:"unparsed"`
	Ambiguous          int             `json:"ambiguous"`
	Overlapping        int             `json:"overlapping"`             // messages that seem to stand twice: see the notices overlap-*
	Resumed            int             `json:"resumed,omitempty"`       // records that an import which was stopped had read, and this one did not
	Rejected           int             `json:"rejected,omitempty"`      // records and files that could not be read
	Rejects            string          `json:"rejected_file,omitempty"` // lists them, a line each
	Seconds            float64         `json:"seconds"`
	DryRun             bool            `json:"dry_run,omitempty"`
	PerChat            []chatReport    `json:"per_chat"`
	PerFile            []fileReport    `json:"per_file"`
	Notices            []notice        `json:"notices,omitempty"` // what was assumed, guessed, joined or left out
	Places             []ingest.Place  `json:"unparsed_places,omitempty"`
	Causes             []deadCause     `json:"dead_letter_causes,omitempty"`
	Unstored           uint64          `json:"unstored_sequences,omitempty"` // messages that were removed from CHAT before they were stored
	Skipped            []files.Skipped `json:"skipped,omitempty"`
	Belonging          int             `json:"export_files"`                    // files that no source reads by themselves, but that belong to the exports: media, styles, lists
	AmbiguousElsewhere int             `json:"ambiguous_not_by_chat,omitempty"` // of ambiguous, those that no chat of per_chat counts: of batches of several chats
}

type chatReport struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Name      string `json:"name,omitempty"`
	Read      int    `json:"read"` // events: the same as the next, under the name that it had first
	Events    int    `json:"events"`
	Published int    `json:"published"`
	Known     int    `json:"known"`
	Stored    int64  `json:"stored"`
	Updated   int64  `json:"updated"`
	Facts     int64  `json:"facts"`
	Unparsed  int    `json:"unparsed"`
	Ambiguous int    `json:"ambiguous"`
}

type fileReport struct {
	Path      string  `json:"path"`
	Source    string  `json:"source"`
	Read      int     `json:"read"`
	Published int     `json:"published"`
	Known     int     `json:"known"`
	Unparsed  int     `json:"unparsed"`
	Resumed   int     `json:"resumed,omitempty"` // as above
	Error     string  `json:"error,omitempty"`
	Seconds   float64 `json:"seconds"`
}

// importing is one import on its way.
type importing struct {
	*stack
	options   producers.Options
	jobs      int       // files read at once
	stream    time.Time // when the stream was made that it publishes to
	report    importReport
	result    ingest.Result
	failed    error
	failures  int                 // files that could not be read to their end
	failedFor map[string]*failure // by the reason, where that names no file
	toldFiles atomic.Int64        // of which a person was told one by one
	in        *findings
	progress  *progress
	rejects   *rejects
	note      func(format string, args ...any) // tells a person how it goes
	say       func(standing)                   // is told from time to time how far it is; nil: nobody listens
	left      func(verify.Left)                // the same, of what is waited for
	bars      func() *bars                     // shows it on a terminal; nil: there is none
	warn      func(standstill)                 // is told that nothing is being stored
	waited    waited
	notices   notices
	exports   exports
	twoChats  map[string]bool // chats of one name that became one, by key

	incarnation int32 // of the stream when the import began; 0: none yet
}

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
				r, err := a.importAll(ctx, s, in)
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
	if f.jobs < 1 || f.jobs > jobsLimit {
		return misuse{fmt.Errorf("--jobs %d is out of range; 1 to %d will do", f.jobs, jobsLimit)}
	}
	return nil
}

func (a *app) importFlags(c *cobra.Command, f *importFlags) {
	c.Flags().StringVar(&f.source, "source", "", "of which network or format the exports are, if they are not recognised (agrichat sources lists them)")
	c.Flags().IntVar(&f.jobs, "jobs", jobsByCores(), "files read at once")
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

func options(c config.Import) producers.Options {
	return producers.Options{Account: event.Account(c.Account), Namespace: event.Namespace(c.Namespace),
		Channel: event.Channel(c.Channel), Zone: c.Location(), Charset: c.Charset, DateOrder: producers.DateOrder(c.DateOrder)}
}

// lookFor finds what there is to import, before any server is started for it. The configuration's mistakes come first.
func (a *app) lookFor(f importFlags, paths []string) (*findings, error) {
	if _, _, err := a.config(); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	in, err := findFiles(paths, f.source)
	if err != nil {
		return nil, err
	}
	in.jobs, in.quiet = f.jobs, f.quiet
	if len(in.Files) > 0 {
		a.tellHopeless(in)
		return in, nil
	}
	i := &importing{in: in}
	i.finish(time.Now())
	if err := a.printImport(&i.report); err != nil {
		return in, err
	}
	skipped, belonging := in.Skipped()
	if len(skipped) == 0 {
		return in, fmt.Errorf("nothing to import: there are no files in %s", strings.Join(paths, ", "))
	}
	return in, fmt.Errorf("nothing to import: no source recognises anything in %s; agrichat sources says what each reads, and --source says of what an export is",
		counted(len(skipped)+belonging, "file"))
}

// importAll brings in what was found. The report is right also when it ends with an error.
func (a *app) importAll(ctx context.Context, s *stack, in *findings) (*importReport, error) {
	began := time.Now()
	i := a.newImport(s, in)
	i.rejects.dir = filepath.Join(s.cfg.Data, rejectedName)
	unwatch := i.watchStandstill(ctx)
	err := i.publishAll(ctx, in.Files)
	i.listed()
	if err == nil {
		err = i.settle(ctx)
	}
	if err == nil {
		if failed := i.overlaps(ctx); failed != nil && ctx.Err() == nil { // everything is stored all the same
			i.log.Warn("messages that stand twice were not looked for", "error", failed)
		}
	}
	unwatch()
	i.finish(began)
	if byHand(ctx) {
		return &i.report, i.waited.halfway()
	}
	return &i.report, errors.Join(err, in.unread(), i.failed, i.report.incomplete())
}

// errHalfway says what to do after Ctrl-C.
var errHalfway = errors.New("stopped before everything was imported; the same command goes on from here")

// byHand reports whether somebody stopped the command, by a signal or by cancelling it. A server that ended under it says so
// in an error made of another.
func byHand(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, context.Canceled) && errors.Unwrap(cause) == nil
}

func (a *app) newImport(s *stack, in *findings) *importing {
	i := &importing{stack: s, options: options(s.cfg.Import), in: in, jobs: in.jobs, rejects: &rejects{now: time.Now}, exports: exports{}}
	i.report.Files = len(in.Files)
	for _, n := range in.Notices {
		i.notices.add(n.Path, []producers.Notice{n.Notice})
	}
	i.listen(a, in)
	return i
}

// listed says where that is listed which could not be read.
func (i *importing) listed() {
	path, n, err := i.rejects.close()
	if err != nil {
		i.log.Warn("the list of rejected records is not whole", "error", err)
	}
	i.report.Rejects, i.report.Rejected = path, n
}

// publishAll brings every file onto the bus.
func (i *importing) publishAll(ctx context.Context, files []files.Found) error {
	_, c, err := i.ingesting(ctx)
	if err != nil {
		return err
	}
	return i.watched(ctx, func() error { return i.readAll(ctx, files, c) })
}

// ingesting is how this import publishes.
func (i *importing) ingesting(ctx context.Context) (*bus.Bus, ingest.Config, error) {
	var c ingest.Config
	b, err := i.openBus(ctx)
	if err != nil {
		return nil, c, err
	}
	cursors, err := b.Cursors(ctx)
	if err != nil {
		return nil, c, err
	}
	stream, err := b.Stream(ctx, bus.Chat)
	if err != nil {
		return nil, c, err
	}
	k, err := i.openKeeper(ctx)
	if err != nil {
		return nil, c, err
	}
	var throttle ingest.Throttle = b.Throttle(bus.ThrottleConfig{Lead: i.lead(), Watches: []bus.Watch{
		{Stream: bus.Chat, Consumer: bus.Normalise, High: leadMessages, Low: leadMessages / 2},
	}})
	throttle = throttlePending(throttle, k.Pending)
	throttle = throttleFacts(throttle, func(ctx context.Context) (bus.StreamStatus, error) { return b.Stream(ctx, bus.Facts) })
	if i.cfg.NATS.Embedded() {
		throttle = spaceThrottle{Throttle: throttle, folder: i.cfg.Data, free: freeSpace}
	}
	i.stream = stream.Created
	if i.incarnation, err = k.Incarnation(ctx); err != nil {
		return nil, c, err
	}
	c = ingest.Config{ZoneNamed: named(i.cfg.Import.Zone), CharsetNamed: named(i.cfg.Import.Charset), Publisher: b,
		Cursors: cursors, Known: k, Throttle: throttle, Batch: i.cfg.Import.Batch, InFlight: 2, // the bus is kept busy, and a live message does not wait for four
		Metrics: i.intake, Log: i.log, Hook: prefixed(i.hook, "ingest.")}
	if i.hook != nil {
		c.SaveEvery = -1 // crash tests read small files, which would pass few points
	}
	return b, c, nil
}

// lead is how far importers may be ahead of PostgreSQL. Beside live sources it is a second, for a message of theirs waits behind them:
// half of it is left when they go on, which keeps the normaliser busy. An event takes between a third of a kilobyte and one.
//
// A server of the import's own serves nobody else. There the normaliser stays some of its blocks of 8 MB behind: the server keeps
// what is read soon after it was written in memory for ten seconds more, which takes a hundred megabytes.
func (i *importing) lead() bus.LeadLimit {
	if i.nats != nil {
		return bus.LeadLimit{Consumer: bus.Normalise, Delay: time.Hour, Floor: 64 << 20, Bytes: 64 << 20}
	}
	return bus.LeadLimit{Consumer: bus.Normalise, Delay: time.Second, Floor: 2 << 20, Bytes: 16 << 20}
}

// leadMessages bounds it where messages carry one event each.
const leadMessages = 100_000

func (i *importing) finish(began time.Time) {
	r := &i.report
	r.Read, r.Published, r.Known = i.result.Read, i.result.Published, i.result.Known
	r.Unparsed, r.Ambiguous, r.Places = i.result.Unparsed, i.result.Ambiguous, i.result.Places
	r.Notices = i.notices.sorted()
	r.Skipped, r.Belonging = i.in.Skipped()
	r.Seconds = time.Since(began).Seconds()
	if r.PerChat == nil {
		i.count(nil)
	}
	r.Events, r.AmbiguousElsewhere = 0, r.Ambiguous
	for n := range r.PerChat {
		c := &r.PerChat[n]
		c.Events = c.Read
		r.Events += c.Events
		r.AmbiguousElsewhere -= c.Ambiguous
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
	defer func() { err = errors.Join(err, in.Close()) }()
	i := a.newImport(&stack{cfg: cfg, log: log}, in)
	i.report.DryRun = true
	err = i.watched(ctx, func() error {
		return i.readAll(ctx, in.Files, ingest.Config{
			ZoneNamed: named(cfg.Import.Zone), CharsetNamed: named(cfg.Import.Charset), Publisher: nowhere{}, Log: log})
	})
	if err != nil {
		return err
	}
	i.listed()
	i.finish(began)
	i.report.Published = 0
	for c := range i.report.PerChat {
		i.report.PerChat[c].Published = 0
	}
	for f := range i.report.PerFile {
		i.report.PerFile[f].Published = 0
	}
	return errors.Join(a.printImport(&i.report), in.unread(), i.failed)
}

// failure is why files could not be read to their end.
type failure struct {
	path string // of the first
	more int    // files with the same reason
	err  error
}

// Error implements error.
func (f *failure) Error() string {
	if f.more == 0 {
		return fmt.Sprintf("importing %s: %v", f.path, f.err)
	}
	return fmt.Sprintf("importing %s and %s: %v", f.path, counted(f.more, "more file"), f.err)
}

// Unwrap gives the reason.
func (f *failure) Unwrap() error { return f.err }

// fail notes that a file could not be read to its end. A reason that several files share, and that names none, is said once, and so is
// what all files of one export lack.
func (i *importing) fail(f files.Found, err error) {
	if err == nil {
		return
	}
	reason := err.Error()
	var shared *producers.SharedError
	if errors.As(err, &shared) {
		reason, err = shared.Export+": "+shared.Error(), fault.AsFatal(shared)
	}
	if shared != nil || !strings.Contains(reason, f.File.Path) {
		if before := i.failedFor[reason]; before != nil {
			before.more++
			return
		}
		if i.failedFor == nil {
			i.failedFor = map[string]*failure{}
		}
		same := &failure{path: f.File.Path, err: err}
		i.failedFor[reason], err = same, same
	}
	switch i.failures++; {
	case i.failures <= shownPlaces:
		i.failed = errors.Join(i.failed, shown{err})
	case i.failures == shownPlaces+1:
		i.failed = errors.Join(i.failed, errMoreFailed)
	}
}

// errMoreFailed stands for files that could not be read beyond those that are named.
var errMoreFailed = errors.New("and more files could not be read; the list of rejected records names them all")

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
