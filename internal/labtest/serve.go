package labtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The cluster's names in etcd.
const (
	// Scope is patroni.scope.
	Scope = "agrichat"
	// Namespace is patroni.namespace.
	Namespace = "/service/"
)

// serve starts the server of a host with the files of deploy/.
func (l *Lab) serve(ctx context.Context, h *Host) error {
	name, file, command := l.server(h)
	if err := l.configure(h, file); err != nil {
		return err
	}
	command = append([]string{"setpriv", "--reuid=" + h.user(), "--regid=" + group(h.user()), "--clear-groups", "--"}, command...)
	return l.Start(ctx, h, name, []string{"HOME=" + h.inside("data")}, command...)
}

func group(user string) string {
	if user == "nobody" {
		return "nogroup"
	}
	return user
}

// server tells how the server of a host is called, which files it has, and how it is started.
func (l *Lab) server(h *Host) (name string, files, command []string) {
	switch h.Kind {
	case Etcd:
		return "etcd", []string{"etcd/etcd.yml"}, []string{"etcd", "--config-file", h.inside("conf", "etcd.yml")}
	case NATS:
		return "nats-server", []string{"nats/nats-server.conf"}, []string{"/opt/nats-server", "-c", h.inside("conf", "nats-server.conf")}
	case Postgres:
		return "patroni", []string{"patroni/patroni.yml", "patroni/post-bootstrap.sh"}, []string{"patroni", h.inside("conf", "patroni.yml")}
	}
	return "", nil, nil
}

// configure fills the host's files in. A script is taken as it is.
func (l *Lab) configure(h *Host, files []string) error {
	conf := filepath.Join(h.dir, "conf")
	if h.Kind == Postgres {
		if err := give(filepath.Join(conf, "agrichat.password"), l.Secrets.Record, conf, 0o400); err != nil {
			return err
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(l.Module, "deploy", file))
		if err != nil {
			return fmt.Errorf("configuring %s: %w", h.Name, err)
		}
		filled, mode := string(text), os.FileMode(0o500)
		if filepath.Ext(file) != ".sh" {
			mode = 0o400
			if filled, err = expand(filled, l.settings(h)); err != nil {
				return fmt.Errorf("configuring %s with %s: %w", h.Name, file, err)
			}
		}
		if err := give(filepath.Join(conf, filepath.Base(file)), filled, conf, mode); err != nil {
			return err
		}
	}
	return nil
}

// give writes a file for the owner of a folder, in place of an older one.
func give(name, text, folder string, mode os.FileMode) error {
	owner, err := os.Stat(folder)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	uid, gid := owned(owner)
	if err := os.WriteFile(name+".new", []byte(text), mode); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Chown(name+".new", uid, gid); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return os.Rename(name+".new", name)
}

// expand does what envsubst does, but a variable without a value is a mistake.
func expand(text string, values map[string]string) (string, error) {
	var missing []string
	text = regexp.MustCompile(`\$\{[A-Z_]+\}`).ReplaceAllStringFunc(text, func(found string) string {
		value, ok := values[found[2:len(found)-1]]
		if !ok {
			missing = append(missing, found)
		}
		return value
	})
	if missing != nil {
		return "", fmt.Errorf("no values for %s", strings.Join(missing, ", "))
	}
	return text, nil
}

// settings are the values for a host's files.
func (l *Lab) settings(h *Host) map[string]string {
	s := l.Secrets
	return map[string]string{
		"NAME": h.Name, "ADDRESS": h.Address, "DATA_DIR": h.inside("data"), "CONFIG_DIR": h.inside("conf"), "TLS_DIR": h.inside("conf"),
		"SCHEME": "http", "TLS_CA": "", "TLS_CERT": "", "TLS_KEY": "", "CLUSTER": l.join(Etcd, ",", func(o *Host) string { return o.Name + "=http://" + o.Address + ":" + etcdPeerPort }),
		// Tests ask it from outside.
		"MONITOR": h.Address, "MAX_FILE_STORE": "2900MB", "PASSWORD": s.Bus, "ROUTE_PASSWORD": s.Route, "SYSTEM_PASSWORD": s.System,
		"ROUTES": l.join(NATS, ", ", func(o *Host) string {
			return strconv.Quote("nats://route:" + s.Route + "@" + o.Address + ":" + natsRoutePort)
		}),
		"SCOPE": Scope, "NETWORK": network, "ETCD_PROTOCOL": "http",
		"ETCD_HOSTS": l.join(Etcd, ",", func(o *Host) string { return o.Address + ":" + etcdPort }),
		"BIN_DIR":    "/usr/lib/postgresql/17/bin", "SSL": "off", "HBA": "host", "SYNCHRONOUS": strconv.FormatBool(l.Strict),
		"MAX_WAL_SIZE": "128MB", "MAX_SLOT_WAL": "512MB", "KEEP_WAL": "512MB", "SHARED_BUFFERS": "64MB", "API_PASSWORD": s.API,
		"SUPERUSER_PASSWORD": s.Superuser, "REPLICATION_PASSWORD": s.Replication, "REWIND_PASSWORD": s.Rewind,
	}
}

// join lists hosts of a kind.
func (l *Lab) join(kind Kind, with string, format func(*Host) string) string {
	var list []string
	for _, h := range l.Hosts(kind) {
		list = append(list, format(h))
	}
	return strings.Join(list, with)
}
