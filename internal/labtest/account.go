package labtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// EnvFile is what a shell sources to work with the lab.
func (l *Lab) EnvFile() string { return filepath.Join(l.Dir, "env") }

// WriteEnv writes EnvFile, readable by root alone: passwords are in it.
func (l *Lab) WriteEnv() error {
	var b strings.Builder
	for _, e := range append(l.Env(), "AGRICHAT_DATA="+filepath.Join(l.Dir, "client")) {
		name, value, _ := strings.Cut(e, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, value)
	}
	if err := os.WriteFile(l.EnvFile(), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("writing the lab's environment: %w", err)
	}
	return nil
}

// Table shows where everything is.
func (l *Lab) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tADDRESS\tPORTS\tPROCESSES\tLOGS")
	for _, h := range l.hosts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.Name, h.Address, h.ports(), strings.Join(l.programs(h), " "), filepath.Join(h.dir, "log"))
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&b, `
PostgreSQL  %s
NATS        %s (user agrichat)
etcd        %s (Patroni's keys are below %s%s/)
ClickHouse  %s

On a host:  ip netns exec %[7]s bash
Status:     . %[8]s && bin/agrichat status
End it:     make lab-down
`, l.DSN(), l.NATSURLs(), l.EtcdEndpoints(), Namespace, Scope, l.ClickHouseURL(), l.hosts[3].Name, l.EnvFile())
	return b.String()
}

func (h *Host) ports() string {
	switch h.Kind {
	case Etcd:
		return etcdPort + " " + etcdPeerPort
	case Postgres:
		return postgresPort + " " + patroniPort
	case NATS:
		return natsPort + " " + natsRoutePort + " " + natsWatchPort
	case Figures:
		return fmt.Sprint(clickHousePort, " ", rolePort)
	}
	return rolePort
}

// programs that run on a host, each named once.
func (l *Lab) programs(h *Host) []string {
	list, err := l.find(h)
	if err != nil {
		return []string{err.Error()}
	}
	var names []string
	for _, p := range list {
		if p.name != "sleep" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Account is what to look at after a failure: who runs, and the end of every log.
func (l *Lab) Account() string {
	b := strings.Builder{}
	b.WriteString(l.Table())
	for _, h := range l.hosts {
		logs, _ := filepath.Glob(h.Log("*")) // the pattern is good
		for _, name := range logs {
			if text := tail(name); text != "" {
				fmt.Fprintf(&b, "\n--- %s\n%s", name, text)
			}
		}
	}
	return b.String()
}
