package testenv

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/engine"
)

//go:embed sql/set_password.sql
var setPassword string

// clusterTemplate returns a folder with PostgreSQL data fresh from initdb, which takes ten times as long as to copy them.
// All test programs of these engines share it; the first one makes it while the others wait.
func clusterTemplate(engines string, b engine.Binaries) (string, error) {
	edition, err := os.ReadFile(filepath.Join(engines, "complete"))
	if err != nil {
		return "", fmt.Errorf("reading which engines these are: %w", err)
	}
	cache := filepath.Join(engines, "cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the folder of prepared data: %w", err)
	}
	held, err := lockCache(cache)
	if err != nil {
		return "", err
	}
	defer held.Close()
	// The name changes with what makeCluster does, so that no older copy is taken.
	dir := filepath.Join(cache, "postgres-scram1-"+string(edition[:min(12, len(edition))]))
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	return dir, makeCluster(dir, b)
}

func lockCache(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the prepared data: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the prepared data: %w", err), f.Close())
	}
	return f, nil
}

// makeCluster runs a server once and stops it: what is left is clean, and starts without a replay. The password is hashed once
// instead of 4,096 times: a client under the race detector spent a tenth of its time on that, for each of its connections.
func makeCluster(dir string, b engine.Binaries) error {
	work := dir + ".new"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("clearing interrupted data: %w", err)
	}
	p, err := engine.NewPostgres(config(b, work))
	if err != nil {
		return err
	}
	r, err := runServer(p)
	if err != nil {
		return err
	}
	if err := errors.Join(cheapPassword(p.DSN()), r.stop()); err != nil {
		return err
	}
	if err := os.Rename(work, dir); err != nil {
		return fmt.Errorf("keeping prepared data: %w", err)
	}
	return nil
}

func cheapPassword(dsn string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	_, err = conn.Exec(ctx, setPassword)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("setting the password: %w", err)
	}
	return nil
}

// FreshPostgres puts data fresh from initdb into a data folder, where the embedded PostgreSQL of a program looks for them: the
// first start of a program on that folder need not call initdb. The server does not wait for the disk: a killed process loses
// nothing by that, a machine without power would.
func FreshPostgres(t testing.TB, data string) {
	t.Helper()
	engines, b, err := locate()
	require(t, err)
	template, err := clusterTemplate(engines, b)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(data, "postgres")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := CopyTree(filepath.Join(template, "data"), filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	if err := copyKept(filepath.Join(template, keptFile), filepath.Join(dir, keptFile)); err != nil {
		t.Fatal(err)
	}
	// Read after postgresql.conf, which the program writes at every start.
	if err := appendFile(filepath.Join(dir, "data", "postgresql.auto.conf"), "fsync = 'off'\n"); err != nil {
		t.Fatal(err)
	}
}

func appendFile(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// keptFile holds the port and the password of an engine, in its folder.
const keptFile = "engine.json"

// CopyData copies the data folder of a program that has ended. Its servers get ports of their own when they are started there.
func CopyData(from, to string) error {
	if err := CopyTree(from, to); err != nil {
		return err
	}
	for _, server := range []string{"nats", "postgres", "clickhouse"} {
		name := filepath.Join(server, keptFile)
		if err := os.Remove(filepath.Join(to, name)); err != nil {
			return fmt.Errorf("copying a data folder: %w", err)
		}
		if err := copyKept(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

// copyKept leaves the port out.
func copyKept(from, to string) error {
	var kept struct {
		Password string `json:"password"`
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err == nil {
		b, err = json.Marshal(kept)
	}
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("copying the password of a server: %w", err)
	}
	return nil
}

// CopyTree copies folders, files and links with their modes and owners.
func CopyTree(from, to string) error {
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			err = os.MkdirAll(target, info.Mode().Perm())
		case d.Type() == fs.ModeSymlink:
			err = copyLink(name, target)
		default:
			err = copyFile(name, target, info)
		}
		if err != nil {
			return err
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok || os.Geteuid() != 0 {
			return nil
		}
		return os.Lchown(target, int(owner.Uid), int(owner.Gid))
	})
	if err != nil {
		return fmt.Errorf("copying prepared data: %w", err)
	}
	return nil
}

func copyLink(from, to string) error {
	where, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(where, to)
}

func copyFile(from, to string, info fs.FileInfo) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
