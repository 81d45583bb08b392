// Package bench measures the whole way of a message: archive, bus, PostgreSQL, ClickHouse, verification, and live sources, in servers
// of its own with everything durable, beside what the machine itself can do.
//
// It promises that each figure is the median of runs, that what matters is measured twice in each run, and that a report whose
// stores lack a row is not complete. It measures another program, agrichat, and is no part of it.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/verify"
)

// The parts of a benchmark.
const (
	partImport = "import" // the whole way, again, verification, COPY
	partBus    = "bus"    // from files to the bus, and bare publishing
	partLive   = "live"   // the whole way with NATS apart, and the live path, alone and during an import
	partBento  = "bento"
)

// Parts are the parts of a benchmark.
func Parts() []string { return []string{partImport, partBus, partLive, partBento} }

// Config says what is measured, of which program, and where.
type Config struct {
	Corpus  corpus.Corpus
	Runs    int           // how often everything is measured
	Large   int           // messages of a larger archive that is imported once; 0: none
	Formats []string      // that are published, beside Telegram
	Only    []string      // parts
	Live    time.Duration // how long the live path is measured in each run
	Rate    int           // messages a second on the live path
	Keep    string        // directory that is made and kept; empty: one in the data directory, which is removed

	Program  string // agrichat
	Settings config.Config
	Environ  []string // of the program, as os.Environ gives it
	Log      *slog.Logger
	Stderr   io.Writer // of the program and of Bento
	Notify   func(format string, args ...any)
}

// Check returns what is wrong with the flags.
func (c *Config) Check() error {
	known := Formats()
	for _, name := range c.Formats {
		if !slices.Contains(known, name) {
			return app.UsageErrorf("--formats: there is no %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	for _, name := range c.Only {
		if !slices.Contains(Parts(), name) {
			return app.UsageErrorf("--only: there is no %q; there are %s", name, strings.Join(Parts(), ", "))
		}
	}
	switch {
	case c.Corpus.Messages < 1:
		return app.UsageErrorf("--messages is %d: an archive has at least one", c.Corpus.Messages)
	case c.Runs < 1:
		return app.UsageErrorf("--runs is %d: nothing would be measured", c.Runs)
	case c.Rate < 1 || c.Live < 0 || c.Large < 0:
		return app.UsageErrorf("--rate is at least 1, --live and --large are not below 0")
	}
	return nil
}

// Formats are the names of the formats that a corpus is written as.
func Formats() (out []string) {
	for _, f := range corpus.Formats() {
		out = append(out, string(f))
	}
	return out
}

func (c *Config) does(part string) bool { return slices.Contains(c.Only, part) }

// liveMessages is how many messages are published on the live path.
func (c *Config) liveMessages() int { return int(c.Live.Seconds() * float64(c.Rate)) }

// Report is what a benchmark ends with. Scripts rely on its names.
type Report struct {
	Processors int                           `json:"processors"`
	Runs       int                           `json:"runs"`
	Corpora    map[corpus.Format]corpus.Made `json:"corpora"`
	Figures    []*measure.Figure             `json:"figures"`
	Postgres   measure.Rows                  `json:"postgres"` // of the last import
	ClickHouse measure.Rows                  `json:"clickhouse"`
	Proof      verify.Report                 `json:"proof"`
	LeftOut    []string                      `json:"left_out,omitempty"` // what was not measured, and why
	Complete   bool                          `json:"complete"`           // every import was verified, and both stores hold every message of the archive
	Problems   []string                      `json:"amiss,omitempty"`    // why it is not complete
}

// run is one benchmark while it runs.
type run struct {
	Config
	bin      engine.Binaries
	dir      string
	archives map[corpus.Format]string
	events   int    // that the first archive comes to on the bus; zero: not known yet
	bento    string // its program; empty: there is none
	report   Report
}

// Run measures.
func Run(ctx context.Context, c Config) (_ *Report, err error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	b := &run{Config: c, archives: map[corpus.Format]string{}}
	if b.bin, err = engine.Locate(app.EngineDirs(c.Settings)...); err != nil {
		return nil, err
	}
	dir, remove, err := makeDir(c.Settings.Data, c.Keep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	b.dir = dir
	b.report = Report{Processors: runtime.NumCPU(), Runs: c.Runs, Corpora: map[corpus.Format]corpus.Made{}, Figures: catalog(&c), Complete: true}
	if err := b.makeArchives(); err != nil {
		return nil, err
	}
	if err := b.measureAll(ctx); err != nil {
		return nil, err
	}
	b.report.Figures = slices.DeleteFunc(b.report.Figures, func(f *measure.Figure) bool { return len(f.Values) == 0 })
	for _, f := range b.report.Figures {
		f.Sum()
	}
	if len(b.report.Figures) == 0 {
		b.problem("nothing was measured")
	}
	return &b.report, nil
}

// makeDir makes the directory of a benchmark; remove removes it unless it is to be kept.
func makeDir(data, keep string) (dir string, remove func() error, err error) {
	if keep != "" {
		if err := os.Mkdir(keep, 0o755); err != nil {
			return "", nil, app.UsageErrorf("making the folder of the benchmark: %w", err)
		}
		dir, err := filepath.Abs(keep)
		return dir, func() error { return nil }, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", nil, fmt.Errorf("making the data folder: %w; choose another with --data", err)
	}
	if dir, err = os.MkdirTemp(data, "bench-"); err != nil {
		return "", nil, fmt.Errorf("making the folder of the benchmark: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}

// makeArchives writes the corpus in every format that is wanted, and as lines if there is somebody else to read them.
func (b *run) makeArchives() error {
	wanted := []corpus.Format{corpus.Telegram}
	for _, name := range b.Formats {
		if f := corpus.Format(name); f != corpus.Telegram && b.does(partBus) && !slices.Contains(wanted, f) {
			wanted = append(wanted, f)
		}
	}
	if b.does(partBento) {
		if b.bento = findBento(b.Environ); b.bento == "" {
			b.leaveOut("bento: there is no program of this name on the PATH")
		} else {
			wanted = append(wanted, corpus.Lines)
		}
	}
	for _, f := range wanted {
		began := time.Now()
		made, path, err := b.Corpus.Make(f, filepath.Join(b.dir, "archives", string(f)))
		if err != nil {
			return err
		}
		b.report.Corpora[f], b.archives[f] = made, path
		b.Notify("made %d messages of %s in %.1f s\n", made.Messages, f, time.Since(began).Seconds())
	}
	if b.does(partLive) && b.liveMessages() > 0 {
		return b.makeSecond()
	}
	return nil
}

// second names the archive that is imported while a live source publishes.
const second corpus.Format = "second"

// makeSecond makes an archive of another chat, so that nothing of it is stored before.
func (b *run) makeSecond() (err error) {
	c := b.Corpus
	c.Seed++
	b.report.Corpora[second], b.archives[second], err = c.Make(corpus.Telegram, filepath.Join(b.dir, "archives", string(second)))
	return err
}

func (b *run) leaveOut(why string) {
	b.report.LeftOut = append(b.report.LeftOut, why)
	b.Notify("left out: %s\n", why)
}

// problem notes that the stores do not hold what they should.
func (b *run) problem(format string, args ...any) {
	b.report.Complete = false
	b.report.Problems = append(b.report.Problems, fmt.Sprintf(format, args...))
}

// measureAll measures everything as often as is wanted. What is measured twice is so with the rest in between, and takes turns
// at being first: what grows or warms up in the course of a run then weighs on both alike.
func (b *run) measureAll(ctx context.Context) error {
	for run := range b.Runs {
		first, second := measured, repeated
		if run%2 == 1 {
			first, second = repeated, measured
		}
		for _, step := range []struct {
			part string
			do   func(context.Context) error
		}{
			{partImport, func(ctx context.Context) error { return b.imports(ctx, first) }},
			{partBus, func(ctx context.Context) error { return b.fileToBus(ctx, corpus.Telegram, first) }},
			{partLive, b.liveStep},
			{partBus, b.otherFormats},
			{partImport, func(ctx context.Context) error { return b.imports(ctx, second) }},
			{partBus, func(ctx context.Context) error { return b.fileToBus(ctx, corpus.Telegram, second) }},
			{partBus, b.barePublishing},
			{partBento, b.bentoStep},
		} {
			if !b.does(step.part) {
				continue
			}
			if err := step.do(ctx); err != nil {
				return err
			}
		}
		b.Notify("run %d of %d is done\n", run+1, b.Runs)
	}
	if b.Large > 0 {
		return b.largeImport(ctx)
	}
	return nil
}
