package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/testenv"
)

// gateWords is the gate in status, and what gate pause and resume print.
type gateWords struct {
	State, Reason, Detail string
	Followed              bool
	Leader, Address       string
	Token                 uint64
	Word                  *float64 `json:"last_word_seconds"`
	Left                  *float64 `json:"safe_for_seconds"`
	Hand                  *struct{ Why, By string }
}

func (w *world) gate() gateWords {
	w.t.Helper()
	var r struct{ Gate gateWords }
	w.run("status", "--output", "json").want(0).into(&r)
	return r.Gate
}

// TestGate_Pause is planned work on a PostgreSQL that nobody elects leaders for.
func TestGate_Pause(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("migrate").want(0)
	if g := w.gate(); g.State != "open" || g.Followed {
		t.Errorf("the gate is %+v", g)
	}
	w.run("gate").want(2).one("gate pause", "resume")
	w.run("gate", "pause").want(2).one("--why")
	var g gateWords
	w.run("gate", "pause", "--why", "a new disk", "--output", "json").want(0).into(&g)
	if g.State != "shut" || g.Reason != "by-hand" || g.Hand == nil || g.Hand.Why != "a new disk" || !strings.Contains(g.Hand.By, "@") {
		t.Errorf("it says %+v", g)
	}
	w.run("status").want(0).prints("shut (by-hand)", "a new disk", "agrichat gate resume")
	file := filepath.Join(t.TempDir(), "one.jsonl")
	write(t, file, jsonLine)
	in := w.start("the gate is shut", "import", file)
	eventually(t, "what is imported is on the bus", func() bool {
		var r struct{ Streams []struct{ Messages int } }
		w.run("status", "--output", "json").want(0).into(&r)
		return r.Streams[0].Messages == 1
	})
	if rows := w.ask("SELECT event_id::text FROM agrichat.events"); len(rows) != 0 {
		t.Errorf("%d events were written through a shut gate", len(rows))
	}
	w.run("gate", "resume").want(0).prints("open")
	<-in.ended
	in.stop().want(0)
	w.equal()
}

// cluster is what Patroni says in etcd of a test's PostgreSQL.
type cluster struct {
	*world
	etcd *testenv.EtcdCluster
}

// follow makes a world that follows a leader.
func follow(t *testing.T) cluster {
	t.Helper()
	etcd := testenv.Etcd(t, testenv.EtcdConfig{})
	return cluster{newOutside(t).with("AGRICHAT_ETCD_ENDPOINTS="+strings.Join(etcd.Endpoints(), ","), "AGRICHAT_PATRONI_SCOPE=main"), etcd}
}

func (c cluster) put(key, value string, opts ...clientv3.OpOption) uint64 {
	c.t.Helper()
	r, err := c.etcd.Admin.Put(c.t.Context(), "/service/main/"+key, value, opts...)
	if err != nil {
		c.t.Fatal(err)
	}
	return uint64(r.Header.Revision)
}

// lead makes the server the leader under a name, and returns the token.
func (c cluster) lead(name string) uint64 {
	c.t.Helper()
	lease, err := c.etcd.Admin.Grant(c.t.Context(), 300)
	if err != nil {
		c.t.Fatal(err)
	}
	dsn, err := url.Parse(c.variable("AGRICHAT_POSTGRES_DSN"))
	if err != nil {
		c.t.Fatal(err)
	}
	member, err := json.Marshal(map[string]any{"conn_url": "postgres://" + dsn.Host + "/postgres", "state": "running", "role": "primary",
		"timeline": 1, "version": "4.0.7"})
	if err != nil {
		c.t.Fatal(err)
	}
	c.put("initialize", c.ask("SELECT system_identifier::text FROM pg_control_system()")[0])
	c.put("members/"+name, string(member), clientv3.WithLease(lease.ID))
	return c.put("leader", name, clientv3.WithLease(lease.ID))
}

func (c cluster) lose() {
	c.t.Helper()
	if _, err := c.etcd.Admin.Delete(c.t.Context(), "/service/main/leader"); err != nil {
		c.t.Fatal(err)
	}
}

// TestGate_Leader is the pipeline as it runs against a Patroni cluster, with two controllers.
func TestGate_Leader(t *testing.T) {
	t.Parallel()
	c := follow(t)
	where := regexp.MustCompile(`at (http://\S+);`)
	var at string
	for _, args := range [][]string{{"consume", "control"}, {"consume", "control"}, {"consume", "normalise"}, {"consume", "aggregate"}} {
		r := c.start("ready;", args...)
		if args[1] == "normalise" {
			at = where.FindStringSubmatch(r.err.String())[1]
		}
	}
	eventually(t, "a cluster that is not there is said to be missing", func() bool { return c.gate().Reason == "no-cluster" })

	first := c.lead("pg1")
	c.opens(first, "pg1")
	c.run("import", sample(t)).want(0)
	c.equal()
	var all standing
	c.run("status", "--output", "json").want(0).prints("pg1").into(&all)
	if len(all.Processes) != 4 {
		t.Errorf("status lists %+v of four processes", all.Processes)
	}
	c.run("status").want(0).prints("pg1", "the lease is good for")

	c.lose()
	eventually(t, "the gate is shut without a leader", func() bool { return c.gate().Reason == "no-leader" })
	eventually(t, "the metrics say so", func() bool {
		status, text := get(t, at+"/metrics")
		return status == http.StatusOK && strings.Contains(text, `agrichat_gate_state{state="shut"} 1`) &&
			strings.Contains(text, `agrichat_gate_reason{reason="no-leader"} 1`)
	})
	if r := c.consumer("normalise"); !r.Paused {
		t.Error("the workers' consumer is not paused")
	}
	file := filepath.Join(t.TempDir(), "one.jsonl")
	write(t, file, jsonLine)
	in := c.start("", "import", file)
	second := c.lead("pg2")
	c.opens(second, "pg2")
	<-in.ended
	in.stop().want(0)
	c.equal()
	if got := c.ask("SELECT token::text FROM agrichat.fence")[0]; got != fmt.Sprint(second) {
		t.Errorf("the database has seen token %s, want %d", got, second)
	}
	if got := c.ask("SELECT DISTINCT token::text FROM agrichat.messages ORDER BY 1"); len(got) != 2 {
		t.Errorf("rows carry the tokens %q, want %d and %d", got, first, second)
	}

	// By hand, here too; and a cluster that was made anew is taken only by order.
	c.run("gate", "pause", "--why", "an upgrade").want(0)
	if g := c.gate(); g.Reason != "by-hand" {
		t.Errorf("the gate is %+v", g)
	}
	c.run("gate", "resume").want(0).prints("open", "pg2")
	c.put("initialize", "7000000000000000001")
	eventually(t, "another cluster is not written to", func() bool { return c.gate().Reason == "other-cluster" })
	c.put("initialize", c.ask("SELECT system_identifier::text FROM pg_control_system()")[0])
	c.opens(second, "pg2")
}

// opens waits until the gate is open for a term.
func (c cluster) opens(token uint64, leader string) {
	c.t.Helper()
	eventually(c.t, "the gate is open for "+leader, func() bool {
		g := c.gate()
		return g.State == "open" && g.Token == token && g.Leader == leader && g.Word != nil && g.Left != nil && *g.Left > 0
	})
}

// consumer is a consumer of the bus in status.
func (w *world) consumer(name string) (found struct {
	Name   string
	Paused bool
}) {
	w.t.Helper()
	var r struct {
		Consumers []struct {
			Name   string
			Paused bool
		}
	}
	w.run("status", "--output", "json").want(0).into(&r)
	for _, c := range r.Consumers {
		if c.Name == name {
			return c
		}
	}
	w.t.Fatalf("there is no consumer %s", name)
	return found
}

// TestGate_BadClusters holds that what is wrong with etcd or the cluster is reported where a person looks.
func TestGate_BadClusters(t *testing.T) {
	t.Parallel()
	t.Run("nobody to follow", func(t *testing.T) {
		t.Parallel()
		newOutside(t).run("consume", "control").want(2).one("etcd.endpoints", "patroni.scope")
	})
	t.Run("another scope", func(t *testing.T) {
		t.Parallel()
		c := follow(t)
		if _, err := c.etcd.Admin.Put(t.Context(), "/service/production/initialize", "1"); err != nil {
			t.Fatal(err)
		}
		c.start("production", "consume", "control")
		eventually(t, "status names the scope that is there", func() bool {
			g := c.gate()
			return g.Reason == "no-cluster" && strings.Contains(g.Detail, "production")
		})
	})
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		c := follow(t)
		c.start("ready;", "consume", "control")
		c.lead("pg1")
		c.put("members/pg1", `{"state":"running","role":"primary"}`)
		eventually(t, "the gate is shut", func() bool { return c.gate().Reason == "no-address" })
	})
	t.Run("a password is asked for", func(t *testing.T) {
		t.Parallel()
		etcd := testenv.Etcd(t, testenv.EtcdConfig{Password: "hunter2"})
		w := newOutside(t).with("AGRICHAT_ETCD_ENDPOINTS="+strings.Join(etcd.Endpoints(), ","), "AGRICHAT_PATRONI_SCOPE=main")
		w.start("etcd.user", "consume", "control")
		eventually(t, "status says so", func() bool { return w.gate().Reason == "etcd-refuses" })
	})
}
