package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/engine"
)

// env is the servers of a measurement, in a new folder. Those that it does without are nil.
type env struct {
	*run
	data       string
	nats       *engine.NATS // in a process of its own; nil: within our processes, or not needed
	postgres   *engine.Postgres
	clickhouse *engine.ClickHouse
}

// uses are the servers that an env has.
type uses struct{ nats, postgres, clickhouse bool }

// with makes an env, runs its servers while do runs, and clears it away.
func (b *run) with(ctx context.Context, u uses, do func(context.Context, *env) error) (err error) {
	data, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return fmt.Errorf("making a folder for servers: %w", err)
	}
	if b.Keep == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	}
	r := &env{run: b, data: data}
	if err := r.place(u); err != nil {
		return err
	}
	return r.serve(ctx, do)
}

// place makes the servers, and starts none.
func (r *env) place(u uses) error {
	var errs [3]error
	if u.nats {
		r.nats, errs[0] = engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(r.data, "nats"), Log: r.Log,
			MaxStore: int64(r.Settings.NATS.ChatMaxBytes+r.Settings.NATS.FactsMaxBytes) + app.SmallStreams})
	}
	if u.postgres {
		r.postgres, errs[1] = engine.NewPostgres(engine.PostgresConfig{Binaries: r.bin, Dir: filepath.Join(r.data, "postgres"), Log: r.Log})
	}
	if u.clickhouse {
		r.clickhouse, errs[2] = engine.NewClickHouse(engine.ClickHouseConfig{Binaries: r.bin, Dir: filepath.Join(r.data, "clickhouse"),
			Command: []string{r.Program, "engine", "clickhouse"}, Log: r.Log})
	}
	return errors.Join(errs[:]...)
}

// serve runs the servers until do has returned, which begins when they answer. One that ends by itself ends do.
func (r *env) serve(ctx context.Context, do func(context.Context, *env) error) error {
	life, stop := context.WithCancel(ctx)
	defer stop()
	g, life := errgroup.WithContext(life)
	if r.nats != nil {
		g.Go(func() error { return r.nats.RunApart(life, []string{r.Program, "engine", "nats"}) })
	}
	if r.postgres != nil {
		g.Go(func() error { return r.postgres.Run(life) })
	}
	if r.clickhouse != nil {
		g.Go(func() error { return r.clickhouse.Run(life) })
	}
	err := r.waitReady(life)
	if err == nil {
		err = do(life, r)
	}
	stop()
	if broke := g.Wait(); broke != nil {
		return broke // what came of it says less
	}
	return err
}

func (r *env) waitReady(ctx context.Context) error {
	var errs [3]error
	if r.nats != nil {
		errs[0] = r.nats.WaitReady(ctx)
	}
	if r.postgres != nil {
		errs[1] = r.postgres.WaitReady(ctx)
	}
	if r.clickhouse != nil {
		errs[2] = r.clickhouse.WaitReady(ctx)
	}
	return errors.Join(errs[:]...)
}

// environ is the environment of a command with these servers. Where there is no NATS, the command runs its own.
func (r *env) environ() []string {
	url := ""
	if r.nats != nil {
		url = r.nats.URL()
	}
	return append(slices.Clone(r.Environ), "AGRICHAT_DATA="+r.data, "AGRICHAT_NATS_URLS="+url,
		"AGRICHAT_POSTGRES_DSN="+r.postgres.DSN(), "AGRICHAT_CLICKHOUSE_URL="+r.clickhouse.URL(), "AGRICHAT_LOG_LEVEL=warn",
		"AGRICHAT_LISTEN_HTTP=127.0.0.1:0")
}

// exitProblems is the exit status of a command that ran and found problems.
const exitProblems = 1

// phase is a command of ours from its start to its end.
type phase struct {
	seconds   float64
	processor processor
	peak      int64 // of our own process
}

// processor is who used how much processor time, in seconds: of PostgreSQL all processes, of ours the command. Others are
// whatever else ran on the machine, this process included: what they used, a quiet machine would have had for us.
type processor struct{ ours, nats, postgres, clickhouse, others float64 }

// command makes a command of ours.
func (r *env) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.Program, append(args, "--output", "json")...)
	cmd.Env, cmd.Stderr = r.environ(), r.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = app.StopTimeout
	return cmd
}

// phase runs a command of ours as a process and measures it, from before its start until after its end.
func (r *env) phase(ctx context.Context, answer any, args ...string) (p phase, err error) {
	unix.Sync() // what others left to be written would slow it down
	before, err := r.processorTime()
	if err != nil {
		return p, err
	}
	cmd := r.command(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return p, fmt.Errorf("starting agrichat %s: %w", args[0], err)
	}
	p.peak = watchPeak(cmd)
	err = cmd.Wait()
	p.seconds = time.Since(began).Seconds()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == exitProblems && out.Len() > 0) {
		return p, fmt.Errorf("running agrichat %s: %w", args[0], err)
	}
	after, err := r.processorTime()
	if err != nil {
		return p, err
	}
	p.processor = between(before, after, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return p, fmt.Errorf("reading what agrichat %s says: %w", args[0], err)
	}
	r.Notify("%s: %.1f s\n", args[0], p.seconds)
	return p, nil
}

func between(before, after processor, ours float64) processor {
	p := processor{ours: ours, nats: after.nats - before.nats, postgres: after.postgres - before.postgres,
		clickhouse: after.clickhouse - before.clickhouse}
	p.others = max(after.others-before.others-p.ours-p.nats-p.postgres-p.clickhouse, 0)
	return p
}

// peakEvery is how often the memory is looked at: the kernel keeps the most, so only the very end may be missed.
const peakEvery = 50 * time.Millisecond

// watchPeak returns the most memory that a process has had, when it is at its end.
func watchPeak(cmd *exec.Cmd) int64 {
	var peak int64
	for {
		now, err := measure.Peak(cmd.Process.Pid)
		if err != nil { // it has ended, waiting to be waited for, and has no memory any more
			return peak
		}
		peak = now
		time.Sleep(peakEvery)
	}
}

// processorTime is that of the servers until now; others is that of the whole machine.
func (r *env) processorTime() (processor, error) {
	var p processor
	var errs []error
	of := func(pid int, into *float64) {
		d, err := measure.Processor(pid)
		*into = d.Seconds()
		errs = append(errs, err)
	}
	if r.nats != nil {
		of(r.nats.PID(), &p.nats)
	}
	if r.postgres != nil {
		of(r.postgres.PID(), &p.postgres)
	}
	if r.clickhouse != nil {
		of(r.clickhouse.PID(), &p.clickhouse)
	}
	d, err := measure.Busy()
	p.others = d.Seconds()
	return p, errors.Join(append(errs, err)...)
}
