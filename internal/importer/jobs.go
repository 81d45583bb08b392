package importer

import (
	"cmp"
	"context"
	"errors"
	"path"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
)

// Files that are read at once. A small file costs a message with the disk synced, and no processor time meanwhile, so that two
// are worth it on one processor; what many threads read, the few connections of the store take in no faster.
const (
	fewestJobs  = 2
	defaultJobs = 4
	MaxJobs     = 16 // that a user may choose: each buffers some thousand messages
)

// DefaultJobs is how many files are read at once unless a user says.
func DefaultJobs() int { return min(max(runtime.GOMAXPROCS(0), fewestJobs), defaultJobs) }

// fileResult is what became of one file.
type fileResult struct {
	report FileReport
	result ingest.Result
	err    error
}

// Small files are read many at once, and their events published and looked up together: each alone costs round trips that leave
// the processor idle. They are so many files at least, and each is buffered whole anyway.
const (
	minSmallFiles = 20
	maxSmallSize  = producers.HeadSize
	smallAtOnce   = 128
)

// plan says how the files of an import are read.
type plan struct {
	slots  *semaphore.Weighted
	large  int64          // slots that a file takes which is not small
	shared *ingest.Shared // nil: there are few small files
}

// small reports whether a file shares its batches with others.
func (p *plan) small(f files.Found) bool { return p.shared != nil && f.File.Size <= maxSmallSize }

func (p *plan) weight(f files.Found) int64 {
	if p.small(f) {
		return 1
	}
	return p.large
}

func newPlan(jobs int, files []files.Found, c ingest.Config) *plan {
	slots := int64(max(jobs, 1))
	p := &plan{large: max(smallAtOnce/slots, 1)}
	p.slots = semaphore.NewWeighted(slots * p.large)
	small := 0
	for _, f := range files {
		if f.File.Size <= maxSmallSize {
			small++
		}
	}
	if small > minSmallFiles {
		p.shared = ingest.NewShared(c)
	}
	return p
}

// readAll reads the files, several at once, and adds up what became of them in the order in which they were found, so that
// two imports of the same files report the same. A file that cannot be read does not keep the others from it; after ctx has ended none
// is begun.
func (i *Importer) readAll(ctx context.Context, c ingest.Config) error {
	files := i.in.Files
	p := newPlan(i.Jobs, files, c)
	if p.shared != nil {
		life, stop := context.WithCancel(context.WithoutCancel(ctx)) // what was read is published after ctx has ended
		var serving sync.WaitGroup
		serving.Go(func() { p.shared.Run(life) })
		defer serving.Wait()
		defer stop()
	}
	var reading sync.WaitGroup
	var mu sync.Mutex // covers all that is added up, and these
	results, next := make([]*fileResult, len(files)), 0
	parts := parts{}
	for n, f := range files {
		if ctx.Err() != nil || p.slots.Acquire(ctx, p.weight(f)) != nil {
			break
		}
		before, done := parts.next(f)
		reading.Go(func() {
			defer p.slots.Release(p.weight(f))
			defer close(done)
			<-before // it was begun earlier, and ends when ctx does
			r := i.read(ctx, f, c, p)
			mu.Lock()
			defer mu.Unlock()
			results[n] = &r
			for ; next < len(files) && results[next] != nil; next++ {
				i.add(ctx, files[next], results[next])
				results[next] = nil
			}
		})
	}
	reading.Wait()
	for ; next < len(files); next++ { // the one before was not begun
		if results[next] != nil {
			i.add(ctx, files[next], results[next])
		}
	}
	i.reportQuiet()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// parts are the last parts begun of exports whose parts are read one after another, by source and folder: closed when they are read.
type parts map[string]chan struct{}

// next returns what a file waits for, and what to close when it is read.
func (p parts) next(f files.Found) (before, done chan struct{}) {
	done = make(chan struct{})
	key := string(f.Def.Name) + "\x00" + path.Dir(f.File.Path)
	if f.Def.Ordered != nil && f.Def.Ordered(f.File) {
		before, p[key] = p[key], done
	}
	if before == nil {
		before = make(chan struct{})
		close(before)
	}
	return before, done
}

// errUnfinished is why a file of an import that was stopped is not done.
var errUnfinished = errors.New("stopped before its end")

// read publishes the events of one file.
func (i *Importer) read(ctx context.Context, f files.Found, c ingest.Config, p *plan) fileResult {
	began := time.Now()
	r := fileResult{report: FileReport{Path: f.File.Path, Source: string(f.Def.Name)}}
	small, begin := p.small(f), i.progress.Begin
	if small {
		begin = i.progress.BeginSmall
	}
	progress := begin(f)
	defer progress.End()
	src, err := f.Def.Archive(f.File, i.Options)
	if err == nil {
		c.Source, c.Name = src, i.cursorName(f)
		c.Label = "archive/" + string(f.Def.Name)
		cursors := &resumeCursors{resumed: func(at position) { progress.Resumed(at.bytes) }}
		if c.Cursors != nil {
			cursors.Cursors, c.Cursors = c.Cursors, cursors
		}
		c.Observe = func(p ingest.Progress) {
			cursors.observe(p)
			progress.Observe(p)
		}
		c.Rejected = func(e *event.Event) { i.rejects.event(f.File.Path, e) }
		if small {
			c = p.shared.Join(c)
			c.SaveEvery = cmp.Or(c.SaveEvery, saveAtEnd)
		}
		r.result, err = ingest.Run(ctx, c)
		err = cmp.Or(err, f.Damage())
		r.report.Resumed = cursors.readBefore()
	}
	if err != nil && ctx.Err() != nil {
		err = errUnfinished
	}
	if err != nil && err != errUnfinished {
		i.rejects.unreadable(f.File.Path, err)
	}
	if r.err = err; err != nil {
		r.report.Error = app.OneLine(err.Error())
	}
	r.report.Read, r.report.Published, r.report.Known = r.result.Read, r.result.Published, r.result.Known
	r.report.Unparsed, r.report.Seconds = r.result.Unparsed, time.Since(began).Seconds()
	if !small || r.err != nil || r.report.Unparsed > 0 {
		i.reportFile(f, &r)
	}
	return r
}

// saveAtEnd is the time to the next saved cursor of a small file: one is saved only where reading was stopped.
const saveAtEnd = time.Hour

// add counts a file that was read in the whole.
func (i *Importer) add(ctx context.Context, f files.Found, r *fileResult) {
	i.result.Add(r.result)
	i.notices.add(f.File.Path, r.result.Notices)
	i.overlaps.exports.add(path.Dir(f.File.Path), r.result.Keys, r.report.Resumed > 0)
	i.report.PerFile = append(i.report.PerFile, r.report)
	i.report.Resumed += r.report.Resumed
	if ctx.Err() == nil {
		i.failures.add(f, r.err)
	}
}

// maxReported is how many files are reported to the observer one by one; the rest is summed up.
const maxReported = 100

func (i *Importer) reportFile(f files.Found, r *fileResult) {
	if i.Observer.File == nil || i.reported.Add(1) > maxReported {
		return
	}
	i.Observer.File(FileDone{FileReport: r.report, Title: f.Def.Title, Failed: r.err != nil && r.err != errUnfinished, DryRun: i.report.DryRun})
}

// reportQuiet sums up the files that were not reported one by one.
func (i *Importer) reportQuiet() {
	reported := int(min(i.reported.Load(), maxReported))
	if quiet := len(i.report.PerFile) - reported; quiet > 0 && i.Observer.Quiet != nil {
		i.Observer.Quiet(QuietFiles{Files: quiet, Reported: reported, Read: i.result.Read, Unparsed: i.result.Unparsed})
	}
}

// discard is where a dry run publishes.
type discard struct{}

// Begin implements ingest.Publisher.
func (discard) Begin(_ context.Context, events []event.Event, _ bool) (int, ingest.Pending, error) {
	return len(events), discard{}, nil
}

// Fit implements ingest.Publisher.
func (discard) Fit(*event.Event) string { return "" }

// Wait implements ingest.Pending.
func (discard) Wait(context.Context) (seqset.Span, error) { return seqset.Span{First: 1, Last: 1}, nil }
