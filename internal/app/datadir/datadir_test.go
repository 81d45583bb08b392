package datadir_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/app/datadir"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func acquire(t *testing.T, dir string) *datadir.Lock {
	t.Helper()
	l, err := datadir.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAcquire(t *testing.T) {
	t.Parallel()
	t.Run("one owner at a time", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "data")
		l := acquire(t, dir)
		if _, err := datadir.Acquire(dir); !errors.Is(err, datadir.ErrLocked) || !strings.Contains(err.Error(), dir) {
			t.Errorf("a second owner: %v", err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
		if err := acquire(t, dir).Release(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("endpoints of a killed owner", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "agrichat.run.json"), []byte(`{"pid":1}`), 0o600); err != nil {
			t.Fatal(err)
		}
		l := acquire(t, dir)
		if _, found, err := datadir.Read(dir); found || err != nil {
			t.Errorf("they are still there: %v", err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("not a directory", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := datadir.Acquire(file); err == nil || errors.Is(err, datadir.ErrLocked) || !strings.Contains(err.Error(), "--data") {
			t.Errorf("got %v", err)
		}
	})
}

func TestLock_Publish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := acquire(t, dir)
	want := datadir.Endpoints{PID: os.Getpid(), NATS: "nats://n", Postgres: "postgres://p", ClickHouse: "http://c", HTTP: "http://h", Lasting: true, Consumes: true}
	for range 2 { // the second one replaces the first one
		if err := l.Publish(want); err != nil {
			t.Fatal(err)
		}
	}
	if got, found, err := datadir.Read(dir); err != nil || !found || got != want {
		t.Errorf("read %+v, %t, %v", got, found, err)
	}
	info, err := os.Stat(filepath.Join(dir, "agrichat.run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read passwords: %v", info.Mode())
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, found, err := datadir.Read(dir); found || err != nil {
		t.Errorf("endpoints without an owner: %v", err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "agrichat.run.json"), []byte(`{"pid"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := datadir.Read(dir); err == nil {
		t.Error("half a file is read as endpoints")
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	never := func() bool { return false }
	t.Run("an owner that is accepted", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		l := acquire(t, dir)
		if err := l.Publish(datadir.Endpoints{NATS: "nats://n"}); err != nil {
			t.Fatal(err)
		}
		e, err := datadir.Await(t.Context(), dir, datadir.Waiter{Accept: func(datadir.Endpoints) bool { return true }, Acquire: never})
		if err != nil || e.NATS != "nats://n" {
			t.Errorf("got %+v, %v", e, err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the end of an owner that is not accepted", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		l := acquire(t, dir)
		if err := l.Publish(datadir.Endpoints{}); err != nil {
			t.Fatal(err)
		}
		var next *datadir.Lock
		waited := 0
		e, err := datadir.Await(t.Context(), dir, datadir.Waiter{
			Accept:  func(datadir.Endpoints) bool { return false },
			Waiting: func(e datadir.Endpoints) { waited++ },
			Acquire: func() (ok bool) {
				if waited == 1 && l != nil {
					if err := l.Release(); err != nil {
						t.Error(err)
					}
					l = nil
					return false
				}
				var err error
				next, err = datadir.Acquire(dir)
				return err == nil
			},
		})
		if err != nil || e != (datadir.Endpoints{}) || waited != 1 || next == nil {
			t.Fatalf("got %+v, %v after %d notices", e, err, waited)
		}
		if err := next.Release(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("why")
		cancel(why)
		if _, err := datadir.Await(ctx, t.TempDir(), datadir.Waiter{Acquire: never}); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAwaitExit(t *testing.T) {
	t.Parallel()
	child := exec.Command("sleep", "3600")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	if !datadir.Alive(pid) {
		t.Error("a process that runs is not alive")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if exited, err := datadir.AwaitExit(ctx, pid); exited || err != nil {
		t.Errorf("cancelled: exited %t, %v", exited, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if exited, err := datadir.AwaitExit(t.Context(), pid); !exited || err != nil {
		t.Errorf("killed: exited %t, %v", exited, err)
	}
	_ = child.Wait() // it was killed
	if exited, err := datadir.AwaitExit(t.Context(), pid); !exited || err != nil {
		t.Errorf("gone: exited %t, %v", exited, err)
	}
	if datadir.Alive(pid) {
		t.Error("a process that is gone is alive")
	}
}
