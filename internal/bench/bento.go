package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/pg"
)

// findBento is where its program is; empty: nowhere. The PATH is that of the environment.
func findBento(environ []string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		list, is := strings.CutPrefix(environ[i], "PATH=")
		if !is {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if path, err := exec.LookPath(filepath.Join(dir, "bento")); err == nil && filepath.IsAbs(path) {
				return path
			}
		}
		return ""
	}
	return ""
}

const (
	bentoPatience = 30 * time.Minute // for a million messages; a slower run is not measured
	bentoLook     = 250 * time.Millisecond
)

// bentoStep measures Bento with servers like ours. A failure is reported, and costs no other figure.
func (b *run) bentoStep(ctx context.Context) error {
	if b.bento == "" {
		return nil
	}
	err := b.with(ctx, uses{nats: true, postgres: true}, func(ctx context.Context, r *env) error {
		limited, cancel := context.WithTimeoutCause(ctx, bentoPatience, fmt.Errorf("running Bento: not done after %s", bentoPatience))
		defer cancel()
		return r.runBento(limited)
	})
	if err != nil && ctx.Err() == nil {
		b.leaveOut("bento: " + app.OneLine(err.Error()))
		return nil
	}
	return err
}

// runBento lets one Bento publish the file while another inserts what is published, until the last row is there.
func (r *env) runBento(ctx context.Context) error {
	stream, err := r.openBus(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	js, err := jetstream.New(stream.Conn())
	if err != nil {
		return fmt.Errorf("preparing JetStream: %w", err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: measure.BentoStream, Subjects: []string{measure.BentoSubject},
		Storage: jetstream.FileStorage}); err != nil {
		return fmt.Errorf("creating the stream of Bento: %w", err)
	}
	pool, err := pg.Open(ctx, pg.Config{DSN: r.postgres.DSN(), MaxConns: 1, Name: "agrichat"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := measure.MakeBentoTable(ctx, pool); err != nil {
		return err
	}
	publish, insert, err := bentoFiles(r)
	if err != nil {
		return err
	}
	return r.timeBento(ctx, pool, publish, insert)
}

// bentoFiles writes the two configurations.
func bentoFiles(r *env) (publish, insert string, err error) {
	s := measure.BentoServers{Lines: r.archives[corpus.Lines], NATS: r.nats.URL(), DSN: r.postgres.DSN()}
	publish, insert = filepath.Join(r.data, "publish.yaml"), filepath.Join(r.data, "insert.yaml")
	for path, make := range map[string]func(measure.BentoServers) ([]byte, error){publish: measure.BentoPublish, insert: measure.BentoInsert} {
		text, err := make(s)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			return "", "", fmt.Errorf("writing the configuration of Bento: %w", err)
		}
	}
	return publish, insert, nil
}

func (r *env) timeBento(ctx context.Context, pool *pgxpool.Pool, publish, insert string) error {
	unix.Sync()
	before, err := r.processorTime()
	if err != nil {
		return err
	}
	life, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	began := time.Now()
	reader, writer := r.bentoCommand(life, publish), r.bentoCommand(life, insert)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop(nil)
	for _, c := range []*exec.Cmd{writer, reader} {
		if err := c.Start(); err != nil {
			return fmt.Errorf("starting Bento: %w", err)
		}
		waiting.Go(func() {
			if err := c.Wait(); err != nil || c == writer { // who publishes may end, for the file does
				stop(fmt.Errorf("running Bento: it ended too early: %w", cmp.Or(err, os.ErrProcessDone)))
			}
		})
	}
	n := r.report.Corpora[corpus.Lines].Messages
	if err := awaitRows(life, pool, n); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	after, err := r.processorTime()
	if err != nil {
		return err
	}
	stop(nil)
	waiting.Wait()
	used := 0.0
	for _, c := range []*exec.Cmd{writer, reader} {
		used += (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
	}
	r.add("bento", measured, float64(n)/seconds)
	r.add("bento_cpu", measured, micro(used, float64(n)))
	r.add("bento_postgres", measured, micro(after.postgres-before.postgres, float64(n)))
	r.Notify("Bento: %.1f s\n", seconds)
	return nil
}

func (r *env) bentoCommand(ctx context.Context, config string) *exec.Cmd {
	c := exec.CommandContext(ctx, r.bento, "-c", config)
	c.Env, c.Stdout, c.Stderr, c.Dir = r.Environ, r.Stderr, r.Stderr, r.data
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = app.StopTimeout
	return c
}

// awaitRows waits until Bento's table holds so many.
func awaitRows(ctx context.Context, pool *pgxpool.Pool, n int) error {
	tick := time.NewTicker(bentoLook)
	defer tick.Stop()
	for {
		whole, err := measure.BentoHolds(ctx, pool, n)
		if err != nil && ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		if whole || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
