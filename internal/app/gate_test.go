package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// TestLeaseOf holds that nothing but a leader that is proved, and has an address, opens the gate.
func TestLeaseOf(t *testing.T) {
	t.Parallel()
	now := time.Now()
	led := patroni.View{Leader: "pg1", Token: 7, Members: map[string]patroni.Member{"pg1": {Address: "h:5432"}}}
	proved := func(v patroni.View) patroni.Status {
		return patroni.Status{View: v, LastReply: now, Expires: now.Add(time.Minute)}
	}
	for name, tt := range map[string]struct {
		status patroni.Status
		shut   gate.Reason
		detail string
	}{
		"a leader":                     {proved(led), "", ""},
		"nothing was asked yet":        {patroni.Status{}, gate.Starting, ""},
		"etcd is away":                 {patroni.Status{View: led, LastReply: now, Expires: now.Add(-time.Second), Err: errors.New("timed out")}, gate.Unproved, "timed out"},
		"etcd is away for a moment":    {patroni.Status{View: led, LastReply: now, Expires: now.Add(time.Minute), Err: errors.New("timed out")}, "", ""},
		"etcd wants a password":        {patroni.Status{Err: fault.AsFatal(errors.New("etcd.user is missing"))}, gate.EtcdRefuses, "etcd.user"},
		"another scope":                {patroni.Status{View: patroni.View{Empty: true}, LastReply: now, Expires: now.Add(time.Minute), Others: []string{"production"}}, gate.NoCluster, "there are production"},
		"no leader":                    {proved(patroni.View{}), gate.NoLeader, "another leader"},
		"a leader without an address":  {proved(patroni.View{Leader: "pg1", Token: 7}), gate.NoAddress, "pg1"},
		"a leader among other members": {proved(patroni.View{Leader: "pg2", Members: led.Members}), gate.NoAddress, "pg2"},
	} {
		got := leaseOf(tt.status, "/service/main/")
		if got.Shut != tt.shut || !strings.Contains(got.Detail, tt.detail) || got.Expires != tt.status.Expires {
			t.Errorf("%s: got %+v, want %q because of %q", name, got, tt.shut, tt.detail)
		}
	}
	if got := leaseOf(proved(led), ""); got.Leader != "pg1" || got.Address != "h:5432" || got.Token != 7 {
		t.Errorf("the leader is %+v", got)
	}
}

func TestLeaderGate_leader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &leaderGate{local: gate.NewLocal(gate.Config{})}
		began := time.Now()
		if _, err := g.leader(t.Context()); fault.Of(err) != fault.Transient || time.Since(began) != leaderTimeout {
			t.Errorf("without a leader: %v after %s", err, time.Since(began))
		}
		g.local.SetLease(gate.Lease{Leader: "pg1", Address: "h:5432", Token: 1, Expires: time.Now().Add(time.Hour), LastReply: time.Now()})
		if address, err := g.leader(t.Context()); err != nil || address != "h:5432" {
			t.Errorf("with a leader: %q, %v", address, err)
		}
	})
}

func TestLeaderGate_awaitLeader(t *testing.T) {
	t.Parallel()
	g := &leaderGate{local: gate.NewLocal(gate.Config{Alone: true})}
	if err := g.awaitLeader(t.Context()); err != nil {
		t.Errorf("where no leader is followed it waits: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.follower = &patroni.Follower{}
	if err := g.awaitLeader(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEtcdTLS(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(broken, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config config.Etcd
		tls    bool
		want   string // of the error
	}{
		"plain":            {config.Etcd{Endpoints: []string{"http://a:2379"}}, false, ""},
		"https":            {config.Etcd{Endpoints: []string{"http://a:2379", "https://b:2379"}}, true, ""},
		"no such file":     {config.Etcd{CAFile: broken + ".missing"}, false, "etcd.ca_file"},
		"not PEM":          {config.Etcd{CAFile: broken}, false, "holds no certificate in PEM form"},
		"a broken key":     {config.Etcd{CertFile: broken, KeyFile: broken}, false, "etcd.cert_file and etcd.key_file"},
		"no configuration": {config.Etcd{}, false, ""},
	} {
		got, err := etcdTLS(tt.config)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) || (got != nil) != tt.tls {
			t.Errorf("%s: TLS %t, %v", name, got != nil, err)
		}
	}
}
