package pg_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
)

// leadership is who leads, as a follower of the cluster would say it.
type leadership struct{ address atomic.Pointer[string] }

func (l *leadership) set(address string) { l.address.Store(&address) }

func (l *leadership) leader(context.Context) (string, error) {
	if a := l.address.Load(); a != nil && *a != "" {
		return *a, nil
	}
	return "", errors.New("nobody leads")
}

func hostOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// following opens a pool whose DSN names a server that does not exist, and no rule for encryption: it is tried and left out.
func following(t *testing.T, dsn string, l *leadership) *pgxpool.Pool {
	t.Helper()
	dsn = strings.Replace(strings.Replace(dsn, hostOf(t, dsn), "nobody.invalid:1", 1), "sslmode=disable", "sslmode=prefer", 1)
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn, MaxConns: 1, Name: "test", Leader: l.leader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionsGoToTheLeader(t *testing.T) {
	t.Parallel()
	var l leadership
	dsns := []string{testenv.PostgresServer(t), testenv.PostgresServer(t)}
	if _, err := pg.Open(t.Context(), pg.Config{DSN: dsns[0], Leader: l.leader}); fault.Of(err) != fault.Transient ||
		err == nil || !strings.Contains(err.Error(), "asking where the leader is: nobody leads") {
		t.Errorf("without a leader it says %v", err)
	}
	l.set(hostOf(t, dsns[0]))
	pool := following(t, dsns[0], &l)
	for round := range 4 {
		want := hostOf(t, dsns[round%2])
		l.set(want)
		pool.Reset()
		var port, idle, unacked string
		err := pool.QueryRow(t.Context(), "SELECT inet_server_port()::text, current_setting('idle_in_transaction_session_timeout'), "+
			"current_setting('tcp_user_timeout')").Scan(&port, &idle, &unacked)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(want, ":"+port) || idle != "10s" || unacked != "5000" {
			t.Errorf("round %d is at port %s (%s, %s), want %s", round, port, idle, unacked, want)
		}
	}
}

// TestAServerThatTurnedReadOnlyIsLeft holds that a connection to a leader that stepped down is used for one error and not for
// the next one, though nobody resets the pool.
func TestAServerThatTurnedReadOnlyIsLeft(t *testing.T) {
	t.Parallel()
	var l leadership
	old, new := testenv.PostgresServer(t), testenv.PostgresServer(t)
	l.set(hostOf(t, old))
	pool := following(t, old, &l)
	exec(t, testenv.Pool(t, old), "ALTER DATABASE agrichat SET default_transaction_read_only = on")
	pool.Reset()
	exec(t, pool, "SELECT 1") // connected to the old one
	l.set(hostOf(t, new))
	_, err := pool.Exec(t.Context(), "CREATE TABLE t ()")
	var said *pgconn.PgError
	if !errors.As(err, &said) || said.Code != "25006" {
		t.Fatalf("the old leader says %v", err)
	}
	exec(t, pool, "CREATE TABLE t ()")
}

// TestSilenceIsBounded holds that the kernel gives up a connection to a host that was cut off, in seconds.
func TestSilenceIsBounded(t *testing.T) {
	t.Parallel()
	var l leadership
	dsn := testenv.PostgresServer(t)
	l.set(hostOf(t, dsn))
	conn, err := following(t, dsn, &l).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	raw, err := conn.Conn().PgConn().Conn().(interface {
		SyscallConn() (syscall.RawConn, error)
	}).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	err = raw.Control(func(fd uintptr) {
		for name, option := range map[string]int{"unacked": unix.TCP_USER_TIMEOUT, "idle": unix.TCP_KEEPIDLE,
			"probe": unix.TCP_KEEPINTVL, "probes": unix.TCP_KEEPCNT} {
			if got[name], err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option); err != nil {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"unacked": 5000, "idle": 3, "probe": 1, "probes": 3}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAimingKeepsHowToConnect(t *testing.T) {
	t.Parallel()
	type way struct {
		Host    string
		Port    uint16
		TLS     bool
		Expects string
	}
	for dsn, want := range map[string][]way{
		"postgres://u@a:1,b:2/x?sslmode=prefer":      {{"new", 3, true, "new"}, {"new", 3, false, ""}},
		"postgres://u@a:1,b:2/x?sslmode=allow":       {{"new", 3, false, ""}, {"new", 3, true, "new"}},
		"postgres://u@a:1,b:2/x?sslmode=verify-full": {{"new", 3, true, "new"}},
		"postgres://u@a:1,a:2/x?sslmode=require":     {{"new", 3, true, "new"}},
		"postgres://u@a:1,a:1/x?sslmode=disable":     {{"new", 3, false, ""}, {"new", 3, false, ""}},
	} {
		c, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		before := c.TLSConfig
		if err := pg.Aim(c, "new:3"); err != nil {
			t.Fatal(err)
		}
		got := []way{{Host: c.Host, Port: c.Port, TLS: c.TLSConfig != nil}}
		if c.TLSConfig != nil {
			got[0].Expects = c.TLSConfig.ServerName
		}
		for _, f := range c.Fallbacks {
			w := way{Host: f.Host, Port: f.Port, TLS: f.TLSConfig != nil}
			if w.TLS {
				w.Expects = f.TLSConfig.ServerName
			}
			got = append(got, w)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dsn, diff)
		}
		if before != nil && before.ServerName != "a" {
			t.Errorf("%s: settings that others share expect %q now", dsn, before.ServerName)
		}
	}
	for _, address := range []string{"new", "new:x", "new:70000"} {
		if err := pg.Aim(&pgconn.Config{}, address); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
}
