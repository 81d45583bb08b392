package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/bench"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/verify"
)

// benchFlags is what a benchmark is asked to do.
type benchFlags struct {
	corpus  bench.Corpus
	runs    int
	large   int
	formats []string
	only    []string
	live    time.Duration
	rate    int
	keep    string
}

// The parts of a benchmark.
const (
	partImport = "import" // the whole way, again, verification, COPY
	partBus    = "bus"    // from files to the bus, and bare publishing
	partLive   = "live"   // the whole way with NATS apart, and the live path, alone and during an import
	partBento  = "bento"
)

func benchParts() []string { return []string{partImport, partBus, partLive, partBento} }

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use: "bench", Short: "Measure the whole way: archive, bus, PostgreSQL, ClickHouse, verification, and live", Args: noArgs,
		Long: "Makes an archive (a Telegram Desktop export, half Russian, the same on every machine) and the same in other formats,\n" +
			"brings them into servers of its own in a new folder, with everything durable, counts the rows in the stores, and prints\n" +
			"medians of several runs beside what the machine itself can do. What matters is measured twice in each run: how far the\n" +
			"two are apart is the machine's noise. A million messages take about ten gigabytes of the disk and twelve minutes a run on\n" +
			"two processors. The exit status is 1 if a row is missing.",
		Example: "  # everything, as it is meant\n  agrichat bench\n\n" +
			"  # a quick look at one thing\n  agrichat bench --runs 1 --messages 100000 --only import\n\n" +
			"  # memory at ten million as well\n  agrichat bench --large 10000000 --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.bench(c.Context(), f)
			if err != nil {
				return err
			}
			if a.output == "json" {
				err = a.printJSON(r)
			} else {
				err = printBench(a.out, r)
			}
			if err == nil && !r.Complete {
				return errAmiss
			}
			return err
		},
	}
	c.Flags().IntVar(&f.runs, "runs", 3, "how often everything is measured")
	c.Flags().IntVar(&f.corpus.Messages, "messages", 1_000_000, "how many messages the archive has")
	c.Flags().IntVar(&f.corpus.Bytes, "bytes", 425, "how long a message is in the Telegram archive, in the mean")
	c.Flags().Uint64Var(&f.corpus.Seed, "seed", 1, "another number makes another archive")
	c.Flags().StringSliceVar(&f.formats, "formats", names(bench.Formats()), "formats that are brought to the bus, beside telegram")
	c.Flags().StringSliceVar(&f.only, "only", benchParts(), "parts to measure")
	c.Flags().IntVar(&f.large, "large", 0, "import an archive of so many messages too, once, and see how much memory that takes (0: none)")
	c.Flags().DurationVar(&f.live, "live", 20*time.Second, "how long the live path is measured in each run, and again during an import for as long as that runs")
	c.Flags().IntVar(&f.rate, "rate", 100, "messages a second on the live path")
	c.Flags().StringVar(&f.keep, "keep", "", "work in this folder, which must be new, and leave everything there")
	return c
}

func names[S ~string](list []S) (out []string) {
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

func (f *benchFlags) check() error {
	known := names(bench.Formats())
	for _, name := range f.formats {
		if !slices.Contains(known, name) {
			return misuse{fmt.Errorf("--formats: there is no %q; there are %s", name, strings.Join(known, ", "))}
		}
	}
	for _, name := range f.only {
		if !slices.Contains(benchParts(), name) {
			return misuse{fmt.Errorf("--only: there is no %q; there are %s", name, strings.Join(benchParts(), ", "))}
		}
	}
	switch {
	case f.corpus.Messages < 1:
		return misuse{fmt.Errorf("--messages is %d: an archive has at least one", f.corpus.Messages)}
	case f.runs < 1:
		return misuse{fmt.Errorf("--runs is %d: nothing would be measured", f.runs)}
	case f.rate < 1 || f.live < 0 || f.large < 0:
		return misuse{errors.New("--rate is at least 1, --live and --large are not below 0")}
	}
	return nil
}

func (f *benchFlags) does(part string) bool { return slices.Contains(f.only, part) }

// liveMessages is how many are said on the live path.
func (f *benchFlags) liveMessages() int { return int(f.live.Seconds() * float64(f.rate)) }

// benchReport is what a benchmark ends with.
type benchReport struct {
	Processors int                         `json:"processors"`
	Runs       int                         `json:"runs"`
	Corpora    map[bench.Format]bench.Made `json:"corpora"`
	Figures    []*bench.Figure             `json:"figures"`
	Record     bench.Rows                  `json:"postgres"` // of the last import
	Store      bench.Rows                  `json:"clickhouse"`
	Proof      verify.Report               `json:"proof"`
	LeftOut    []string                    `json:"left_out,omitempty"` // what was not measured, and why
	Complete   bool                        `json:"complete"`           // every import was verified, and both stores hold every message of the archive
	Amiss      []string                    `json:"amiss,omitempty"`    // why not
}

// benching is one benchmark on its way.
type benching struct {
	app      *app
	cfg      config.Config
	log      *slog.Logger
	bin      engine.Binaries
	flags    benchFlags
	self     string // this program
	dir      string
	archives map[bench.Format]string
	events   int    // that the first archive comes to on the bus; zero: nobody has seen it
	bento    string // its program; empty: there is none
	report   benchReport
}

func (a *app) bench(ctx context.Context, f benchFlags) (r *benchReport, err error) {
	cfg, log, err := a.config()
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	b := &benching{app: a, cfg: cfg, log: log, flags: f, archives: map[bench.Format]string{}}
	if b.bin, err = engine.Locate((&stack{cfg: cfg}).engineFolders()...); err != nil {
		return nil, err
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("finding this program to start it again: %w", err)
	}
	dir, remove, err := benchFolder(cfg.Data, f.keep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	b.dir = dir
	b.report = benchReport{Processors: runtime.NumCPU(), Runs: f.runs, Corpora: map[bench.Format]bench.Made{}, Figures: catalog(f), Complete: true}
	if err := b.makeArchives(); err != nil {
		return nil, err
	}
	if err := b.measureAll(ctx); err != nil {
		return nil, err
	}
	b.report.Figures = slices.DeleteFunc(b.report.Figures, func(f *bench.Figure) bool { return len(f.Values) == 0 })
	for _, f := range b.report.Figures {
		f.Sum()
	}
	if len(b.report.Figures) == 0 {
		b.wrong("nothing was measured")
	}
	return &b.report, nil
}

// benchFolder makes the folder of a benchmark; remove removes it unless it is to be kept.
func benchFolder(data, keep string) (dir string, remove func() error, err error) {
	if keep != "" {
		if err := os.Mkdir(keep, 0o755); err != nil {
			return "", nil, misuse{fmt.Errorf("making the folder of the benchmark: %w", err)}
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
func (b *benching) makeArchives() error {
	wanted := []bench.Format{bench.Telegram}
	for _, name := range b.flags.formats {
		if f := bench.Format(name); f != bench.Telegram && b.flags.does(partBus) && !slices.Contains(wanted, f) {
			wanted = append(wanted, f)
		}
	}
	if b.flags.does(partBento) {
		if b.bento = findBento(b.app.environ); b.bento == "" {
			b.leaveOut("bento: there is no program of this name on the PATH")
		} else {
			wanted = append(wanted, bench.Lines)
		}
	}
	for _, f := range wanted {
		began := time.Now()
		made, path, err := b.flags.corpus.Make(f, filepath.Join(b.dir, "archives", string(f)))
		if err != nil {
			return err
		}
		b.report.Corpora[f], b.archives[f] = made, path
		b.app.note("made %d messages of %s in %.1f s\n", made.Messages, f, time.Since(began).Seconds())
	}
	if b.flags.does(partLive) && b.flags.liveMessages() > 0 {
		return b.makeSecond()
	}
	return nil
}

// second names the archive that is imported while a live source publishes.
const second bench.Format = "second"

// makeSecond makes an archive of another chat, so that nothing of it is stored before.
func (b *benching) makeSecond() (err error) {
	c := b.flags.corpus
	c.Seed++
	b.report.Corpora[second], b.archives[second], err = c.Make(bench.Telegram, filepath.Join(b.dir, "archives", string(second)))
	return err
}

func (b *benching) leaveOut(why string) {
	b.report.LeftOut = append(b.report.LeftOut, why)
	b.app.note("left out: %s\n", why)
}

// wrong notes that the stores do not hold what they should.
func (b *benching) wrong(format string, args ...any) {
	b.report.Complete = false
	b.report.Amiss = append(b.report.Amiss, fmt.Sprintf(format, args...))
}

// measureAll measures everything as often as is wanted. What is measured twice is so with the rest in between, and takes turns
// at being first: what grows or warms up in the course of a run then weighs on both alike.
func (b *benching) measureAll(ctx context.Context) error {
	for run := range b.flags.runs {
		first, second := measured, repeated
		if run%2 == 1 {
			first, second = repeated, measured
		}
		for _, step := range []struct {
			part string
			do   func(context.Context) error
		}{
			{partImport, func(ctx context.Context) error { return b.imports(ctx, first) }},
			{partBus, func(ctx context.Context) error { return b.fileToBus(ctx, bench.Telegram, first) }},
			{partLive, b.liveStep},
			{partBus, b.otherFormats},
			{partImport, func(ctx context.Context) error { return b.imports(ctx, second) }},
			{partBus, func(ctx context.Context) error { return b.fileToBus(ctx, bench.Telegram, second) }},
			{partBus, b.barePublishing},
			{partBento, b.bentoStep},
		} {
			if !b.flags.does(step.part) {
				continue
			}
			if err := step.do(ctx); err != nil {
				return err
			}
		}
		b.app.note("run %d of %d is done\n", run+1, b.flags.runs)
	}
	if b.flags.large > 0 {
		return b.largeImport(ctx)
	}
	return nil
}
