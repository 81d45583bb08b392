package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	linkEvery   = 3 * time.Second
	linkTimeout = time.Second
)

// links reports which of its servers this process reaches. It covers servers that are not embedded.
type links struct {
	s  *stack
	up *prometheus.GaugeVec
}

func newLinks(s *stack) *links {
	l := &links{s: s, up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_link_up",
		Help: "Whether this process reaches a server that it uses"}, []string{"link"})}
	s.registry.MustRegister(l.up)
	return l
}

func (l *links) run(ctx context.Context) error {
	tick := time.NewTicker(linkEvery)
	defer tick.Stop()
	for {
		l.check(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (l *links) check(ctx context.Context) {
	s := l.s
	s.mu.Lock()
	b, pool := s.bus, s.record
	s.mu.Unlock()
	if b != nil && !s.cfg.NATS.Embedded() {
		l.report(ctx, "nats", b.LinkError())
	}
	if s.follower != nil {
		if st := s.follower.Status(); st.Err != nil || !st.Word.IsZero() {
			l.report(ctx, "etcd", st.Err)
		}
	}
	address := s.door.Standing().Address
	if s.follower == nil && pool != nil && !s.cfg.Postgres.Embedded() {
		c := pool.Config().ConnConfig
		address = net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	}
	if address != "" && (pool != nil || s.controller != nil) {
		l.report(ctx, "postgres", reachable(ctx, address))
	}
}

// reachable opens a connection and closes it: whether the server serves is the gate's to say.
func reachable(ctx context.Context, address string) error {
	d := net.Dialer{Timeout: linkTimeout}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connecting to the leader at %s: %w", address, err)
	}
	return conn.Close()
}

func (l *links) report(ctx context.Context, link string, err error) {
	if ctx.Err() != nil {
		return
	}
	check := l.s.health.Check("link " + link)
	if err == nil {
		l.up.WithLabelValues(link).Set(1)
		check.OK()
		return
	}
	l.up.WithLabelValues(link).Set(0)
	check.Failing(err.Error())
}
