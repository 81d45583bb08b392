// Package testenv gives tests real servers: PostgreSQL and ClickHouse once a test program, with a database of its own for
// each test, and NATS once a test.
//
// It promises that tests may run in parallel, within a program and between programs, without seeing each other; that a
// missing server skips the test with the reason, or fails it where REQUIRE_REAL=1; that a server is started only by the
// first test that asks for it; and that Main leaves no process, folder or goroutine behind (a test program that is killed
// leaves its folders, but no process). Nothing in it is durable: the
// servers do not wait for the disk. Only tests import it.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/engine"
)

// childMark makes a test program its own ClickHouse child.
const childMark = "AGRICHAT_TESTENV_CLICKHOUSE"

// process holds the servers that the tests of this program share. It is the one variable of its kind: the testing
// package leaves no other way from TestMain to a test.
var process = &servers{}

// Main is TestMain: it runs the tests, stops the servers, and then fails if a goroutine is left.
func Main(m *testing.M, opts ...goleak.Option) { os.Exit(run(m, opts...)) }

func run(m *testing.M, opts ...goleak.Option) int {
	if os.Getenv(childMark) != "" {
		if err := engine.ServeClickHouse(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	code := m.Run()
	if err := process.stop(); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		code = max(code, 1)
	}
	if code != 0 {
		return code // goroutines that a failed test left would only hide its reason
	}
	if err := goleak.Find(opts...); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		return 1
	}
	return 0
}

// Binaries returns the servers' programs, or skips the test if they are not there.
func Binaries(t testing.TB) engine.Binaries {
	t.Helper()
	_, b, err := locate()
	require(t, err)
	return b
}

// Engines returns the folder of the servers' programs, for tests that start the whole program; it skips as Binaries does.
func Engines(t testing.TB) string {
	t.Helper()
	dir, _, err := locate()
	require(t, err)
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// require fails the test, or skips it if all that is wrong is that the engines are missing and nobody insists on them.
func require(t testing.TB, err error) {
	t.Helper()
	missing := errors.Is(err, engine.ErrNotFetched) || errors.Is(err, engine.ErrPlatform)
	switch {
	case err == nil:
	case missing && os.Getenv("REQUIRE_REAL") != "1":
		t.Skipf("no real servers: %v", err)
	default:
		t.Fatal(err)
	}
}

// locate looks where AGRICHAT_ENGINES says, else in .engines beside go.mod.
func locate() (dir string, b engine.Binaries, err error) {
	if dir = os.Getenv("AGRICHAT_ENGINES"); dir == "" {
		root, err := Root()
		if err != nil {
			return "", b, err
		}
		dir = filepath.Join(root, ".engines")
	}
	b, err = engine.Locate(dir)
	return dir, b, err
}

// Root returns the folder of go.mod: tests run in the folder of their package.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the root of the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("looking for the root of the module: no go.mod in any folder above")
		}
		dir = parent
	}
}
