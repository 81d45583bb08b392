package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers/control"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// leaderGate is the gate of a process: one that follows a leader where etcd is configured, and otherwise one that only an operator
// shuts.
type leaderGate struct {
	local      *gate.Local
	follower   *patroni.Follower // nil: no leader is followed
	controller *control.Metrics  // nil: this process does not control
}

func newLeaderGate(b base, controls bool) (*leaderGate, error) {
	g := &leaderGate{}
	followed := b.cfg.Etcd.Followed()
	c := gate.Config{Alone: !followed, Log: b.log}
	if followed && controls {
		g.controller = control.NewMetrics(b.registry)
		g.local = gate.NewLocal(c)
	} else {
		m := newGateMetrics(b.registry)
		c.OnChange = m.changed
		g.local = gate.NewLocal(c)
		m.watch(g.local, b.registry)
	}
	if !followed {
		return g, nil
	}
	t, err := etcdTLS(b.cfg.Etcd)
	if err != nil {
		return nil, UsageError{err}
	}
	g.follower, err = patroni.New(patroni.Config{Endpoints: b.cfg.Etcd.Endpoints, User: b.cfg.Etcd.User, Password: b.cfg.Etcd.Password,
		TLS: t, Namespace: b.cfg.Patroni.Namespace, Scope: b.cfg.Patroni.Scope, Log: b.log})
	return g, err
}

// etcdTLS is nil where no endpoint asks for it and no certificate is given.
func etcdTLS(c config.Etcd) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("etcd.ca_file: %w", err)
		}
		if t.RootCAs = x509.NewCertPool(); !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("etcd.ca_file: %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("etcd.cert_file and etcd.key_file: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	if c.CAFile == "" && c.CertFile == "" && !slices.ContainsFunc(c.Endpoints, isHTTPS) {
		return nil, nil
	}
	return t, nil
}

func isHTTPS(endpoint string) bool { return strings.HasPrefix(endpoint, "https://") }

// run follows the leader in etcd, and shuts the gate when the lease expires. It needs no other server, and outlives all connections.
func (g *leaderGate) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.local.Run(ctx) })
	if g.follower != nil {
		group.Go(func() error { return g.follower.Run(ctx) })
		group.Go(func() error { return g.renewLease(ctx) })
	}
	return group.Wait()
}

// leaseInterval is how often the expiry of the lease is passed on: the follower renews it twice a second.
const leaseInterval = 100 * time.Millisecond

// renewLease passes on what the follower knows.
func (g *leaderGate) renewLease(ctx context.Context) error {
	tick := time.NewTicker(leaseInterval)
	defer tick.Stop()
	for {
		changed := g.follower.Changed()
		g.local.SetLease(leaseOf(g.follower.Status(), g.follower.Prefix()))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// leaseOf is what a status of the follower is worth to a writer. A pending switchover is the controller's to judge: the old leader
// stops in good order, and what it refuses is not lost. prefix is where the cluster is looked for.
func leaseOf(st patroni.Status, prefix string) gate.Lease {
	v := st.View
	t := gate.Lease{Leader: v.Leader, Address: v.Members[v.Leader].Address, Token: v.Token, Expires: st.Expires, LastReply: st.LastReply}
	proved := time.Now().Before(st.Expires)
	switch {
	case st.LastReply.IsZero() && st.Err == nil:
		t.Shut = gate.Starting
	case !proved && fault.Of(st.Err) == fault.Fatal:
		t.Shut, t.Detail = gate.EtcdRefuses, st.Err.Error()
	case !proved && st.Err != nil:
		t.Shut, t.Detail = gate.Unproved, "etcd does not answer: "+st.Err.Error()
	case v.Empty:
		t.Shut, t.Detail = gate.NoCluster, fmt.Sprintf("nothing stands under %s in etcd: check patroni.namespace and patroni.scope", prefix)
		if len(st.Others) > 0 {
			t.Detail += "; there are " + strings.Join(st.Others, ", ")
		}
	case v.Leader == "":
		t.Shut, t.Detail = gate.NoLeader, "writing goes on when Patroni has made another leader"
	case t.Address == "":
		t.Shut, t.Detail = gate.NoAddress, "the member "+v.Leader+" gives no conn_url that can be read"
	}
	return t
}

// onNewToken calls do whenever the token has changed.
func (g *leaderGate) onNewToken(ctx context.Context, do func()) error {
	var token uint64
	for {
		changed := g.local.Changed()
		if now := g.local.Status().Token; now != token {
			token = now
			do()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// leaderTimeout is how long a new connection waits until the leader is known.
const leaderTimeout = 3 * time.Second

// leader returns the address of the leader.
func (g *leaderGate) leader(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderTimeout)
	defer cancel()
	now, ok := g.await(ctx, func(st gate.Status) bool { return st.Address != "" })
	if !ok {
		return "", fault.AsTransient(fmt.Errorf("there is no leader to connect to: %s", GateReason(now)), 0)
	}
	return now.Address, nil
}

// awaitLeader waits, where a leader is followed, until there is one to write to: connecting before only fails.
func (g *leaderGate) awaitLeader(ctx context.Context) error {
	if g.follower == nil {
		return nil
	}
	if _, ok := g.await(ctx, func(st gate.Status) bool { return st.State != gate.Shut }); !ok {
		return ctx.Err()
	}
	return nil
}

// await waits until the gate is as wanted, or ctx has ended, and returns its last status.
func (g *leaderGate) await(ctx context.Context, wanted func(gate.Status) bool) (now gate.Status, ok bool) {
	for {
		changed := g.local.Changed()
		now := g.local.Status()
		if wanted(now) {
			return now, true
		}
		select {
		case <-ctx.Done():
			return now, false
		case <-changed:
		}
	}
}

// GateReason says in words why the gate is in its state.
func GateReason(st gate.Status) string {
	if st.Detail != "" {
		return st.Detail
	}
	return string(st.Reason)
}

// watchDesired follows the bucket, where the controller and the operator write the desired state.
func (g *leaderGate) watchDesired(ctx context.Context, b *bus.Bus) error {
	orders, err := b.GateStore(ctx)
	if err != nil {
		return err
	}
	o, _, err := orders.Read(ctx)
	if err != nil {
		return err
	}
	g.local.SetDesired(o)
	return orders.Watch(ctx, func(o gate.DesiredState, _ uint64) { g.local.SetDesired(o) }, func(gate.Report) {})
}
