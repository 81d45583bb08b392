package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
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

// readAll reads the files, several at once, and adds up what became of them in the order in which they were found, so that
// two imports of the same say the same. A file that cannot be read does not keep the others from it; after ctx has ended none
// is begun.
func (i *importing) readAll(ctx context.Context, files []found, c ingest.Config) error {
	var g errgroup.Group
	g.SetLimit(max(i.jobs, 1))
	var mu sync.Mutex // covers all that is added up, and these
	outcomes, next := make([]*outcome, len(files)), 0
	for n, f := range files {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			o := i.read(ctx, f, c)
			mu.Lock()
			defer mu.Unlock()
			outcomes[n] = &o
			for ; next < len(files) && outcomes[next] != nil; next++ {
				i.add(ctx, files[next], outcomes[next])
				outcomes[next] = nil
			}
			return nil
		})
	}
	_ = g.Wait()                      // they return none
	for ; next < len(files); next++ { // the one before was not begun
		if outcomes[next] != nil {
			i.add(ctx, files[next], outcomes[next])
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// errStopped is why a file of an import that was stopped is not done.
var errStopped = errors.New("stopped before its end")

// read brings one file onto the bus.
func (i *importing) read(ctx context.Context, f found, c ingest.Config) outcome {
	began := time.Now()
	o := outcome{report: fileReport{Path: f.file.Path, Source: string(f.def.Name)}}
	progress := i.progress.begin(f)
	defer progress.end()
	src, err := f.def.Archive(f.file, i.options)
	if err == nil {
		c.Source, c.Name = src, cursorName(f, i.options, i.stream)
		c.Label = "archive/" + string(f.def.Name)
		kept := &resumption{found: func(_ int, bytes int64) { progress.resumed(bytes) }}
		if c.Cursors != nil {
			kept.Cursors, c.Cursors = c.Cursors, kept
		}
		c.Observe = func(p ingest.Progress) {
			kept.observe(p)
			progress.observe(p)
		}
		c.Rejected = func(e *event.Event) { i.rejects.event(f.file.Path, e) }
		o.result, err = ingest.Run(ctx, c)
		o.report.Resumed = kept.resumed()
	}
	if err != nil && ctx.Err() != nil {
		err = errStopped
	}
	if err != nil && err != errStopped {
		i.rejects.unreadable(f.file.Path, err)
	}
	if o.err = err; err != nil {
		o.report.Error = oneLine(err.Error())
	}
	o.report.Read, o.report.Published, o.report.Known = o.result.Read, o.result.Published, o.result.Known
	o.report.Unparsed, o.report.Seconds = o.result.Unparsed, time.Since(began).Seconds()
	i.tellFile(f, &o)
	return o
}

// tellFile tells a person what became of a file.
func (i *importing) tellFile(f found, o *outcome) {
	r := &o.report
	text := fmt.Sprintf("%s: %s, %d read", f.file.Path, f.def.Title, r.Read)
	if !i.report.DryRun {
		text += fmt.Sprintf(", %d published, %d known", r.Published, r.Known)
	}
	text += fmt.Sprintf(", %d unparsed", r.Unparsed)
	if r.Resumed > 0 {
		text += fmt.Sprintf("; an earlier import had read %d before", r.Resumed)
	}
	i.note("%s\n", text)
}

// add counts a file that was read in the whole.
func (i *importing) add(ctx context.Context, f found, o *outcome) {
	i.result.Add(o.result)
	i.report.PerFile = append(i.report.PerFile, o.report)
	i.report.Resumed += o.report.Resumed
	if ctx.Err() == nil {
		i.fail(f, o.err)
	}
}
