package crashtest

import (
	"net/url"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/testenv"
)

// The DSN names two hosts, and nobody says who leads. The standby is promoted in the middle of an import, and lacks what the
// primary had acknowledged since it was cut off: it takes a new generation, and everything is stored once.
func TestFailoverWithoutEtcd(t *testing.T) {
	t.Parallel()
	h := newEmptyHouse(t)
	files := input(t).files
	primary, standby := testenv.Replicated(t, t.TempDir())
	second, err := url.Parse(standby.URL)
	if err != nil {
		t.Fatal(err)
	}
	both, err := url.Parse(primary.URL)
	if err != nil {
		t.Fatal(err)
	}
	both.Host += "," + second.Host
	h.environ = append(h.environ, "AGRICHAT_POSTGRES_DSN="+both.String()+"&target_session_attrs=read-write")
	u := h.up()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("up: %s", u.err.text())
		}
	})
	h.imports(files[:3])

	var written string
	primary.Exec(t, "SELECT pg_current_wal_lsn()::text", &written)
	h.eventually(standby, "SELECT pg_last_wal_replay_lsn() >= '"+written+"'")
	standby.Exec(t, "ALTER SYSTEM SET primary_conninfo = ''")
	standby.Exec(t, "SELECT pg_reload_conf()")
	h.eventually(standby, "SELECT count(*) = 0 FROM pg_stat_wal_receiver")

	reached := h.midway(8)
	p := h.start("", importOf(files[3:6])...)
	p.after(reached)
	primary.Stop(t)
	standby.Exec(t, "SELECT pg_promote()")
	p.ends(0)
	h.imports(files)
	h.proves()
	var generation int
	standby.Exec(t, "SELECT generation FROM agrichat.store", &generation)
	if generation != 2 {
		t.Errorf("the store has generation %d after one failover", generation)
	}
	u.stop()
}

// eventually asks until the answer is yes.
func (h *house) eventually(of *testenv.Server, question string) {
	h.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); time.Now().Before(limit); <-tick.C {
		var yes bool
		if of.Exec(h.T, question, &yes); yes {
			return
		}
	}
	h.Fatalf("not for %v: %s", patience, question)
}
