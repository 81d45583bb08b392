package importer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/verify"
)

// ProgressInterval is how often an Observer gets a Snapshot, and what an import waits for.
const ProgressInterval = 5 * time.Second

// Observer is called while an import runs. Nil functions are skipped; the others may be called by several goroutines at once.
type Observer struct {
	File     func(FileDone)          // a file was read, or could not be
	Quiet    func(QuietFiles)        // files for which File was not called, if there are any
	Progress func(Snapshot)          // every ProgressInterval while files are read
	Waiting  func(verify.Remaining)  // every ProgressInterval while what was published is being stored
	Stalled  func(Stall)             // nothing is being stored
	Display  func(*Progress) Display // called before the first file is read
}

// FileDone is a file that was read, or could not be.
type FileDone struct {
	FileReport
	Title  string // of the source
	Failed bool   // it was not read to its end, and the import was not stopped
	DryRun bool
}

// QuietFiles sums up files that were not reported one by one.
type QuietFiles struct {
	Files, Reported int // not reported one by one, and reported so
	Read, Unparsed  int // of all files
}

// Display shows the progress of each file.
type Display interface {
	// File shows one more file: moved is called with its position in bytes, done when it was read.
	File(f *FileProgress) (moved func(bytes int64), done func())
	// Moved is called with the position in bytes in all files.
	Moved(bytes int64)
	// Close is called when all files were read.
	Close()
}

// Progress is how far an import of several files is.
type Progress struct {
	now     func() time.Time
	display Display // nil: none

	mu      sync.Mutex // covers all below, and what can change of the files
	began   time.Time
	files   int
	done    int
	size    int64 // bytes of all files
	passed  int64 // bytes of the files that are done
	read    int64 // of those, what this import read itself
	sum     ingest.Counts
	reading []*FileProgress // being read now
}

// FileProgress is how far one file is.
type FileProgress struct {
	Path string
	Size int64

	whole *Progress
	began time.Time
	moved func(bytes int64) // nil: no display
	ended func()

	before int64 // bytes that were read by an earlier import; whole.mu covers it and all below
	last   ingest.Progress
}

// NewProgress makes the progress of an import that begins now.
func NewProgress(files []files.Found, now func() time.Time) *Progress {
	p := &Progress{now: now, began: now(), files: len(files)}
	for _, f := range files {
		p.size += f.File.Size
	}
	return p
}

// Size is how many bytes all files have.
func (p *Progress) Size() int64 { return p.size }

// Watch calls read while o observes the progress.
func (p *Progress) Watch(ctx context.Context, o Observer, read func() error) error {
	if o.Display != nil {
		p.display = o.Display(p)
		defer p.display.Close()
	}
	if o.Progress == nil {
		return read()
	}
	ctx, stop := context.WithCancel(ctx)
	var reporting sync.WaitGroup
	reporting.Go(func() { p.report(ctx, o.Progress) })
	defer func() {
		stop()
		reporting.Wait()
	}()
	return read()
}

// report reports from time to time how far the import is, until ctx ends: waiting in silence looks like a fault.
func (p *Progress) report(ctx context.Context, to func(Snapshot)) {
	tick := time.NewTicker(ProgressInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			to(p.Snapshot())
		}
	}
}

// Begin notes that a file is being read from now on.
func (p *Progress) Begin(f files.Found) *FileProgress {
	one := &FileProgress{whole: p, Path: f.File.Path, Size: f.File.Size, began: p.now()}
	if p.display != nil {
		one.moved, one.ended = p.display.File(one)
	}
	p.add(one)
	return one
}

// BeginSmall does the same for one of many small files, which is not displayed by itself.
func (p *Progress) BeginSmall(f files.Found) *FileProgress {
	one := &FileProgress{whole: p, Path: f.File.Path, Size: f.File.Size, began: p.now()}
	p.add(one)
	return one
}

func (p *Progress) add(one *FileProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = append(p.reading, one)
}

// Resumed notes that an earlier import has read the beginning.
func (f *FileProgress) Resumed(bytes int64) {
	f.whole.mu.Lock()
	defer f.whole.mu.Unlock()
	f.before = min(bytes, f.Size)
}

// Observe is what ingest calls, one goroutine of a file at a time.
func (f *FileProgress) Observe(g ingest.Progress) {
	f.whole.mu.Lock()
	f.last = g
	at := f.position()
	f.whole.mu.Unlock()
	if f.moved != nil {
		f.moved(at)
		f.whole.display.Moved(f.whole.Snapshot().Bytes)
	}
}

// position is up to which byte the file was read. A session that broke counts some of them twice.
func (f *FileProgress) position() int64 { return min(f.before+f.last.Bytes, f.Size) }

// End notes that the file was read, or could not be.
func (f *FileProgress) End() {
	p := f.whole
	p.mu.Lock()
	p.reading = slices.DeleteFunc(p.reading, func(o *FileProgress) bool { return o == f })
	p.done++
	p.passed += f.Size
	p.read += f.Size - f.before
	p.sum = plus(p.sum, f.last.Counts)
	p.mu.Unlock()
	if f.ended != nil {
		f.ended()
	}
	if p.display != nil {
		p.display.Moved(p.Snapshot().Bytes)
	}
}

func plus(a, b ingest.Counts) ingest.Counts {
	return ingest.Counts{Read: a.Read + b.Read, Events: a.Events + b.Events, Published: a.Published + b.Published, Known: a.Known + b.Known,
		Unparsed: a.Unparsed + b.Unparsed, Ambiguous: a.Ambiguous + b.Ambiguous, Bytes: a.Bytes + b.Bytes}
}

// Snapshot is how far an import, or one file of it, is at one moment.
type Snapshot struct {
	Files, Done int
	Counts      ingest.Counts
	Bytes, Of   int64
	Rate        float64       // records a second since it began
	Remaining   time.Duration // 0: unknown
	Reading     []string      // files that are being read, the first MaxJobs
	Waiting     string        // why it waits; empty: it does not
}

// estimate computes the rate, and from it the time that remains: read bytes were read by this import itself.
func (s *Snapshot) estimate(took time.Duration, read int64) {
	if took <= 0 {
		return
	}
	s.Rate = float64(s.Counts.Read) / took.Seconds()
	if read > 0 {
		s.Remaining = time.Duration(float64(took) * float64(s.Of-s.Bytes) / float64(read))
	}
}

// Snapshot of the whole import.
func (p *Progress) Snapshot() Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Snapshot{Files: p.files, Done: p.done, Counts: p.sum, Bytes: p.passed, Of: p.size}
	read := p.read
	for _, f := range p.reading {
		s.Counts = plus(s.Counts, f.last.Counts)
		s.Bytes += f.position()
		read += f.position() - f.before
		if len(s.Reading) < MaxJobs {
			s.Reading = append(s.Reading, f.Path)
		}
		if f.last.State == ingest.Waiting {
			s.Waiting = f.last.Why
		}
	}
	s.estimate(p.now().Sub(p.began), read)
	return s
}

// Snapshot of one file.
func (f *FileProgress) Snapshot() Snapshot {
	f.whole.mu.Lock()
	defer f.whole.mu.Unlock()
	s := Snapshot{Files: 1, Counts: f.last.Counts, Bytes: f.position(), Of: f.Size}
	if f.last.State == ingest.Waiting {
		s.Waiting = f.last.Why
	}
	s.estimate(f.whole.now().Sub(f.began), f.position()-f.before)
	return s
}
