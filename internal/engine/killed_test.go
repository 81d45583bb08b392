package engine_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/agrichat/agrichat/internal/engine"
)

// runUntilKilled is the program that dies: it says "ready" when both servers answer.
func runUntilKilled(where string) {
	fail := func(err error) {
		fmt.Println(err)
		os.Exit(1)
	}
	b, err := engine.Locate(os.Getenv("AGRICHAT_ENGINES"), filepath.Join("..", "..", ".engines"))
	if err != nil {
		fail(err)
	}
	p, err := engine.NewPostgres(engine.PostgresConfig{Binaries: b, Dir: filepath.Join(where, "postgres")})
	if err != nil {
		fail(err)
	}
	c, err := engine.NewClickHouse(engine.ClickHouseConfig{
		Binaries: b, Dir: filepath.Join(where, "clickhouse"), Command: []string{os.Args[0]},
		Env: []string{childMark + "=1", parentMark + "="},
	})
	if err != nil {
		fail(err)
	}
	for _, r := range []runner{p, c} {
		go func() { fail(r.Run(context.Background())) }()
	}
	for _, r := range []runner{p, c} {
		if err := r.WaitReady(context.Background()); err != nil {
			fail(err)
		}
	}
	fmt.Println("ready")
	select {}
}

func TestAKilledProgramLeavesNothingInTheWay(t *testing.T) {
	t.Parallel()
	binaries(t)
	where := dir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentMark+"="+where)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the program said %q, %v", line, err)
	}
	p, c := newPostgres(t, filepath.Join(where, "postgres")), newClickHouse(t, filepath.Join(where, "clickhouse"))
	pgExec(t, p.DSN(), `CREATE TABLE t AS SELECT 1 AS v`)
	conn := chOpen(t, c.URL())
	chExec(t, conn, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	insertNumbers(t, conn, 1000)

	kill(t, cmd.Process.Pid, syscall.SIGKILL)
	_ = cmd.Wait() // it was killed
	start(t, p)
	start(t, c)
	if got := pgQuery[int](t, p.DSN(), `SELECT v FROM t`); got != 1 {
		t.Errorf("got %d", got)
	}
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n); err != nil || n != 1000 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestAnInterruptedPreparationIsBegunAnew(t *testing.T) {
	t.Parallel()
	where := dir(t)
	p := newPostgres(t, where)
	half := filepath.Join(where, "data.new", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, p)
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("the half is still there: %v", err)
	}
}

func TestAMarkWhoseNumberIsAStrangersNow(t *testing.T) {
	t.Parallel()
	where := dir(t)
	p := newPostgres(t, where)
	if err := start(t, p).stop(); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(where, "data", "postmaster.pid")
	if err := os.WriteFile(mark, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), filepath.Join(where, "data")), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, p)
}

// What the engines keep must not be open to others, and no secret may stand in a command line.
func TestSecretsAreKept(t *testing.T) {
	t.Parallel()
	where := dir(t)
	c := newClickHouse(t, where)
	start(t, c)
	for name, want := range map[string]os.FileMode{where: 0o700, filepath.Join(where, "engine.json"): 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o", name, got)
		}
	}
	_, password := credentials(t, c.URL())
	for _, file := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(c.PID()), file))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(password)) {
			t.Errorf("the password stands in the child's %s", file)
		}
	}
}
