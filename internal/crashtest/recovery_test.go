package crashtest

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/testenv"
)

// The program dies between filling the ledger's gaps and reporting it, and right after the report: at its first token, and at the
// next one with gaps to fill.
func TestDeathInRecovery(t *testing.T) {
	t.Parallel()
	h := newEmptyHouse(t)
	files := input(t).files
	postgres := testenv.Restartable(t, t.TempDir())["postgres"].URL
	etcd := testenv.Etcd(t, testenv.EtcdConfig{})
	h.environ = append(h.environ, "AGRICHAT_POSTGRES_DSN="+postgres, "AGRICHAT_PATRONI_SCOPE=main",
		"AGRICHAT_ETCD_ENDPOINTS="+strings.Join(etcd.Endpoints(), ","))
	for _, leader := range []string{"pg1", "pg2"} {
		h.leads(etcd.Admin, leader, postgres)
		for _, at := range []string{"recovered:1", "reported:1"} {
			if p := h.start(at, "up"); !p.killed() {
				h.Fatalf("it was to die at %s: %v\n%s", at, p.cmd.ProcessState, p.err.text())
			}
		}
		u := h.up()
		p := h.start("", importOf(files)...)
		p.after(h.midway(4))
		u.signal(9)
		<-u.gone
		<-p.gone
	}
	u := h.up()
	h.imports(files)
	h.proves()
	u.stop()
}

// leads has etcd say, as Patroni does, that a server is the leader under a name.
func (h *house) leads(etcd *clientv3.Client, name, dsn string) {
	h.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		h.Fatal(err)
	}
	defer conn.Close(ctx)
	var system string
	if err := conn.QueryRow(ctx, "SELECT system_identifier::text FROM pg_control_system()").Scan(&system); err != nil {
		h.Fatal(err)
	}
	at, err := url.Parse(dsn)
	if err != nil {
		h.Fatal(err)
	}
	member, err := json.Marshal(map[string]any{"conn_url": "postgres://" + at.Host + "/postgres", "state": "running", "role": "primary",
		"timeline": 1, "version": "4.0.7"})
	if err != nil {
		h.Fatal(err)
	}
	lease, err := etcd.Grant(ctx, 300)
	if err != nil {
		h.Fatal(err)
	}
	for _, kv := range [][2]string{{"initialize", system}, {"members/" + name, string(member)}, {"leader", name}} {
		if _, err := etcd.Put(ctx, "/service/main/"+kv[0], kv[1], clientv3.WithLease(lease.ID)); err != nil {
			h.Fatal(err)
		}
	}
}
