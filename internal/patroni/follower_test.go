package patroni_test

import (
	"context"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/patroni"
	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// cluster writes what Patroni writes.
type cluster struct {
	t    *testing.T
	etcd *testenv.EtcdCluster
}

func (c cluster) put(key, value string, opts ...clientv3.OpOption) int64 {
	c.t.Helper()
	got, err := c.etcd.Admin.Put(c.t.Context(), "/service/main/"+key, value, opts...)
	if err != nil {
		c.t.Fatal(err)
	}
	return got.Header.Revision
}

func (c cluster) remove(key string) int64 {
	c.t.Helper()
	got, err := c.etcd.Admin.Delete(c.t.Context(), "/service/main/"+key)
	if err != nil {
		c.t.Fatal(err)
	}
	return got.Header.Revision
}

// lead makes a member leader under a new lease, and returns the token.
func (c cluster) lead(name string, ttl int64) (uint64, clientv3.LeaseID) {
	c.t.Helper()
	lease, err := c.etcd.Admin.Grant(c.t.Context(), ttl)
	if err != nil {
		c.t.Fatal(err)
	}
	c.put("members/"+name, `{"conn_url":"postgres://10.0.0.1:5433/postgres","state":"running","role":"primary","timeline":1}`,
		clientv3.WithLease(lease.ID))
	return uint64(c.put("leader", name, clientv3.WithLease(lease.ID))), lease.ID
}

func start(t *testing.T, etcd *testenv.EtcdCluster, change ...func(*patroni.Config)) *patroni.Follower {
	t.Helper()
	cfg := patroni.Config{Endpoints: etcd.Endpoints(), TLS: etcd.TLS(), Scope: "main"}
	for _, c := range change {
		c(&cfg)
	}
	f, err := patroni.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return f
}

// until waits for a status, and returns it with how long that took.
func until(t *testing.T, f *patroni.Follower, what string, is func(patroni.Status) bool) (patroni.Status, time.Duration) {
	t.Helper()
	began := time.Now()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond) // for what changes without a word: times
	defer tick.Stop()
	for {
		changed := f.Changed()
		s := f.Status()
		if is(s) {
			return s, time.Since(began)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("no %s: %+v", what, s)
		}
	}
}

func led(name string) func(patroni.Status) bool {
	return func(s patroni.Status) bool { return s.View.Leader == name }
}

func proved(s patroni.Status) bool { return !s.Expires.IsZero() }

func newCluster(t *testing.T) cluster { return cluster{t, testenv.Etcd(t, testenv.EtcdConfig{})} }

func TestFollowsWhatPatroniWrites(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	token, lease := c.lead("pg1", 30)
	f := start(t, c.etcd)
	s, _ := until(t, f, "proof", proved)
	if s.View.Token != token || s.View.Lease != int64(lease) || s.View.Members["pg1"].Address != "10.0.0.1:5433" || s.Err != nil {
		t.Errorf("%+v", s)
	}
	if left := time.Until(s.Expires); left > 29*time.Second || left < 20*time.Second {
		t.Errorf("%s are left of 30 s", left)
	}
	c.put("failover", `{"leader":"pg1","member":"pg2"}`)
	until(t, f, "failover", func(s patroni.Status) bool { return s.View.Failover != nil && s.View.Failover.To == "pg2" })
	c.put("failover", `{}`)
	until(t, f, "end of the failover", func(s patroni.Status) bool { return s.View.Failover == nil })

	c.remove("leader")
	s, took := until(t, f, "end of the leader", led(""))
	if took > 100*time.Millisecond || s.View.Token != 0 || !s.Expires.IsZero() {
		t.Errorf("after %s: %+v", took, s)
	}
	next, _ := c.lead("pg2", 30)
	s, _ = until(t, f, "next leader", led("pg2"))
	if s.View.Token != next || next <= token {
		t.Errorf("the token is %d after %d, want %d", s.View.Token, token, next)
	}
	if _, took = until(t, f, "proof", proved); took > 300*time.Millisecond {
		t.Errorf("the next leader was proved after %s", took)
	}
}

// A leader key that is overwritten keeps its create_revision.
func TestAStolenKeyIsANewToken(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	first, _ := c.lead("pg1", 30)
	f := start(t, c.etcd)
	until(t, f, "proof", proved)
	second, lease := c.lead("pg1", 10)
	s, _ := until(t, f, "new token", func(s patroni.Status) bool { return s.View.Token == second && proved(s) })
	if second <= first || s.View.Lease != int64(lease) || time.Until(s.Expires) > 9*time.Second {
		t.Errorf("%d after %d: %+v", second, first, s)
	}
	until(t, start(t, c.etcd), "the same from who comes later", func(s patroni.Status) bool { return s.View.Token == second && proved(s) })
}

func TestNoProofOutlivesTheLease(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.lead("pg1", 4)
	latest := time.Now().Add(4 * time.Second) // the lease was granted before this
	f := start(t, c.etcd)
	s, _ := until(t, f, "proof", proved)
	last := s.Expires
	for s.View.Leader != "" {
		if s.Expires.Before(last) || s.Expires.After(latest.Add(-time.Second)) {
			t.Fatalf("until %s after %s; the lease ends at %s", s.Expires, last, latest)
		}
		last = s.Expires
		seen := s
		s, _ = until(t, f, "other status", func(s patroni.Status) bool { return s.LastReply != seen.LastReply || s.View.Leader == "" })
	}
	if now := time.Now(); now.Before(last) {
		t.Errorf("the leader went %s before what had been vouched for", last.Sub(now))
	}
}

func TestALeaderWithoutALeaseIsNotProved(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.put("leader", "pg1")
	f := start(t, c.etcd)
	s, _ := until(t, f, "leader", led("pg1"))
	word := s.LastReply
	s, _ = until(t, f, "second word", func(s patroni.Status) bool { return s.LastReply.Sub(word) > 700*time.Millisecond })
	if proved(s) {
		t.Errorf("%+v", s)
	}
}

func TestAnEmptyPrefixNamesTheOthers(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, key := range []string{"/service/maine/leader", "/service/maine/config", "/service/zoo/members/x", "/serviceable/no/leader"} {
		if _, err := c.etcd.Admin.Put(t.Context(), key, "x"); err != nil {
			t.Fatal(err)
		}
	}
	f := start(t, c.etcd)
	s, _ := until(t, f, "others", func(s patroni.Status) bool { return len(s.Others) > 0 })
	if !s.View.Empty || len(s.Others) != 2 || s.Others[0] != "maine" || s.Others[1] != "zoo" {
		t.Errorf("%+v", s)
	}
	c.lead("pg1", 30)
	if s, _ = until(t, f, "leader", led("pg1")); s.View.Empty || s.Others != nil {
		t.Errorf("%+v", s)
	}
}
