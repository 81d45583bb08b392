package config

import (
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
)

// check looks at every value. It never prints one that may hold a password.
func (l *loader) check(c *Config) {
	l.checkNATS(c.NATS)
	l.checkStores(c)
	l.checkEtcd(c)
	l.checkListen(c.Listen.HTTP)
	l.checkImport(c.Import)
	l.between("normalise.workers", c.Normalise.Workers, 1, 64)
	l.between("normalise.batch", c.Normalise.Batch, 1, 10_000)
	l.between("aggregate.workers", c.Aggregate.Workers, 1, 64)
	l.between("aggregate.batch", c.Aggregate.Batch, 1, 100_000)
	l.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	l.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	l.checkSources(c.Sources)
}

// wrong tells a mistake where the value was given.
func (l *loader) wrong(path, format string, args ...any) {
	l.mistakes.add(l.given[path], path+": "+format, args...)
}

func (l *loader) between(path string, n, low, high int) {
	if n < low || n > high {
		l.wrong(path, "%d is out of range; %d to %d will do", n, low, high)
	}
}

func (l *loader) oneOf(path, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		l.wrong(path, "%q is not known; choose one of %s", value, strings.Join(choices, ", "))
	}
}

func (l *loader) checkNATS(n NATS) {
	for _, u := range n.URLs {
		if why := checkServer(u, "nats", "tls", "ws", "wss"); why != "" {
			l.wrong("nats.urls", "%s", why)
		}
	}
	if n.Password != "" && n.User == "" {
		path := "nats.password"
		if n.PasswordFile != "" {
			path = "nats.password_file"
		}
		l.wrong(path, "there is no nats.user it belongs to")
	}
	if n.CredsFile != "" {
		if n.User != "" {
			l.wrong("nats.creds_file", "nats.user is given too; give one of them")
		}
		if _, err := os.Stat(n.CredsFile); err != nil {
			l.wrong("nats.creds_file", "%v", err)
		}
	}
	l.between("nats.bundle_events", n.BundleEvents, 1, 1000) // beyond a thousand a position has no room for them
	l.between("nats.replicas", n.Replicas, 1, 5)             // more the bus refuses
	// Below a megabyte a stream would refuse its first batches.
	for path, size := range map[string]Size{"nats.chat_max_bytes": n.ChatMaxBytes, "nats.facts_max_bytes": n.FactsMaxBytes} {
		if size < 1e6 {
			l.wrong(path, "%s is too small; 1MB at least", size)
		}
	}
}

func (l *loader) checkStores(c *Config) {
	if why := checkPostgres(c.Postgres.DSN); c.Postgres.DSN != "" && why != "" {
		l.wrong(keyOf("postgres.dsn", c.Postgres.DSNFile), "%s", why)
	}
	l.between("postgres.max_conns", c.Postgres.MaxConns, 2, 1000) // one for the writer, one for whoever asks
	if c.ClickHouse.URL != "" {
		if why := checkServer(c.ClickHouse.URL, "clickhouse", "http", "https"); why != "" {
			l.wrong(keyOf("clickhouse.url", c.ClickHouse.URLFile), "%s", why)
		}
	}
}

func (l *loader) checkEtcd(c *Config) {
	e := c.Etcd
	if !e.Followed() {
		return
	}
	for _, u := range e.Endpoints {
		if why := checkServer(u, "http", "https"); why != "" {
			l.wrong("etcd.endpoints", "%s", why)
		}
	}
	if e.Password != "" && e.User == "" {
		l.wrong(keyOf("etcd.password", e.PasswordFile), "there is no etcd.user it belongs to")
	}
	if (e.CertFile == "") != (e.KeyFile == "") {
		l.wrong("etcd.cert_file", "a certificate and its key belong together: give etcd.cert_file and etcd.key_file")
	}
	for path, file := range map[string]string{"etcd.ca_file": e.CAFile, "etcd.cert_file": e.CertFile, "etcd.key_file": e.KeyFile} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			l.wrong(path, "%v", err)
		}
	}
	if c.Patroni.Scope == "" {
		l.wrong("patroni.scope", "etcd.endpoints needs it: the cluster's name, as scope: in Patroni's own configuration")
	}
	if c.Postgres.Embedded() {
		l.wrong("etcd.endpoints", "the embedded PostgreSQL has no leader to follow: give postgres.dsn")
	}
}

// keyOf names the key that a secret came from.
func keyOf(path, file string) string {
	if file != "" {
		return path + "_file"
	}
	return path
}

func (l *loader) checkListen(address string) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		l.wrong("listen.http", "%q is not an address; write it like 127.0.0.1:8642", address)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		l.wrong("listen.http", "%q is not a port; 0 to 65535 will do", port)
	}
}

func (l *loader) checkImport(i Import) {
	l.between("import.batch", i.Batch, 1, maxAtomicBatch)
	if i.Zone != "" {
		if _, err := time.LoadLocation(i.Zone); err != nil {
			l.wrong("import.zone", "%q is not a zone; write it like Europe/Moscow or UTC", i.Zone)
		}
	}
	if i.Charset != "" {
		if _, _, err := charset.Lookup(i.Charset); err != nil {
			l.wrong("import.charset", "%q is not a charset; write it like windows-1251 or koi8-r", i.Charset)
		}
	}
	if !slices.Contains([]string{"", "dmy", "mdy", "ymd"}, i.DateOrder) {
		l.wrong("import.date_order", "%q is not an order of day, month and year; dmy, mdy or ymd will do", i.DateOrder)
	}
}

// checkServer says what is wrong with a URL of one or several servers, or nothing.
func checkServer(text string, schemes ...string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains(schemes, scheme) {
		return "must begin with " + strings.Join(schemes, ":// or ") + "://"
	}
	if why := checkEscapes(rest); why != "" {
		return why
	}
	return checkHosts(strings.Split(authority(rest), ","))
}

// authority cuts the hosts out of what follows the scheme.
func authority(rest string) string {
	rest = rest[:strings.IndexAny(rest+"/", "/?#")]
	return rest[strings.LastIndex(rest, "@")+1:]
}

// checkEscapes finds passwords that were written as they are: a client would take part of them for the host.
func checkEscapes(rest string) string {
	end := strings.IndexAny(rest+"/", "/?#")
	cut := strings.Contains(rest[end:], "@") && !strings.Contains(rest[:end], "@")
	if cut && checkHosts(strings.Split(rest[:end], ",")) != "" {
		return "a / ? or # in the password must be escaped (%2F %3F %23)"
	}
	if strings.Count(rest[:end], "@") > 1 {
		return "an @ in the password must be escaped (%40)"
	}
	user, _, _ := strings.Cut(rest[:end], "@")
	if _, err := url.PathUnescape(user); err != nil {
		return "a % in the password must be escaped (%25)"
	}
	return ""
}

// checkHosts wants a port with every host: clients disagree which host a missing one is taken from.
func checkHosts(hosts []string) string {
	for _, h := range hosts {
		host, port, err := net.SplitHostPort(h)
		if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
			return "host " + strconv.Quote(name(h)) + " has no port (1 to 65535); write one with every host, like db1.example:5432"
		}
	}
	return ""
}

// name is the host without what may be a port, or a password where somebody forgot the host.
func name(host string) string {
	if end := strings.Index(host, "]"); strings.HasPrefix(host, "[") && end > 0 {
		return host[:end+1]
	}
	short, _, _ := strings.Cut(host, ":")
	return short
}
