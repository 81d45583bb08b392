package labtest

import (
	"net/url"
	"strconv"
)

// role is who owns the record, speaks to the bus and asks for figures.
const role = "agrichat"

// DSN is the record, for a client that looks for the leader itself.
func (l *Lab) DSN() string {
	return l.dsn(l.join(Postgres, ",", func(h *Host) string { return h.Address + ":" + postgresPort }), "read-write")
}

// HostDSN is one server, whether it leads or not.
func (l *Lab) HostDSN(h *Host) string { return l.dsn(h.Address+":"+postgresPort, "any") }

func (l *Lab) dsn(hosts, want string) string {
	q := url.Values{"sslmode": {"disable"}, "connect_timeout": {"2"}, "target_session_attrs": {want}}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, l.Secrets.Record), Host: hosts, Path: "/agrichat", RawQuery: q.Encode()}
	return u.String()
}

// NATSURLs are the servers without the user, which is agrichat with the password Secrets.Bus.
func (l *Lab) NATSURLs() string {
	return l.join(NATS, ",", func(h *Host) string { return "nats://" + h.Address + ":" + natsPort })
}

// EtcdEndpoints are all members' addresses.
func (l *Lab) EtcdEndpoints() string {
	return l.join(Etcd, ",", func(h *Host) string { return "http://" + h.Address + ":" + etcdPort })
}

// ClickHouseURL is the figures, as reached from every host and from this process.
func (l *Lab) ClickHouseURL() string {
	u := url.URL{Scheme: "http", User: url.UserPassword(role, l.Secrets.Figures),
		Host: l.Hosts(Figures)[0].Address + ":" + strconv.Itoa(clickHousePort), Path: "/agrichat"}
	return u.String()
}

// RoleURL is where a role on a host tells its health and figures.
func (l *Lab) RoleURL(h *Host) string { return "http://" + h.Address + ":" + rolePort }

// Env is the environment for a program that runs beside the hosts, such as agrichat status or a test.
func (l *Lab) Env() []string {
	return []string{
		"AGRICHAT_NATS_URLS=" + l.NATSURLs(), "AGRICHAT_NATS_USER=" + role, "AGRICHAT_NATS_PASSWORD=" + l.Secrets.Bus,
		"AGRICHAT_NATS_REPLICAS=3",
		// The disks of the lab are small.
		"AGRICHAT_NATS_CHAT_MAX_BYTES=600MB", "AGRICHAT_NATS_FACTS_MAX_BYTES=300MB",
		"AGRICHAT_POSTGRES_DSN=" + l.DSN(), "AGRICHAT_CLICKHOUSE_URL=" + l.ClickHouseURL(),
		"AGRICHAT_ETCD_ENDPOINTS=" + l.EtcdEndpoints(), "AGRICHAT_PATRONI_SCOPE=" + Scope, "AGRICHAT_PATRONI_NAMESPACE=" + Namespace,
	}
}
