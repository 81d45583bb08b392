package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/engine"
)

const (
	// childMark makes this test program the ClickHouse child, or that of NATS where it says so.
	childMark = "AGRICHAT_ENGINE_TEST_CHILD"
	// parentMark makes it a program that runs the engines in the folder it names, to be killed.
	parentMark = "AGRICHAT_ENGINE_TEST_PARENT"
)

func TestMain(m *testing.M) {
	if where := os.Getenv(parentMark); where != "" {
		runUntilKilled(where)
	}
	if mark := os.Getenv(childMark); mark != "" {
		serve := engine.ServeClickHouse
		if mark == "nats" {
			serve = engine.ServeNATS
		}
		if err := serve(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func binaries(t testing.TB) engine.Binaries {
	t.Helper()
	dirs := []string{os.Getenv("AGRICHAT_ENGINES"), filepath.Join("..", "..", ".engines")}
	b, err := engine.Locate(dirs...)
	if errors.Is(err, engine.ErrNotFetched) && os.Getenv("REQUIRE_REAL") != "1" {
		t.Skipf("no real servers: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dir is a folder that other users cannot enter, as the folders of tests and of root are.
func dir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "closed", "engine")
}

func testLog(t testing.TB) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type runner interface {
	Run(context.Context) error
	WaitReady(context.Context) error
}

// running is an engine under test.
type running struct {
	cancel context.CancelFunc
	done   chan error
	once   sync.Once
	err    error
}

// wait returns what Run returned, when it has.
func (r *running) wait() error {
	r.once.Do(func() { r.err = <-r.done })
	return r.err
}

func (r *running) stop() error {
	r.cancel()
	return r.wait()
}

// start runs an engine until the test ends, if it was not stopped before.
func start(t testing.TB, e runner) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	began := time.Now()
	ready, failed := context.WithCancelCause(ctx)
	go func() {
		err := e.Run(ctx)
		failed(fmt.Errorf("running: %w", err))
		r.done <- err
	}()
	t.Cleanup(func() { _ = r.stop() })
	if err := e.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	t.Logf("ready after %v", time.Since(began))
	return r
}
