package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// Files that are read at once. A small file costs a message with the disk synced, and no processor time meanwhile, so that two
// are worth it on one processor; what many threads read, the record's few take in no faster.
const (
	fewestJobs = 2
	mostJobs   = 4
	jobsLimit  = 16 // that somebody may ask for: each holds some thousand messages in memory
)

// jobsByCores is how many files are read at once unless somebody says.
func jobsByCores() int { return min(max(runtime.GOMAXPROCS(0), fewestJobs), mostJobs) }

// outcome is what became of one file.
type outcome struct {
	report fileReport
	result ingest.Result
	err    error
}

// Small files are read many at once, and their events published and looked up together: each alone costs round trips that leave
// the processor idle. They are so many files at least, and each is all in memory anyway.
const (
	fewSmall    = 20
	smallFile   = producers.HeadSize
	smallAtOnce = 128
)

// plan says how the files of an import are read.
type plan struct {
	slots  *semaphore.Weighted
	large  int64          // slots that a file takes which is not small
	shared *ingest.Shared // nil: there are few small files
}

// small reports whether a file shares what it asks for with others.
func (p *plan) small(f files.Found) bool { return p.shared != nil && f.File.Size <= smallFile }

func (p *plan) weight(f files.Found) int64 {
	if p.small(f) {
		return 1
	}
	return p.large
}

func (i *importing) plan(files []files.Found, c ingest.Config) *plan {
	jobs := int64(max(i.jobs, 1))
	p := &plan{large: max(smallAtOnce/jobs, 1)}
	p.slots = semaphore.NewWeighted(jobs * p.large)
	small := 0
	for _, f := range files {
		if f.File.Size <= smallFile {
			small++
		}
	}
	if small > fewSmall {
		p.shared = ingest.NewShared(c)
	}
	return p
}

// readAll reads the files, several at once, and adds up what became of them in the order in which they were found, so that
// two imports of the same say the same. A file that cannot be read does not keep the others from it; after ctx has ended none
// is begun.
func (i *importing) readAll(ctx context.Context, files []files.Found, c ingest.Config) error {
	p := i.plan(files, c)
	if p.shared != nil {
		life, stop := context.WithCancel(context.WithoutCancel(ctx)) // what was read is published after ctx has ended
		var serving sync.WaitGroup
		serving.Go(func() { p.shared.Run(life) })
		defer serving.Wait()
		defer stop()
	}
	var reading sync.WaitGroup
	var mu sync.Mutex // covers all that is added up, and these
	outcomes, next := make([]*outcome, len(files)), 0
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
			o := i.read(ctx, f, c, p)
			mu.Lock()
			defer mu.Unlock()
			outcomes[n] = &o
			for ; next < len(files) && outcomes[next] != nil; next++ {
				i.add(ctx, files[next], outcomes[next])
				outcomes[next] = nil
			}
		})
	}
	reading.Wait()
	for ; next < len(files); next++ { // the one before was not begun
		if outcomes[next] != nil {
			i.add(ctx, files[next], outcomes[next])
		}
	}
	i.tellQuiet()
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

// errStopped is why a file of an import that was stopped is not done.
var errStopped = errors.New("stopped before its end")

// read brings one file onto the bus.
func (i *importing) read(ctx context.Context, f files.Found, c ingest.Config, p *plan) outcome {
	began := time.Now()
	o := outcome{report: fileReport{Path: f.File.Path, Source: string(f.Def.Name)}}
	small, begin := p.small(f), i.progress.begin
	if small {
		begin = i.progress.beginSmall
	}
	progress := begin(f)
	defer progress.end()
	src, err := f.Def.Archive(f.File, i.options)
	if err == nil {
		c.Source, c.Name = src, i.cursorOf(f)
		c.Label = "archive/" + string(f.Def.Name)
		kept := &resumption{found: func(_ int, bytes int64) { progress.resumed(bytes) }}
		if c.Cursors != nil {
			kept.Cursors, c.Cursors = c.Cursors, kept
		}
		c.Observe = func(p ingest.Progress) {
			kept.observe(p)
			progress.observe(p)
		}
		c.Rejected = func(e *event.Event) { i.rejects.event(f.File.Path, e) }
		if small {
			c = p.shared.Join(c)
			c.SaveEvery = cmp.Or(c.SaveEvery, noSaving)
		}
		o.result, err = ingest.Run(ctx, c)
		err = cmp.Or(err, f.Damage())
		o.report.Resumed = kept.resumed()
	}
	if err != nil && ctx.Err() != nil {
		err = errStopped
	}
	if err != nil && err != errStopped {
		i.rejects.unreadable(f.File.Path, err)
	}
	if o.err = err; err != nil {
		o.report.Error = oneLine(err.Error())
	}
	o.report.Read, o.report.Published, o.report.Known = o.result.Read, o.result.Published, o.result.Known
	o.report.Unparsed, o.report.Seconds = o.result.Unparsed, time.Since(began).Seconds()
	if !small || o.err != nil || o.report.Unparsed > 0 {
		i.tellFile(f, &o)
	}
	return o
}

// noSaving is the time to the next saved cursor of a small file: one is saved only where reading was stopped.
const noSaving = time.Hour

// tellFile tells a person what became of a file. After many files only the sum is told.
func (i *importing) tellFile(f files.Found, o *outcome) {
	if i.toldFiles.Add(1) > manyFiles {
		return
	}
	r := &o.report
	text := fmt.Sprintf("%s: %s, %d read", f.File.Path, f.Def.Title, r.Read)
	if !i.report.DryRun {
		text += fmt.Sprintf(", %d published, %d known", r.Published, r.Known)
	}
	text += fmt.Sprintf(", %d unparsed", r.Unparsed)
	if o.err != nil && o.err != errStopped {
		text += "; not read to its end: " + r.Error
	}
	if r.Resumed > 0 {
		text += fmt.Sprintf("; an earlier import had read %d before", r.Resumed)
	}
	i.note("%s\n", text)
}

// manyFiles is after how many files a person is told of no more one by one.
const manyFiles = 100

// tellQuiet tells a person of the files that were read without a word.
func (i *importing) tellQuiet() {
	told := int(min(i.toldFiles.Load(), manyFiles))
	if n := len(i.report.PerFile) - told; n > 0 {
		more := ""
		if told > 0 {
			more = "more "
		}
		i.note("%d %sfiles; %d records in all, %d unparsed\n", n, more, i.result.Read, i.result.Unparsed)
	}
}

// add counts a file that was read in the whole.
func (i *importing) add(ctx context.Context, f files.Found, o *outcome) {
	i.result.Add(o.result)
	i.notices.add(f.File.Path, o.result.Notices)
	i.exports.add(path.Dir(f.File.Path), o.result.Keys, o.report.Resumed > 0)
	i.report.PerFile = append(i.report.PerFile, o.report)
	i.report.Resumed += o.report.Resumed
	if ctx.Err() == nil {
		i.fail(f, o.err)
	}
}
