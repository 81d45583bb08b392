// Package importer imports exports of chats: it reads their files, publishes the events, waits until all of them are stored and aggregated, and
// reports what became of each file and chat.
//
// It promises that an import which was stopped or killed resumes from its cursors when it is repeated, that what is stored already is not
// published again, that a file which cannot be read does not keep others from being read, and that everything that was assumed, rejected or may
// be a duplicate is in the report. It prints nothing: an Observer is called while it runs. Finding the files is the work of package files.
package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/producers"
)

// Servers are the connections that an import uses. Each is opened when it is first used.
type Servers interface {
	Bus(context.Context) (*bus.Bus, error)
	Store(context.Context) (*normalise.Store, error)
	ClickHouse(context.Context) (*ch.DB, error)
	Verifier(context.Context) (*verify.Verifier, error)
	// Problems returns what may keep events from being stored: a gate that is shut, failing checks, servers that do not answer.
	Problems(context.Context) []string
}

// Config is what an import needs.
type Config struct {
	Options   producers.Options
	Batch     int // most events in an atomic batch; see ingest.Config
	Jobs      int // files read at once; default 1
	Servers   Servers
	Dedicated bool   // the embedded NATS server runs in this process, and no live source uses it
	Data      string // data directory on the disk of embedded servers, which importers must not fill; empty: none are embedded
	Rejects   string // directory for the list of rejected records; empty: none is written
	Metrics   *ingest.Metrics
	Log       *slog.Logger
	Failpoint func(point string) // nil but in crash tests; see ingest.Config.Hook
	Observer  Observer
	Began     time.Time // counts as the start in the report; default: the call of Run
}

// RejectsDir is where in the data directory the lists of rejected records are, a file an import.
func RejectsDir(data string) string { return filepath.Join(data, rejectsName) }

// Importer is one import.
type Importer struct {
	Config
	in       *files.Findings
	created  time.Time // of the stream that it publishes to
	report   Report
	result   ingest.Result
	failures failures
	reported atomic.Int64 // files that the observer got one by one
	progress *Progress
	rejects  *rejects
	waited   waitState
	notices  notices
	overlaps overlapCheck

	incarnation int32 // of the stream when the import began; 0: none yet
}

// New makes an import of the files that were found. The caller keeps in open until the import has ended, and closes it.
func New(c Config, in *files.Findings) *Importer {
	i := &Importer{Config: c, in: in, rejects: &rejects{dir: c.Rejects, now: time.Now}, progress: NewProgress(in.Files, time.Now)}
	if i.Log == nil {
		i.Log = slog.New(slog.DiscardHandler)
	}
	i.report.Files = len(in.Files)
	for _, n := range in.Notices {
		i.notices.add(n.Path, []producers.Notice{n.Notice})
	}
	return i
}

// Run imports the files. The report is right also when it ends with an error; of ErrStopped the same command resumes.
func (i *Importer) Run(ctx context.Context) (*Report, error) {
	i.begin()
	m := &stallMonitor{servers: i.Servers, progress: i.progress, waited: &i.waited, report: i.Observer.Stalled}
	unwatch := m.start(ctx)
	err := i.publishAll(ctx)
	i.closeRejects()
	if err == nil {
		err = i.settle(ctx)
	}
	if err == nil {
		if failed := i.overlaps.find(ctx, i); failed != nil && ctx.Err() == nil { // everything is stored all the same
			i.Log.Warn("the check for duplicate messages failed", "error", failed)
		}
	}
	unwatch()
	i.finish()
	if interrupted(ctx) {
		return &i.report, i.waited.stopped()
	}
	return &i.report, errors.Join(err, unread(i.in), i.failures.err, i.report.incomplete())
}

// DryRun reads the files and publishes nothing; it uses no server. It returns no report if ctx ends before all is read.
func (i *Importer) DryRun(ctx context.Context) (*Report, error) {
	i.begin()
	i.report.DryRun = true
	err := i.progress.Watch(ctx, i.Observer, func() error {
		return i.readAll(ctx, i.ingestOptions(discard{}))
	})
	if err != nil {
		return nil, err
	}
	i.closeRejects()
	i.finish()
	r := &i.report
	r.Published = 0
	for c := range r.PerChat {
		r.PerChat[c].Published = 0
	}
	for f := range r.PerFile {
		r.PerFile[f].Published = 0
	}
	return r, errors.Join(unread(i.in), i.failures.err)
}

// Publish reads the files into c.Publisher, and does not wait until anything is stored.
func (i *Importer) Publish(ctx context.Context, c ingest.Config) (ingest.Result, error) {
	err := i.readAll(ctx, c)
	return i.result, errors.Join(err, i.failures.err)
}

// Nothing is the report of an import that found no file to read.
func Nothing(in *files.Findings) *Report {
	i := New(Config{}, in)
	i.begin()
	i.finish()
	return &i.report
}

// Unreadable returns why files will not be read with these options: most need one more. They are in the report later, with the others.
func Unreadable(in *files.Findings, o producers.Options) (errs []error) {
	for _, f := range in.Files {
		if _, err := f.Def.Archive(f.File, o); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// ErrStopped says what to do after Ctrl-C.
var ErrStopped = errors.New("stopped before everything was imported; the same command goes on from here")

// interrupted reports whether the command was stopped by a signal or by its caller. If it was stopped because a server ended, the cause is an
// error that wraps another.
func interrupted(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, context.Canceled) && errors.Unwrap(cause) == nil
}

func (i *Importer) begin() {
	if i.Began.IsZero() {
		i.Began = time.Now()
	}
}

// closeRejects closes the list of what could not be read.
func (i *Importer) closeRejects() {
	path, n, err := i.rejects.close()
	if err != nil {
		i.Log.Warn("the list of rejected records is not whole", "error", err)
	}
	i.report.Rejects, i.report.Rejected = path, n
}

// publishAll publishes the events of every file.
func (i *Importer) publishAll(ctx context.Context) error {
	_, c, err := i.ingestConfig(ctx)
	if err != nil {
		return err
	}
	return i.progress.Watch(ctx, i.Observer, func() error { return i.readAll(ctx, c) })
}

// ingestConfig connects to what publishing needs.
func (i *Importer) ingestConfig(ctx context.Context) (*bus.Bus, ingest.Config, error) {
	var c ingest.Config
	b, err := i.Servers.Bus(ctx)
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
	store, err := i.Servers.Store(ctx)
	if err != nil {
		return nil, c, err
	}
	i.created = stream.Created
	if i.incarnation, err = store.Incarnation(ctx); err != nil {
		return nil, c, err
	}
	c = i.ingestOptions(b.Publisher())
	c.Cursors, c.Known, c.Throttle = cursors, store.Reports(), i.throttle(b, store)
	c.Batch, c.InFlight = i.Batch, 2 // the bus is kept busy, and a live message does not wait for four
	c.Metrics, c.Hook = i.Metrics, i.Failpoint
	if i.Failpoint != nil {
		c.SaveEvery = -1 // crash tests read small files, which would pass few points
	}
	return b, c, nil
}

// ingestOptions is what a dry run shares with an import.
func (i *Importer) ingestOptions(p ingest.Publisher) ingest.Config {
	c := ingest.Config{Publisher: p, Log: i.Log}
	now := time.Now().UnixMilli() // what is named last takes precedence
	if i.Options.Zone != nil {
		c.ZoneNamed = now
	}
	if i.Options.Charset != "" {
		c.CharsetNamed = now
	}
	return c
}

// unread is an error if something that was named could not be read, or no source reads anything of it.
func unread(in *files.Findings) error {
	var errs []error
	list := in.Unread()
	for n, s := range list {
		if n == MaxListed {
			errs = append(errs, fmt.Errorf("and %d more could not be read; --output json lists them", len(list)-n))
			break
		}
		errs = append(errs, app.Redacted(fmt.Errorf("%s was not read: %s", s.Path, strings.Map(printable, s.Why))))
	}
	return errors.Join(errs...)
}

// printable replaces control characters: a file name must not move a terminal's cursor.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}
