package pg

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"
)

// How soon a server or a client that vanished without a word is noticed. Linux would wait for a quarter of an hour; a lease
// lasts for some twenty seconds.
const (
	leaderTimeout = 2 * time.Second // to connect: a server that is up answers within one
	silentIdle    = 3 * time.Second // before the first probe of a connection on which nothing happens
	silentProbe   = time.Second     // between probes
	silentProbes  = 3               // without an answer
	unackedMost   = 5 * time.Second // that what was sent may go without the other side's word
)

// follow has every new connection go to the leader of that moment. The DSN says all but where.
func follow(pc *pgxpool.Config, leader func(context.Context) (string, error)) {
	c := pc.ConnConfig
	c.ConnectTimeout = leaderTimeout
	c.DialFunc = (&net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silentIdle, Interval: silentProbe, Count: silentProbes},
		Control:         boundUnacked,
	}).DialContext
	for name, value := range map[string]string{
		// A writer that is stopped in the middle holds locks, and keeps the token from being raised.
		"idle_in_transaction_session_timeout": "10s",
		// The same from the server's side, for locks of a client that vanished.
		"tcp_user_timeout": "5s", "tcp_keepalives_idle": "3", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3",
	} {
		if _, set := c.RuntimeParams[name]; !set {
			c.RuntimeParams[name] = value
		}
	}
	pc.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) error {
		address, err := leader(ctx)
		if err != nil {
			return fmt.Errorf("asking where the leader is: %w", err)
		}
		return Aim(&c.Config, address)
	}
}

// Aim points a connection's settings, which nobody else has, at another server. Of the fallbacks those stay that try the same
// server in another way: sslmode=prefer is one of them.
func Aim(c *pgconn.Config, address string) error {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading the leader's address: %w", err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return fmt.Errorf("reading the port of the leader's address %s: %w", address, err)
	}
	var ways []*pgconn.FallbackConfig
	for _, f := range c.Fallbacks {
		if f.Host == c.Host && f.Port == c.Port {
			ways = append(ways, &pgconn.FallbackConfig{Host: host, Port: uint16(port), TLSConfig: expecting(host, f.TLSConfig)})
		}
	}
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = host, uint16(port), expecting(host, c.TLSConfig), ways
	return nil
}

// expecting returns settings that expect another server; a name that nobody looked at before is not looked at now.
func expecting(host string, t *tls.Config) *tls.Config {
	if t == nil {
		return nil
	}
	t = t.Clone()
	if t.ServerName != "" {
		t.ServerName = host
	}
	return t
}

// boundUnacked has the kernel give a connection up whose other side has not taken what was sent for a while: no probes are sent
// while something is on its way.
func boundUnacked(_, _ string, c syscall.RawConn) error {
	var refused error
	err := c.Control(func(fd uintptr) {
		refused = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedMost.Milliseconds()))
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("bounding how long a server may be silent: %w", err)
	}
	return nil
}
