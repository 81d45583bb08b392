package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// slow is a source of one message, which takes a second to be read.
type slow struct {
	name  string
	crowd *crowd
	err   error
	done  bool
}

// crowd counts who reads at once.
type crowd struct {
	mu        sync.Mutex // covers all below
	now, most int
	begun     []string
}

func (s *slow) Connect(context.Context, producers.Cursor) (producers.Session, error) {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	s.crowd.now++
	s.crowd.most = max(s.crowd.most, s.crowd.now)
	s.crowd.begun = append(s.crowd.begun, s.name)
	return s, nil
}

func (s *slow) Next(ctx context.Context) (producers.Batch, error) {
	if s.done {
		return producers.Batch{}, io.EOF
	}
	s.done = true
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return producers.Batch{}, ctx.Err()
	}
	if s.err != nil {
		return producers.Batch{}, fault.AsFatal(s.err)
	}
	broken := event.Event{Source: "fake", Namespace: "n", NativeID: event.NativeID(s.name), Kind: event.KindUnparsed,
		Revision: event.Unedited, Body: &event.Unparsed{Reason: "odd", File: s.name, Line: 1}, Raw: []byte(s.name)}
	if err := broken.Seal(); err != nil {
		return producers.Batch{}, err
	}
	return producers.Batch{Events: []event.Event{broken}, Cursor: []byte("x"), Counts: producers.Counts{Read: 1, Unparsed: 1, Bytes: 10}}, nil
}

func (s *slow) Close() error {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	s.crowd.now--
	return nil
}

// crowded is an import of n files, of which the fourth cannot be read.
func crowded(n, jobs int) (*Importer, *crowd) {
	c := &crowd{}
	var list []files.Found
	for k := range n {
		s := &slow{name: fmt.Sprint("f", k), crowd: c}
		if k == 3 {
			s.err = errors.New("torn")
		}
		list = append(list, files.Found{File: producers.File{Path: s.name, Size: 10, Head: make([]byte, 10)},
			Def: producers.Definition{Name: "fake", Title: "Fake", Archive: func(producers.File, producers.Options) (producers.Source, error) { return s, nil }}})
	}
	return New(Config{Jobs: jobs}, &files.Findings{Files: list}), c
}

// TestImporter_readAll_jobs holds that at most so many files are read at once, and that the report is in the order of the files.
func TestImporter_readAll_jobs(t *testing.T) {
	t.Parallel()
	for _, jobs := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			i, c := crowded(9, jobs)
			began := time.Now()
			if err := i.readAll(t.Context(), ingest.Config{Publisher: discard{}}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != time.Duration(9/jobs)*time.Second || c.most != jobs {
				t.Errorf("%d jobs: took %s, %d were read at once", jobs, took, c.most)
			}
			var got []string
			for _, f := range i.report.PerFile {
				got = append(got, fmt.Sprint(f.Path, " ", f.Read, f.Unparsed, " ", f.Error))
			}
			if diff := cmp.Diff([]string{"f0 1 1 ", "f1 1 1 ", "f2 1 1 ", "f3 0 0 torn", "f4 1 1 ", "f5 1 1 ", "f6 1 1 ", "f7 1 1 ", "f8 1 1 "},
				got); diff != "" {
				t.Error(diff)
			}
			var places []string
			for _, p := range i.result.Places {
				places = append(places, p.File)
			}
			if diff := cmp.Diff([]string{"f0", "f1", "f2", "f4", "f5", "f6", "f7", "f8"}, places); diff != "" {
				t.Error(diff)
			}
			if i.failures.err == nil || i.result.Read != 8 || i.rejects.count != 9 {
				t.Errorf("failed with %v, read %d, rejected %d", i.failures.err, i.result.Read, i.rejects.count)
			}
			if s := i.progress.Snapshot(); s.Done != 9 || s.Bytes != s.Of || len(s.Reading) != 0 {
				t.Errorf("progress is %+v", s)
			}
		})
	}
}

// TestImporter_readAll_stopped holds that a stopped import begins no more files, and reports those in progress as unfinished.
func TestImporter_readAll_stopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, c := crowded(9, 2)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := i.readAll(ctx, ingest.Config{Publisher: discard{}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		var ends []string
		for _, f := range i.report.PerFile {
			ends = append(ends, f.Error)
		}
		if diff := cmp.Diff([]string{"", "", errUnfinished.Error(), errUnfinished.Error()}, ends); diff != "" || len(c.begun) != 4 || i.failures.err != nil {
			t.Errorf("began %q, failed with %v: %s", c.begun, i.failures.err, diff)
		}
		if i.rejects.count != 2 {
			t.Errorf("%d were rejected: what was stopped is no reject", i.rejects.count)
		}
	})
}

// TestInterrupted distinguishes Ctrl-C from servers that have ended: only after the first the same command resumes.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	signalled, stop := signal.NotifyContext(t.Context(), syscall.SIGUSR2)
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	<-signalled.Done()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		want bool
	}{{signalled, true}, {cancelled, true}, {t.Context(), false}, {ended(t, errors.New("the other process has ended")), false},
		{ended(t, fmt.Errorf("the servers have ended: %w", context.Canceled)), false}} {
		if got := interrupted(c.ctx); got != c.want {
			t.Errorf("%v: interrupted: %t", context.Cause(c.ctx), got)
		}
	}
}

func ended(t *testing.T, why error) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	return ctx
}

// TestImporter_readAll_smallFiles holds that many small files are read at once, that one which cannot be read fails alone, and that
// few batches are published.
func TestImporter_readAll_smallFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, c := crowded(300, 2)
		var begun atomic.Int64
		if err := i.readAll(t.Context(), ingest.Config{Publisher: counting{begun: &begun}}); err != nil {
			t.Fatal(err)
		}
		if c.most != smallAtOnce || begun.Load() > 10 {
			t.Errorf("%d were read at once, in %d batches", c.most, begun.Load())
		}
		if i.failures.err == nil || i.result.Read != 299 || i.result.Published != 299 || len(i.report.PerFile) != 300 || i.report.PerFile[3].Error != "torn" {
			t.Errorf("failed with %v, read %d, published %d, in %d files", i.failures.err, i.result.Read, i.result.Published, len(i.report.PerFile))
		}
	})
}

// counting counts batches.
type counting struct {
	discard
	begun *atomic.Int64
}

func (c counting) Begin(ctx context.Context, events []event.Event, live bool) (int, ingest.Pending, error) {
	c.begun.Add(1)
	return c.discard.Begin(ctx, events, live)
}

// TestImporter_readAll_ordered holds that parts of one folder are read one after another in their order, and other folders meanwhile.
func TestImporter_readAll_ordered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, c := crowded(8, 4)
		files := i.in.Files
		for n := range files {
			files[n].File.Path = []string{"a", "b"}[n%2] + "/" + fmt.Sprint(n)
			files[n].Def.Ordered = func(producers.File) bool { return true }
		}
		began := time.Now()
		if err := i.readAll(t.Context(), ingest.Config{Publisher: discard{}}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 4*time.Second || c.most != 2 {
			t.Errorf("took %s, %d were read at once", took, c.most)
		}
		if evens := slices.DeleteFunc(slices.Clone(c.begun), func(s string) bool { return s[1]%2 == 1 }); !slices.IsSorted(evens) {
			t.Errorf("began %v", c.begun)
		}
	})
}

// TestImporter_readAll_metricSeries imports many files: the number of metric series must not grow with them.
func TestImporter_readAll_metricSeries(t *testing.T) {
	t.Parallel()
	count := func(t *testing.T, files int) (n int) {
		i, _ := crowded(files, 8)
		reg := prometheus.NewRegistry()
		if err := i.readAll(t.Context(), ingest.Config{Publisher: discard{}, Metrics: ingest.NewMetrics(reg)}); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		if few, many := count(t, 10), count(t, 1000); few == 0 || many != few {
			t.Errorf("%d series after ten files, %d after 1000", few, many)
		}
	})
}
