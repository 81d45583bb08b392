package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/testenv"
)

// noPort is an address where nothing listens: the port was free a moment ago.
func noPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// wrongPassword is the address with another password.
func wrongPassword(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(u.User.Username(), "falsch")
	return u.String()
}

// TestMain_UnreachableServers holds that a wrong server is reported soon, in one line: what, where, and what to do.
func TestMain_UnreachableServers(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("migrate").want(0)
	gone := noPort(t)
	nats, postgres, clickhouse := "AGRICHAT_NATS_URLS", "AGRICHAT_POSTGRES_DSN", "AGRICHAT_CLICKHOUSE_URL"
	for _, tt := range []struct {
		name, variable, value string
		words                 []string
	}{
		{"NATS is away", nats, "nats://u:geheim@" + gone, []string{"NATS", gone, "start the server", "nats.urls"}},
		{"PostgreSQL is away", postgres, "postgres://u:geheim@" + gone + "/d", []string{"PostgreSQL", gone, "start the server", "postgres.dsn"}},
		{"PostgreSQL has no such host", postgres, "postgres://u:geheim@nowhere.invalid:5432/d", []string{"nowhere.invalid", "postgres.dsn"}},
		{"ClickHouse is away", clickhouse, "http://u:geheim@" + gone + "/d", []string{"ClickHouse", gone, "start the server", "clickhouse.url"}},
		{"NATS has another password", nats, wrongPassword(t, w.variable(nats)), []string{"NATS", "user and password"}},
		{"PostgreSQL has another password", postgres, wrongPassword(t, w.variable(postgres)), []string{"PostgreSQL", "password authentication failed", "postgres.dsn"}},
		{"ClickHouse has another password", clickhouse, wrongPassword(t, w.variable(clickhouse)), []string{"ClickHouse", "password"}},
		{"NATS is too old", nats, "nats://" + oldNATS(t), []string{"NATS", "2.10.0", "2.12"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			there := *w.with(tt.variable + "=" + tt.value)
			there.t = t
			for _, args := range [][]string{{"verify"}, {"import", sample(t, "jsonl")}} {
				r := there.run(args...).want(1).quiet().one(tt.words...)
				if strings.Contains(r.err, "geheim") || strings.Contains(r.err, "falsch") {
					t.Errorf("a password is told: %s", r.err)
				}
			}
		})
	}
}

// oldNATS answers as a server did that had no atomic batches.
func oldNATS(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			greet(c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// greet answers a client until it goes.
func greet(c net.Conn) {
	defer c.Close()
	fmt.Fprintf(c, "INFO {\"server_id\":\"x\",\"version\":\"2.10.0\",\"headers\":true,\"jetstream\":true,\"max_payload\":1048576}\r\n")
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if bytes.Contains(buf[:n], []byte("PING")) {
			_, _ = io.WriteString(c, "PONG\r\n")
		}
		if err != nil {
			return
		}
	}
}

func TestRoles_Fatal(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	wrong := w.with("AGRICHAT_POSTGRES_DSN=" + wrongPassword(t, w.variable("AGRICHAT_POSTGRES_DSN")))
	wrong.run("consume", "normalise").want(1).says("password authentication failed", "postgres.dsn")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, args := range [][]string{{"serve"}, {"up"}} {
		r := w.with("AGRICHAT_LISTEN_HTTP="+l.Addr().String()).run(args...).want(1).
			says(l.Addr().String(), "the port is in use", "listen.http")
		if strings.Contains(r.err, "ready;") || strings.Contains(r.err, "data in") {
			t.Errorf("says that it is ready:\n%s", r.err)
		}
	}
}

// TestRoles_Wait holds that what runs on waits for its server, and says so.
func TestRoles_Wait(t *testing.T) {
	t.Parallel()
	w := newOutside(t).with("AGRICHAT_POSTGRES_DSN=postgres://u:geheim@" + noPort(t) + "/d")
	r := w.start("will be restarted", "consume", "normalise")
	r.await("nothing answers at")
	if got := r.stop().want(0); strings.Contains(got.err, "geheim") {
		t.Errorf("a password is logged:\n%s", got.err)
	}
}

func TestMain_UnusableDataFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "in the way")
	for _, args := range [][]string{{"verify"}, {"up"}, {"import", sample(t, "jsonl")}} {
		w.run(append(args, "--data", filepath.Join(file, "data"))...).want(1).quiet().one(file, "--data")
	}
	none := w.with("AGRICHAT_ENGINES=" + t.TempDir())
	none.run("verify").want(1).quiet().one("agrichat engines", "configuration")
	if os.Getuid() != 0 {
		closed := t.TempDir()
		if err := os.Chmod(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		w.run("verify", "--data", filepath.Join(closed, "data")).want(1).one(closed, "--data")
	}
}

// TestRoles_Requirements holds that a role leaves the data folder and foreign servers alone.
func TestRoles_Requirements(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("AGRICHAT_ENGINES="+t.TempDir(), "AGRICHAT_NATS_URLS="+testenv.NATS(t).URL())
	config := filepath.Join(t.TempDir(), "c.yaml")
	write(t, config, "sources: [{name: quiet, kind: irc, network: n, server: '"+noPort(t)+"', tls: false, nick: a, channels: ['#a']}]\n")
	for _, args := range [][]string{{"serve"}, {"produce", "--config", config}} {
		w.start("ready;", args...).stop().want(0)
	}
	w.with("AGRICHAT_POSTGRES_DSN="+testenv.Postgres(t)).start("ready;", "consume", "normalise").stop().want(0)
	w.with("AGRICHAT_CLICKHOUSE_URL="+testenv.ClickHouse(t)).start("ready;", "consume", "aggregate").stop().want(0)
	w.run("produce", "--config", config, "quiet", "loud").want(2).one("loud")
	if _, err := os.Stat(w.data); !os.IsNotExist(err) {
		t.Errorf("the data folder is there: %v", err)
	}
}
