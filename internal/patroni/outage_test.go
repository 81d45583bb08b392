package patroni_test

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/patroni"
	"github.com/agrichat/agrichat/internal/testenv"
)

func failing(s patroni.Status) bool { return s.Err != nil }

// word waits for one that is newer than a time, and returns how long that took.
func word(t *testing.T, f *patroni.Follower, after time.Time) time.Duration {
	t.Helper()
	_, took := until(t, f, "word", func(s patroni.Status) bool { return s.LastReply.After(after) && s.Err == nil })
	return took
}

func TestEtcdIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	token, _ := c.lead("pg1", 60)
	f := start(t, c.etcd)
	before, _ := until(t, f, "proof", proved)
	c.etcd.Stop(t)
	s, took := until(t, f, "error", failing)
	if fault.Of(s.Err) != fault.Transient || !strings.Contains(s.Err.Error(), c.etcd.Endpoints()[0]) || took > 2*time.Second {
		t.Errorf("after %s: %v", took, s.Err)
	}
	if s.View.Token != token || s.Expires.Before(before.Expires) {
		t.Errorf("what was proved is forgotten: %+v", s)
	}
	until(t, f, "long outage", func(s patroni.Status) bool { return time.Since(s.LastReply) > 3*time.Second })
	c.etcd.Start(t)
	if took := word(t, f, time.Now()); took > time.Second {
		t.Errorf("the first word came after %s", took)
	}
	next, _ := c.lead("pg2", 60)
	until(t, f, "next leader", func(s patroni.Status) bool { return s.View.Token == next && proved(s) })
}

// While nobody can hear it, the leader changes twice, and etcd forgets how.
func TestWhatWasMissedIsNotReplayed(t *testing.T) {
	t.Parallel()
	for name, compact := range map[string]bool{"kept": false, "compacted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.lead("pg1", 60)
			f := start(t, c.etcd)
			until(t, f, "proof", proved)
			leaders := record(t, f)
			c.etcd.Wire(0).Cut()
			until(t, f, "error", failing)
			c.lead("pg2", 60)
			c.remove("leader")
			token, _ := c.lead("pg3", 60)
			if compact {
				if _, err := c.etcd.Admin.Compact(t.Context(), int64(token)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.etcd.Wire(0).Mend(); err != nil {
				t.Fatal(err)
			}
			s, took := until(t, f, "new leader", led("pg3"))
			if s.View.Token != token || took > time.Second {
				t.Errorf("after %s: %+v", took, s)
			}
			if got := leaders(); !slices.Equal(got, []string{"pg1", "pg3"}) {
				t.Errorf("the leaders were %q", got)
			}
		})
	}
}

// record returns the leaders since now, once it is asked.
func record(t *testing.T, f *patroni.Follower) func() []string {
	ctx, cancel := context.WithCancel(context.Background())
	leaders := []string{f.Status().View.Leader}
	var wg sync.WaitGroup
	wg.Go(func() {
		for end := false; !end; {
			changed := f.Changed()
			if l := f.Status().View.Leader; l != leaders[len(leaders)-1] {
				leaders = append(leaders, l)
			}
			select {
			case <-changed:
			case <-ctx.Done():
				end = ctx.Err() != nil && f.Status().View.Leader == leaders[len(leaders)-1]
			}
		}
	})
	end := func() []string { cancel(); wg.Wait(); return leaders }
	t.Cleanup(func() { end() })
	return end
}

// The connection is there, but nothing answers: as with a machine that has lost its power.
func TestASilentEtcd(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.lead("pg1", 60)
	f := start(t, c.etcd)
	until(t, f, "proof", proved)
	c.etcd.Wire(0).Silence()
	s, _ := until(t, f, "error", failing)
	if fault.Of(s.Err) != fault.Transient {
		t.Errorf("%v", s.Err)
	}
	token, _ := c.lead("pg2", 60)
	c.etcd.Wire(0).Speak()
	if took := word(t, f, time.Now()); took > time.Second {
		t.Errorf("the first word came after %s", took)
	}
	until(t, f, "new leader", func(s patroni.Status) bool { return s.View.Token == token && proved(s) })
}

// One of three members is silent: there is always a word, a proof, and no error.
func TestOneOfThreeIsSilent(t *testing.T) {
	t.Parallel()
	c := cluster{t, testenv.Etcd(t, testenv.EtcdConfig{Members: 3})}
	c.lead("pg1", 60)
	f := start(t, c.etcd)
	until(t, f, "proof", proved)
	c.etcd.Wire(1).Silence()
	began := time.Now()
	until(t, f, "end of five seconds", func(s patroni.Status) bool {
		if s.Err != nil || time.Since(s.LastReply) > 2500*time.Millisecond {
			t.Fatalf("after %s, with a word %s old: %v", time.Since(began), time.Since(s.LastReply), s.Err)
		}
		return time.Since(began) > 5*time.Second
	})
	token, _ := c.lead("pg2", 60)
	_, took := until(t, f, "new leader", func(s patroni.Status) bool { return s.View.Token == token && proved(s) })
	if took > 3*time.Second {
		t.Errorf("it was proved after %s", took)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	open, locked := testenv.EtcdConfig{}, testenv.EtcdConfig{Password: "right"}
	safe, certs := testenv.EtcdConfig{TLS: true}, testenv.EtcdConfig{TLS: true, ClientCerts: true}
	scheme := func(from, to string) func(*patroni.Config) {
		return func(c *patroni.Config) { c.Endpoints[0] = strings.Replace(c.Endpoints[0], from, to, 1) }
	}
	for name, c := range map[string]struct {
		etcd   testenv.EtcdConfig
		change func(*patroni.Config)
		want   string
	}{
		"wrong password":           {locked, func(c *patroni.Config) { c.User, c.Password = "root", "wrong" }, "correct etcd.user and etcd.password"},
		"unknown user":             {locked, func(c *patroni.Config) { c.User, c.Password = "nobody", "x" }, "correct etcd.user and etcd.password"},
		"no user":                  {locked, func(*patroni.Config) {}, "give etcd.user and etcd.password"},
		"unknown certificate":      {safe, func(c *patroni.Config) { c.TLS = nil }, "etcd.ca_file"},
		"plain to a TLS server":    {safe, scheme("https", "http"), "begin etcd.endpoints with https://"},
		"TLS to a plain server":    {open, scheme("http", "https"), "begin etcd.endpoints with http://"},
		"without our certificate":  {certs, func(c *patroni.Config) { c.TLS.Certificates = nil }, "etcd.cert_file and etcd.key_file"},
		"another name":             {safe, scheme("127.0.0.1", "localhost"), "name the servers in etcd.endpoints"},
		"plain, and a certificate": {certs, scheme("https", "http"), "begin etcd.endpoints with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, testenv.Etcd(t, c.etcd), c.change)
			// A connection that is refused may break before it is said why.
			s, _ := until(t, f, "advice", func(s patroni.Status) bool { return fault.Of(s.Err) == fault.Fatal })
			if !strings.Contains(s.Err.Error(), c.want) {
				t.Error(s.Err)
			}
		})
	}
}

func TestUsersAndCertificates(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]testenv.EtcdConfig{
		"password": {Password: "right"}, "TLS": {TLS: true}, "certificates": {TLS: true, ClientCerts: true, Password: "right"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster{t, testenv.Etcd(t, cfg)}
			c.lead("pg1", 30)
			f := start(t, c.etcd, func(p *patroni.Config) { p.User, p.Password = "root", cfg.Password })
			until(t, f, "proof", proved)
			c.etcd.Stop(t) // and with it what etcd knows of who has logged in
			until(t, f, "error", failing)
			c.etcd.Start(t)
			word(t, f, time.Now())
			token, _ := c.lead("pg2", 30)
			until(t, f, "new leader", func(s patroni.Status) bool { return s.View.Token == token && proved(s) })
		})
	}
}

// A user who lacks the right gets it while the follower goes on trying.
func TestRightsAreGivenLater(t *testing.T) {
	t.Parallel()
	c := cluster{t, testenv.Etcd(t, testenv.EtcdConfig{Password: "right"})}
	c.lead("pg1", 60)
	ctx := t.Context()
	if _, err := c.etcd.Admin.UserAdd(ctx, "reader", "read"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.etcd.Admin.RoleAdd(ctx, "reader"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.etcd.Admin.UserGrantRole(ctx, "reader", "reader"); err != nil {
		t.Fatal(err)
	}
	f := start(t, c.etcd, func(p *patroni.Config) { p.User, p.Password = "reader", "read" })
	s, _ := until(t, f, "error", failing)
	if fault.Of(s.Err) != fault.Fatal || !strings.Contains(s.Err.Error(), `"reader" not read /service/main/`) {
		t.Errorf("%v", s.Err)
	}
	_, err := c.etcd.Admin.RoleGrantPermission(ctx, "reader", "/service/main/", "/service/main0", 0)
	if err != nil {
		t.Fatal(err)
	}
	until(t, f, "proof", func(s patroni.Status) bool { return proved(s) && s.Err == nil })
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]patroni.Config{
		"nowhere": {Scope: "main"}, "nobody": {Endpoints: []string{"http://a:1"}, Scope: "/"},
		"half safe": {Endpoints: []string{"http://a:1", "https://b:1"}, Scope: "main", TLS: &tls.Config{}},
	} {
		if _, err := patroni.New(cfg); fault.Of(err) != fault.Fatal {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := patroni.New(patroni.Config{Endpoints: []string{"a:1"}, Namespace: "//db//", Scope: "main"})
	if err != nil || f.Prefix() != "/db/main/" {
		t.Errorf("%v %v", f, err)
	}
}
