package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/obs"
)

const (
	linkInterval = 3 * time.Second
	linkTimeout  = time.Second
)

// links reports which of its servers a process reaches. It covers servers that are not embedded.
type links struct {
	connections *Connections
	health      *obs.Health
	up          *prometheus.GaugeVec
}

func newLinks(c *Connections) *links {
	l := &links{connections: c, health: c.health, up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "agrichat_link_up",
		Help: "Whether this process reaches a server that it uses"}, []string{"link"})}
	c.registry.MustRegister(l.up)
	return l
}

func (l *links) run(ctx context.Context) error {
	tick := time.NewTicker(linkInterval)
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
	c := l.connections
	b, pool := c.opened()
	if b != nil && !c.cfg.NATS.Embedded() {
		l.report(ctx, "nats", b.LinkError())
	}
	follower := c.gate.follower
	if follower != nil {
		if st := follower.Status(); st.Err != nil || !st.LastReply.IsZero() {
			l.report(ctx, "etcd", st.Err)
		}
	}
	address := c.gate.local.Status().Address
	if follower == nil && pool != nil && !c.cfg.Postgres.Embedded() {
		p := pool.Config().ConnConfig
		address = net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port)))
	}
	if address != "" && (pool != nil || c.gate.controller != nil) {
		l.report(ctx, "postgres", reachable(ctx, address))
	}
}

// reachable opens a connection and closes it: whether the server may be written to is the gate's decision.
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
	check := l.health.Check("link " + link)
	if err == nil {
		l.up.WithLabelValues(link).Set(1)
		check.OK()
		return
	}
	l.up.WithLabelValues(link).Set(0)
	check.Failing(err.Error())
}

// problemTimeout bounds each question about why nothing is being stored.
const problemTimeout = 3 * time.Second

// Problems returns what may keep events from being stored: a gate that is shut, failing checks, servers that do not answer.
func (a *App) Problems(ctx context.Context) (out []string) {
	if now := a.gate.local.Status(); now.State != gate.Opened {
		out = append(out, fmt.Sprintf("the gate is %s (%s): %s", now.State, now.Reason, GateReason(now)))
	}
	out = append(out, failingChecks(ctx, a)...)
	return append(out, a.Connections.unreachable(ctx)...)
}

// failingChecks returns those of the processes that store and aggregate: this one, or the one whose servers it uses.
func failingChecks(ctx context.Context, a *App) (out []string) {
	list := a.health.Statuses()
	if a.Attached() && a.servers.endpoints.HTTP != "" {
		theirs, err := readyz(ctx, a.servers.endpoints.HTTP)
		if err != nil {
			return []string{"the agrichat that runs the servers does not answer: " + err.Error()}
		}
		list = append(list, theirs...)
	}
	for _, c := range list {
		if c.State == obs.Failing {
			out = append(out, c.Name+": "+c.Reason)
		}
	}
	return out
}

// readyz returns the checks of another process.
func readyz(ctx context.Context, address string) ([]obs.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, problemTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer obs.Readiness
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Checks, err
}

// unreachable returns which servers that this process is connected to do not answer.
func (c *Connections) unreachable(ctx context.Context) (out []string) {
	ctx, cancel := context.WithTimeout(ctx, problemTimeout)
	defer cancel()
	b, pool := c.opened()
	if b != nil {
		if _, err := b.Stream(ctx, bus.Chat); err != nil {
			out = append(out, err.Error())
		}
	}
	if pool != nil {
		if err := pool.Ping(ctx); err != nil {
			out = append(out, "PostgreSQL does not answer: "+err.Error())
		}
	}
	return out
}
