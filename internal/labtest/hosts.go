package labtest

import (
	"path/filepath"
	"strconv"
)

// Ports are the same on all hosts.
const (
	etcdPort       = "2379"
	etcdPeerPort   = "2380"
	postgresPort   = "5432"
	patroniPort    = "8008"
	natsPort       = "4222"
	natsRoutePort  = "6222"
	natsWatchPort  = "8222"
	clickHousePort = 8123
	rolePort       = "8642"
)

const (
	// prefix begins the name of every namespace and interface.
	prefix  = "agri-"
	bridge  = "agri0"
	network = "10.77.0.0/24"
	// ownAddress is this process's on the bridge.
	ownAddress = "10.77.0.254"
)

// Kind is what a host is for.
type Kind string

// The kinds of hosts.
const (
	Etcd       Kind = "etcd"
	Postgres   Kind = "postgres"
	NATS       Kind = "nats"
	Worker     Kind = "worker"
	Controller Kind = "control"
	Figures    Kind = "figures"
)

// Host is a machine of the lab. It does not change.
type Host struct {
	Name    string // of its namespace, its interface and, for Patroni, of its member
	Address string
	Kind    Kind
	dir     string // everything it keeps, as seen from outside
}

// Log is the file that a process of the host writes to.
func (h *Host) Log(process string) string { return filepath.Join(h.dir, "log", process+".log") }

// chrooted tells the hosts that run Debian's servers.
func (h *Host) chrooted() bool { return h.Kind == Etcd || h.Kind == Postgres || h.Kind == NATS }

// inside is the host's folder as its processes see it.
func (h *Host) inside(elements ...string) string {
	dir := h.dir
	if h.chrooted() {
		dir = "/mnt"
	}
	return filepath.Join(append([]string{dir}, elements...)...)
}

// space is the size of the disk for data. JetStream's is above what bus streams and their Raft logs may take; PostgreSQL's is
// small, so that it can be filled.
func (h *Host) space() string {
	switch h.Kind {
	case Postgres:
		return "1500m"
	case NATS:
		return "3g"
	case Etcd:
		return "300m"
	}
	return "4g"
}

// user is whom the servers run as.
func (h *Host) user() string {
	switch h.Kind {
	case Etcd:
		return "etcd"
	case Postgres:
		return "postgres"
	case NATS:
		return "nobody"
	}
	return "root"
}

// allHosts in the order in which they are shown. The last part of an address tells the kind.
func allHosts(dir string) []*Host {
	var list []*Host
	add := func(kind Kind, first int, names ...string) {
		for i, name := range names {
			name = prefix + name
			list = append(list, &Host{Name: name, Address: "10.77.0." + strconv.Itoa(first+i), Kind: kind,
				dir: filepath.Join(dir, "hosts", name)})
		}
	}
	add(Etcd, 11, "etcd1", "etcd2", "etcd3")
	add(Postgres, 21, "pg1", "pg2", "pg3")
	add(NATS, 31, "nats1", "nats2", "nats3")
	add(Worker, 41, "w1", "w2")
	add(Controller, 51, "ctl1", "ctl2")
	add(Figures, 61, "agg")
	return list
}
