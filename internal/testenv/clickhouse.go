package testenv

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/engine"
)

//go:embed sql/create_clickhouse_database.sql
var createClickHouseDatabase string

//go:embed sql/drop_clickhouse_database.sql
var dropClickHouseDatabase string

// clickHouse is the engine of this program.
type clickHouse struct{ server lazy[*chServer] }

type chServer struct {
	*running
	url string
}

// chMemory is for one of several programs' engines at once.
const chMemory = 1 << 30

// ClickHouse returns the address of an empty database that is the test's own, until the test ends.
func ClickHouse(t testing.TB) string {
	t.Helper()
	s, err := process.clickhouse.server.get(startClickHouse)
	require(t, err)
	name := process.name()
	if err := s.exec(fmt.Sprintf(createClickHouseDatabase, name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.exec(fmt.Sprintf(dropClickHouseDatabase, name)); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func (c *clickHouse) stop() error {
	if !c.server.made {
		return nil
	}
	return c.server.v.stop()
}

// exec keeps no connection: one that is left open would be found by the search for leaks.
func (s *chServer) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(sql))
	if err != nil {
		return fmt.Errorf("executing %q: %w", sql, err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("executing %q: %w", sql, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("executing %q: %s %s %w", sql, resp.Status, text, err)
	}
	return nil
}

func startClickHouse() (*chServer, error) {
	_, b, err := locate()
	if err != nil {
		return nil, err
	}
	command, env, err := clickHouseCommand()
	if err != nil {
		return nil, err
	}
	var server *engine.ClickHouse
	r, err := startServer("clickhouse", func(dir string) (runner, error) {
		server, err = engine.NewClickHouse(engine.ClickHouseConfig{
			Binaries: b, Dir: dir, Command: command, Env: env, Memory: chMemory, Log: quiet(),
		})
		return server, err
	})
	if err != nil {
		return nil, err
	}
	return &chServer{running: r, url: server.URL()}, nil
}

// clickHouseCommand is the program that make test has just built, if it says so, else this one. What serves the engine there is
// the same code, but without the race detector, which takes twice the time; the tests of internal/engine run it with it.
func clickHouseCommand() (command, env []string, err error) {
	if built := os.Getenv("TESTENV_PROGRAM"); built != "" {
		return []string{built, "engine", "clickhouse"}, nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("looking for this program: %w", err)
	}
	return []string{self}, []string{childMark + "=1"}, nil
}
