package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// servers are started by whoever asks first, and stopped by Main.
type servers struct {
	postgres   postgres
	clickhouse clickHouse
	serial     atomic.Uint64 // of databases
}

func (s *servers) stop() error { return errors.Join(s.postgres.stop(), s.clickhouse.stop()) }

// name is new for every database of this program.
func (s *servers) name() string { return "t" + strconv.FormatUint(s.serial.Add(1), 10) }

// startLimit is for a machine that runs several packages' servers at once; alone, a start takes 0.1 s.
const startLimit = 60 * time.Second

type runner interface {
	Run(context.Context) error
	WaitReady(context.Context) error
}

// running is a server and the folder it lives in.
type running struct {
	dir    string
	cancel context.CancelFunc
	done   chan error
}

// startServer makes and starts a server. It tries again with a new one: between the choice of a free port and its use
// another program may take it.
func startServer(name string, make func(dir string) (runner, error)) (*running, error) {
	var failures error
	for range 3 {
		r, err := tryServer(name, make)
		if err == nil {
			return r, nil
		}
		failures = errors.Join(failures, err)
	}
	return nil, failures
}

func tryServer(name string, make func(dir string) (runner, error)) (*running, error) {
	dir, err := os.MkdirTemp("", "agrichat-"+name+"-")
	if err != nil {
		return nil, fmt.Errorf("making the folder of a server: %w", err)
	}
	server, err := make(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r, err := runServer(server)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r.dir = dir
	return r, nil
}

func runServer(server runner) (*running, error) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	ready, failed := context.WithCancelCause(ctx)
	go func() {
		err := server.Run(ctx)
		failed(err)
		r.done <- err
	}()
	limited, release := context.WithTimeout(ready, startLimit)
	defer release()
	if err := server.WaitReady(limited); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

func (r *running) stop() error {
	r.cancel()
	err := <-r.done
	if r.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// lazy is something that is made once, if at all, and then closed.
type lazy[T any] struct {
	once sync.Once
	made bool
	v    T
	err  error
}

func (l *lazy[T]) get(make func() (T, error)) (T, error) {
	l.once.Do(func() {
		l.v, l.err = make()
		l.made = l.err == nil
	})
	return l.v, l.err
}

// quiet drops what servers log unless AGRICHAT_TESTENV_LOG asks for it: a server outlives the test whose output it would be.
func quiet() *slog.Logger {
	w := io.Discard
	if os.Getenv("AGRICHAT_TESTENV_LOG") != "" {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
