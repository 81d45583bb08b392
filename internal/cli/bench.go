package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/bench"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/verify"
)

// benchFlags is what a benchmark is asked to do.
type benchFlags struct {
	corpus bench.Corpus
	keep   string
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use: "bench", Short: "Measure the whole way: archive, bus, PostgreSQL, ClickHouse, verification", Args: noArgs,
		Long: "Makes an archive (a Telegram Desktop export, half Russian, the same on every machine), imports it into servers of its\n" +
			"own in a new folder, with everything durable, verifies it, and counts the rows in the stores. NATS runs in a process\n" +
			"of its own, so that its processor time is seen apart. The exit status is 1 if a row is missing.",
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
	c.Flags().IntVar(&f.corpus.Messages, "messages", 1_000_000, "how many messages the archive has")
	c.Flags().IntVar(&f.corpus.Bytes, "bytes", 425, "how long a message is in the archive, in the mean")
	c.Flags().Uint64Var(&f.corpus.Seed, "seed", 1, "another number makes another archive")
	c.Flags().StringVar(&f.keep, "keep", "", "work in this folder, which must be new, and leave everything there")
	return c
}

// benchReport is what a benchmark ends with.
type benchReport struct {
	Processors int           `json:"processors"`
	Corpus     bench.Made    `json:"corpus"`
	Import     phase         `json:"import"`
	Verify     phase         `json:"verify"`
	Record     bench.Rows    `json:"postgres"`
	Figures    bench.Rows    `json:"clickhouse"`
	Sizes      sizes         `json:"disk_bytes"`
	Peaks      peaks         `json:"peak_memory_bytes"`
	Proof      verify.Report `json:"proof"`
	Complete   bool          `json:"complete"` // verified, and both stores hold every message of the archive
}

// phase is a command of ours from its start to its end.
type phase struct {
	Seconds   float64   `json:"seconds"`
	PerSecond float64   `json:"messages_per_second"`
	Processor processor `json:"processor_seconds"`
	Peak      int64     `json:"peak_memory_bytes"` // of our own process
}

// processor is who used how much processor time: of PostgreSQL all processes, of ours the command. Others are whatever else
// ran on the machine, this process included: what they used, a quiet machine would have had for us.
type processor struct {
	Ours       float64 `json:"ours"`
	NATS       float64 `json:"nats"`
	Postgres   float64 `json:"postgres"`
	ClickHouse float64 `json:"clickhouse"`
	Others     float64 `json:"others"`
}

// sizes is what everything takes of the disk, indexes and logs included.
type sizes struct {
	NATS       int64 `json:"nats"`
	Postgres   int64 `json:"postgres"`
	ClickHouse int64 `json:"clickhouse"`
}

// peaks is the most memory that servers had at once. PostgreSQL's processes share theirs, so a sum would say nothing.
type peaks struct {
	NATS       int64 `json:"nats"`
	ClickHouse int64 `json:"clickhouse"`
}

// benching is one benchmark on its way.
type benching struct {
	app     *app
	self    string // this program
	archive string
	data    string // folder of the servers
	report  benchReport

	nats       *engine.NATS
	postgres   *engine.Postgres
	clickhouse *engine.ClickHouse
}

func (a *app) bench(ctx context.Context, f benchFlags) (r *benchReport, err error) {
	cfg, log, err := a.config()
	if err != nil {
		return nil, err
	}
	if f.corpus.Messages < 1 {
		return nil, misuse{fmt.Errorf("--messages is %d: an archive has at least one", f.corpus.Messages)}
	}
	bin, err := engine.Locate((&stack{cfg: cfg}).engineFolders()...)
	if err != nil {
		return nil, err
	}
	dir, remove, err := benchFolder(cfg.Data, f.keep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	b := &benching{app: a, archive: filepath.Join(dir, "result.json"), data: filepath.Join(dir, "data")}
	b.report.Processors = runtime.NumCPU()
	if b.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("finding this program to start it again: %w", err)
	}
	if err := b.makeArchive(f.corpus); err != nil {
		return nil, err
	}
	if err := b.place(bin, log); err != nil {
		return nil, err
	}
	return &b.report, b.serve(ctx, b.run)
}

// place makes the servers, and starts none.
func (b *benching) place(bin engine.Binaries, log *slog.Logger) error {
	var errs [3]error
	b.nats, errs[0] = engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(b.data, "nats"), Log: log})
	b.postgres, errs[1] = engine.NewPostgres(engine.PostgresConfig{Binaries: bin, Dir: filepath.Join(b.data, "postgres"), Log: log})
	b.clickhouse, errs[2] = engine.NewClickHouse(engine.ClickHouseConfig{Binaries: bin, Dir: filepath.Join(b.data, "clickhouse"),
		Command: []string{b.self, "engine", "clickhouse"}, Log: log})
	return errors.Join(errs[:]...)
}

// serve runs the servers until do has returned, which begins when they answer. One that ends by itself ends do.
func (b *benching) serve(ctx context.Context, do func(context.Context) error) error {
	life, stop := context.WithCancel(ctx)
	defer stop()
	g, life := errgroup.WithContext(life)
	g.Go(func() error { return b.nats.RunApart(life, []string{b.self, "engine", "nats"}) })
	g.Go(func() error { return b.postgres.Run(life) })
	g.Go(func() error { return b.clickhouse.Run(life) })
	err := errors.Join(b.nats.WaitReady(life), b.postgres.WaitReady(life), b.clickhouse.WaitReady(life))
	if err == nil {
		err = do(life)
	}
	stop()
	if broke := g.Wait(); broke != nil {
		return broke // what came of it says less
	}
	return err
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

func (b *benching) makeArchive(c bench.Corpus) (err error) {
	began := time.Now()
	f, err := os.Create(b.archive)
	if err != nil {
		return fmt.Errorf("making the archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if b.report.Corpus, err = c.Write(f); err != nil {
		return err
	}
	b.app.note("made an archive of %d messages in %.1f s\n", c.Messages, time.Since(began).Seconds())
	return f.Sync() // what is still to be written would slow the import down
}

// run imports, verifies and counts, while the servers run.
func (b *benching) run(ctx context.Context) error {
	var imported importReport
	if err := b.phase(ctx, &b.report.Import, &imported, "import", b.archive); err != nil {
		return err
	}
	if err := b.phase(ctx, &b.report.Verify, &b.report.Proof, "verify"); err != nil {
		return err
	}
	return errors.Join(b.count(ctx), b.measure())
}

// phase runs a command of ours as a process and measures it, from before its start until after its end.
func (b *benching) phase(ctx context.Context, p *phase, answer any, args ...string) error {
	before, err := b.serversTime()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.self, append(args, "--output", "json")...)
	cmd.Env = append(b.app.environ, "AGRICHAT_DATA="+b.data, "AGRICHAT_NATS_URLS="+b.nats.URL(),
		"AGRICHAT_POSTGRES_DSN="+b.postgres.DSN(), "AGRICHAT_CLICKHOUSE_URL="+b.clickhouse.URL())
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopPatience
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, b.app.errOut
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting agrichat %s: %w", args[0], err)
	}
	p.Peak = watchPeak(cmd)
	err = cmd.Wait()
	p.Seconds = time.Since(began).Seconds()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == exitAmiss && out.Len() > 0) {
		return fmt.Errorf("running agrichat %s: %w", args[0], err)
	}
	p.PerSecond = float64(b.report.Corpus.Messages) / p.Seconds
	after, err := b.serversTime()
	if err != nil {
		return err
	}
	p.Processor = between(before, after, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return fmt.Errorf("reading what agrichat %s says: %w", args[0], err)
	}
	b.app.note("%s: %.1f s\n", args[0], p.Seconds)
	return nil
}

func between(before, after processor, ours float64) processor {
	p := processor{Ours: ours, NATS: after.NATS - before.NATS, Postgres: after.Postgres - before.Postgres,
		ClickHouse: after.ClickHouse - before.ClickHouse}
	p.Others = max(after.Others-before.Others-p.Ours-p.NATS-p.Postgres-p.ClickHouse, 0)
	return p
}

// peakEvery is how often the memory is looked at: the kernel keeps the most, so only the very end may be missed.
const peakEvery = 50 * time.Millisecond

// watchPeak returns the most memory that a process has had, when it is at its end.
func watchPeak(cmd *exec.Cmd) int64 {
	var peak int64
	for {
		now, err := bench.Peak(cmd.Process.Pid)
		if err != nil { // it has ended, waiting to be waited for, and has no memory any more
			return peak
		}
		peak = now
		time.Sleep(peakEvery)
	}
}

// serversTime is the processor time of the servers until now; Others is that of the whole machine.
func (b *benching) serversTime() (processor, error) {
	var p processor
	var errs []error
	for _, s := range []struct {
		pid  int
		into *float64
	}{{b.nats.PID(), &p.NATS}, {b.postgres.PID(), &p.Postgres}, {b.clickhouse.PID(), &p.ClickHouse}} {
		d, err := bench.Processor(s.pid)
		*s.into = d.Seconds()
		errs = append(errs, err)
	}
	d, err := bench.Busy()
	p.Others = d.Seconds()
	return p, errors.Join(append(errs, err)...)
}

// count asks the stores what they hold.
func (b *benching) count(ctx context.Context) error {
	pool, err := pg.Open(ctx, pg.Config{DSN: b.postgres.DSN(), MaxConns: 1, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if b.report.Record, err = bench.InRecord(ctx, pool); err != nil {
		return err
	}
	db, err := ch.Open(ctx, ch.Config{URL: b.clickhouse.URL()})
	if err != nil {
		return err
	}
	b.report.Figures, err = bench.InFigures(ctx, db)
	want := uint64(b.report.Corpus.Messages)
	b.report.Complete = b.report.Proof.Equal && b.report.Record.Messages == want && b.report.Figures == b.report.Record
	return errors.Join(err, db.Close())
}

// measure looks at what the servers have taken, while they still run.
func (b *benching) measure() error {
	var errs [5]error
	r := &b.report
	r.Sizes.NATS, errs[0] = bench.Size(filepath.Join(b.data, "nats"))
	r.Sizes.Postgres, errs[1] = bench.Size(filepath.Join(b.data, "postgres"))
	r.Sizes.ClickHouse, errs[2] = bench.Size(filepath.Join(b.data, "clickhouse"))
	r.Peaks.NATS, errs[3] = bench.Peak(b.nats.PID())
	r.Peaks.ClickHouse, errs[4] = bench.Peak(b.clickhouse.PID())
	return errors.Join(errs[:]...)
}
