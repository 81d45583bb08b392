package cli

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
)

// progressEvery is how often a long import says how far it is, and what it waits for, where no bars show it.
const progressEvery = 5 * time.Second

// progress is how far an import of several files is.
type progress struct {
	now  func() time.Time
	bars *bars // nil: no terminal shows them

	mu     sync.Mutex // covers all below, and what can change of the files
	began  time.Time
	files  int
	done   int
	of     int64 // bytes of all files
	passed int64 // bytes of the files that are done
	fresh  int64 // of those, what this import read itself
	sum    ingest.Counts
	hand   []*fileProgress // being read now
}

// fileProgress is how far one file is.
type fileProgress struct {
	whole *progress
	path  string
	size  int64
	began time.Time
	bar   *fileBar // nil: no terminal shows it

	before int64 // bytes that were read by an earlier import; whole.mu covers it and all below
	g      ingest.Progress
}

func newProgress(files []files.Found, now func() time.Time) *progress {
	p := &progress{now: now, began: now(), files: len(files)}
	for _, f := range files {
		p.of += f.File.Size
	}
	return p
}

// begin says that a file is being read from now on.
func (p *progress) begin(f files.Found) *fileProgress {
	one := &fileProgress{whole: p, path: f.File.Path, size: f.File.Size, began: p.now()}
	if p.bars != nil {
		one.bar = p.bars.file(one)
	}
	p.take(one)
	return one
}

// beginSmall does the same for one of many small files, which has no bar of its own.
func (p *progress) beginSmall(f files.Found) *fileProgress {
	one := &fileProgress{whole: p, path: f.File.Path, size: f.File.Size, began: p.now()}
	p.take(one)
	return one
}

func (p *progress) take(one *fileProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hand = append(p.hand, one)
}

// resumed says that an earlier import has read the beginning.
func (f *fileProgress) resumed(bytes int64) {
	f.whole.mu.Lock()
	defer f.whole.mu.Unlock()
	f.before = min(bytes, f.size)
}

// observe is what ingest calls, one goroutine of a file at a time.
func (f *fileProgress) observe(g ingest.Progress) {
	f.whole.mu.Lock()
	f.g = g
	at := f.at()
	f.whole.mu.Unlock()
	if f.bar != nil {
		f.bar.set(at)
	}
}

// at is up to which byte the file was read. A session that broke counts some of them twice.
func (f *fileProgress) at() int64 { return min(f.before+f.g.Bytes, f.size) }

// end says that the file was read, or could not be.
func (f *fileProgress) end() {
	p := f.whole
	p.mu.Lock()
	p.hand = slices.DeleteFunc(p.hand, func(o *fileProgress) bool { return o == f })
	p.done++
	p.passed += f.size
	p.fresh += f.size - f.before
	p.sum = plus(p.sum, f.g.Counts)
	p.mu.Unlock()
	switch {
	case f.bar != nil:
		f.bar.end()
	case p.bars != nil:
		p.bars.whole.SetCurrent(p.standing().Bytes)
	}
}

func plus(a, b ingest.Counts) ingest.Counts {
	return ingest.Counts{Read: a.Read + b.Read, Events: a.Events + b.Events, Published: a.Published + b.Published, Known: a.Known + b.Known,
		Unparsed: a.Unparsed + b.Unparsed, Ambiguous: a.Ambiguous + b.Ambiguous, Bytes: a.Bytes + b.Bytes}
}

// standing is how far an import, or one file of it, is at one moment.
type standing struct {
	Files, Done int
	Counts      ingest.Counts
	Bytes, Of   int64
	Rate        float64       // records a second since it began
	Left        time.Duration // 0: nobody can tell
	Hand        []string
	Why         string // it waits; empty: it does not
}

// pace says how fast it goes, and how long it will.
func (s *standing) pace(took time.Duration, fresh int64) {
	if took <= 0 {
		return
	}
	s.Rate = float64(s.Counts.Read) / took.Seconds()
	if fresh > 0 {
		s.Left = time.Duration(float64(took) * float64(s.Of-s.Bytes) / float64(fresh))
	}
}

// standing of the whole import.
func (p *progress) standing() standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := standing{Files: p.files, Done: p.done, Counts: p.sum, Bytes: p.passed, Of: p.of}
	fresh := p.fresh
	for _, f := range p.hand {
		s.Counts = plus(s.Counts, f.g.Counts)
		s.Bytes += f.at()
		fresh += f.at() - f.before
		if len(s.Hand) < jobsLimit {
			s.Hand = append(s.Hand, f.path)
		}
		if f.g.State == ingest.Waiting {
			s.Why = f.g.Why
		}
	}
	s.pace(p.now().Sub(p.began), fresh)
	return s
}

// standing of one file.
func (f *fileProgress) standing() standing {
	f.whole.mu.Lock()
	defer f.whole.mu.Unlock()
	s := standing{Files: 1, Counts: f.g.Counts, Bytes: f.at(), Of: f.size}
	if f.g.State == ingest.Waiting {
		s.Why = f.g.Why
	}
	s.pace(f.whole.now().Sub(f.began), f.at()-f.before)
	return s
}

// tell says from time to time how far the import is, until ctx ends: waiting in silence looks like a fault.
func (p *progress) tell(ctx context.Context, say func(standing)) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			say(p.standing())
		}
	}
}

// toLog says it to whoever reads the log.
func toLog(log *slog.Logger) func(standing) {
	return func(s standing) {
		args := []any{"files", s.Files, "done", s.Done, "read", s.Counts.Read, "published", s.Counts.Published, "known", s.Counts.Known,
			"unparsed", s.Counts.Unparsed, "bytes", s.Bytes, "of", s.Of, "per_second", int(s.Rate), "in_hand", s.Hand}
		if s.Left > 0 {
			args = append(args, "left_seconds", int(s.Left.Seconds()))
		}
		if s.Why != "" {
			args = append(args, "waiting", s.Why)
		}
		log.Info("importing", args...)
	}
}

// toPerson says it in a line.
func toPerson(note func(string, ...any)) func(standing) {
	return func(s standing) {
		note("%d of %d files, %s\n", s.Done, s.Files, s.words())
	}
}

// waitingWord begins why an import does not go on.
const waitingWord = "waiting: "

// words are what a person is told beside a bar or instead of one.
func (s *standing) words() string {
	out := []string{fmt.Sprintf("%d read", s.Counts.Read)}
	if s.Counts.Known > 0 {
		out = append(out, fmt.Sprintf("%d known", s.Counts.Known))
	}
	if s.Rate >= 1 {
		out = append(out, fmt.Sprintf("%.0f/s", s.Rate))
	}
	if s.Left > 0 {
		out = append(out, shortly(s.Left)+" left")
	}
	if s.Why != "" {
		out = append(out, waitingWord+strings.Map(printable, s.Why))
	}
	return strings.Join(out, ", ")
}

// shortly is a time as people say it.
func shortly(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
