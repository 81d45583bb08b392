package cli

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers/control"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/consumers/normalise/lock"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
	"github.com/agrichat/agrichat/internal/supervise"
)

// placeGate makes the gate of this process: one that follows a leader where etcd is configured, and otherwise one that only an
// operator shuts.
func (s *stack) placeGate() error {
	followed := s.cfg.Etcd.Followed()
	c := gate.Config{Alone: !followed, Log: s.log}
	if followed && s.needs.control {
		s.controller = control.NewMetrics(s.registry)
	} else {
		p := newPassages(s.registry)
		defer func() { p.watch(s.door, s.registry) }()
		c.OnChange = p.changed
	}
	s.door = gate.NewDoor(c)
	s.gate = s.door
	if !followed {
		return nil
	}
	t, err := etcdTLS(s.cfg.Etcd)
	if err != nil {
		return misuse{err}
	}
	s.follower, err = patroni.New(patroni.Config{Endpoints: s.cfg.Etcd.Endpoints, User: s.cfg.Etcd.User, Password: s.cfg.Etcd.Password,
		TLS: t, Namespace: s.cfg.Patroni.Namespace, Scope: s.cfg.Patroni.Scope, Log: s.log})
	return err
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
	if c.CAFile == "" && c.CertFile == "" && !secured(c.Endpoints) {
		return nil, nil
	}
	return t, nil
}

func secured(endpoints []string) bool {
	return slices.ContainsFunc(endpoints, func(e string) bool { return strings.HasPrefix(e, "https://") })
}

// processID tells this process from others that follow the gate.
func processID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}

// watchLeader learns from etcd who the leader is, and shuts the gate when that can no longer be proved. It needs nothing else,
// and outlives all connections.
func (s *stack) watchLeader(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.door.Run(ctx) })
	g.Go(func() error { return s.resetConnections(ctx) })
	g.Go(func() error { return s.links.run(ctx) })
	if s.follower != nil {
		g.Go(func() error { return s.follower.Run(ctx) })
		g.Go(func() error { return s.trust(ctx) })
	}
	return g.Wait()
}

// trustEvery is how often the end of a lease is passed on: the follower asks twice a second.
const trustEvery = 100 * time.Millisecond

// trust passes on what the follower knows.
func (s *stack) trust(ctx context.Context) error {
	tick := time.NewTicker(trustEvery)
	defer tick.Stop()
	for {
		changed := s.follower.Changed()
		s.door.Trust(s.trusted(s.follower.Status()))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

// trusted is what a status is worth to a writer. An announced change of the leader is the controller's to judge: the old leader
// stops in good order, and what it refuses is not lost.
func (s *stack) trusted(st patroni.Status) gate.Trust {
	v := st.View
	t := gate.Trust{Leader: v.Leader, Address: v.Members[v.Leader].Address, Token: v.Token, Until: st.Until, Word: st.Word}
	proved := time.Now().Before(st.Until)
	switch {
	case st.Word.IsZero() && st.Err == nil:
		t.Shut = gate.Starting
	case !proved && fault.Of(st.Err) == fault.Fatal:
		t.Shut, t.Detail = gate.EtcdRefuses, st.Err.Error()
	case !proved && st.Err != nil:
		t.Shut, t.Detail = gate.Unproved, "etcd does not answer: "+st.Err.Error()
	case v.Empty:
		t.Shut, t.Detail = gate.NoCluster, fmt.Sprintf("nothing stands under %s in etcd: check patroni.namespace and patroni.scope", s.follower.Prefix())
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

// resetConnections drops every connection to the record when another leader is there: those to the old one may go on working,
// and what they write is lost.
func (s *stack) resetConnections(ctx context.Context) error {
	var token uint64
	for {
		changed := s.door.Changed()
		if now := s.door.Standing().Token; now != token {
			token = now
			s.mu.Lock()
			if s.record != nil {
				s.record.Reset()
			}
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// leaderPatience is how long a new connection waits for the word of who the leader is.
const leaderPatience = 3 * time.Second

// leader returns where the leader's server is.
func (s *stack) leader(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		changed := s.door.Changed()
		now := s.door.Standing()
		if now.Address != "" {
			return now.Address, nil
		}
		select {
		case <-ctx.Done():
			return "", fault.AsTransient(fmt.Errorf("there is no leader to connect to: %s", says(now)), 0)
		case <-changed:
		}
	}
}

// says puts a standing into words.
func says(st gate.Standing) string {
	if st.Detail != "" {
		return st.Detail
	}
	return string(st.Reason)
}

// followOrders learns from the bucket what the controller and the operator want.
func (s *stack) followOrders(ctx context.Context) error {
	b, err := s.openBus(ctx)
	if err != nil {
		return err
	}
	if s.missing != nil { // nobody has given orders yet, and this command only looks
		<-ctx.Done()
		return nil
	}
	orders, err := b.Orders(ctx)
	if err != nil {
		return err
	}
	o, _, err := orders.Read(ctx)
	if err != nil {
		return err
	}
	s.door.Order(o)
	return orders.Watch(ctx, func(o gate.Order, _ uint64) { s.door.Order(o) }, func(gate.Swept) {})
}

// The gate has two sides: what etcd says, which needs no connection of ours, and what the bucket says.

func (s *stack) leaderComponent() supervise.Component {
	return supervise.Component{Name: "leader", Run: s.watchLeader, Essential: true}
}

func (s *stack) ordersComponent() supervise.Component {
	return supervise.Component{Name: "gate", Run: s.followOrders, After: []string{"connections"}, Essential: true}
}

// roundPause is how long the filling of holes waits after it failed, or found somebody else at it.
const roundPause = 200 * time.Millisecond

// recoverRounds fills the ledger's holes whenever the controller asks for it: nobody writes until somebody has.
func (s *stack) recoverRounds(ctx context.Context, k *normalise.Store, orders *bus.Orders) error {
	var done uint64
	for {
		changed := s.door.Changed()
		var again <-chan time.Time
		if now := s.door.Standing(); now.State == gate.Recovering && now.Round != done {
			err := s.recoverRound(ctx, k, orders, now)
			if err == nil {
				done = now.Round
				continue
			}
			if ctx.Err() != nil {
				return nil
			}
			if fault.Of(err) == fault.Fatal { // a person has to act: to try for ever tells nobody
				return err
			}
			level := slog.LevelWarn
			if errors.Is(err, lock.ErrHeld) {
				level = slog.LevelDebug
			}
			s.log.Log(ctx, level, "filling the ledger's holes did not end; trying again", "round", now.Round, "error", err)
			again = time.After(roundPause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

func (s *stack) recoverRound(ctx context.Context, k *normalise.Store, orders *bus.Orders, now gate.Standing) error {
	began := time.Now()
	c, err := s.bus.ConsumerStatus(ctx, bus.Chat, bus.Normalise)
	if err != nil {
		return err
	}
	filled, err := s.recovery.AfterFailover(ctx, k.Through(s.door.Recovery(now.Round)), c.Delivered)
	if err != nil {
		return err
	}
	s.reach("recovered")
	r := gate.Swept{Round: now.Round, Token: now.Token, UpTo: c.Delivered, Filled: filled, Took: time.Since(began).Seconds(), By: s.id}
	if err := orders.Report(ctx, r); err != nil {
		return err
	}
	s.reach("reported")
	s.log.Info("the ledger has no holes", "round", r.Round, "token", r.Token, "up_to", r.UpTo, "filled", r.Filled, "took", r.Took)
	return nil
}
