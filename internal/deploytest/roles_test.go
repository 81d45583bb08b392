package deploytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/agrichat/agrichat/internal/cli"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// binary is where the image has the program.
const binary = "/usr/local/bin/agrichat"

// arguments of a role, as the program gets them.
func arguments(s types.ServiceConfig) []string {
	args := slices.Clone(s.Command)
	if len(s.Entrypoint) > 0 {
		args = append(slices.Clone(s.Entrypoint[1:]), args...)
	}
	return args
}

// words are the arguments that name a command.
func words(args []string) string {
	end := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") || strings.HasPrefix(a, "/") })
	if end < 0 {
		end = len(args)
	}
	return strings.Join(args[:end], " ")
}

// command runs the program's own help: a word that is no command gets the help of the command before it.
func command(args []string) error {
	var out, errOut bytes.Buffer
	status := cli.Main(context.Background(), append(slices.Clone(args), "--help"), nil, nil, &out, &errOut)
	usage := "agrichat " + words(args)
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSpace(line); status == 0 && (line == usage || strings.HasPrefix(line, usage+" ")) {
			return nil
		}
	}
	return fmt.Errorf("there is no command %q: %s", usage, errOut.String())
}

// settings loads a role's configuration from its environment, with the files that its container would see.
func settings(s types.ServiceConfig, sec secrets) (config.Config, error) {
	files := map[string]string{}
	for _, g := range s.Secrets {
		files[target(g)] = filepath.Join(sec.dir, g.Source)
	}
	for _, v := range s.Volumes {
		files[v.Target] = v.Source
	}
	var environ []string
	for name, value := range s.Environment {
		if value == nil {
			return config.Config{}, fmt.Errorf("%s is left to whoever starts it", name)
		}
		text := *value
		if here, ok := files[text]; ok {
			text = here
		}
		environ = append(environ, name+"="+text)
	}
	var kinds []string
	for _, d := range all.Definitions() {
		if d.Live != nil {
			kinds = append(kinds, string(d.Name))
		}
	}
	c, err := config.Load(config.Input{Environ: environ, Kinds: kinds})
	if err != nil {
		return c, err
	}
	return c, complete(c, words(arguments(s)))
}

// complete says what a role lacks: it would start a server in its own container.
func complete(c config.Config, command string) error {
	var errs []error
	lacks := func(is bool, key string) {
		if is {
			errs = append(errs, fmt.Errorf("%s: needs %s", command, key))
		}
	}
	lacks(c.NATS.Embedded(), "nats.urls")
	lacks(command != "produce" && command != "consume aggregate" && c.Postgres.Embedded(), "postgres.dsn")
	lacks((command == "consume aggregate" || command == "import" || command == "verify") && c.ClickHouse.Embedded(), "clickhouse.url")
	lacks(command == "produce" && len(c.Sources) == 0, "sources")
	lacks(!strings.HasSuffix(c.Listen.HTTP, ":8642"), "listen.http at the port that its health check asks")
	return errors.Join(errs...)
}

// roles are the services that run our program.
func roles(t *testing.T, p *types.Project) []types.ServiceConfig {
	t.Helper()
	var list []types.ServiceConfig
	image := read(t, "deploy/docker/Dockerfile")
	for _, s := range p.Services {
		if s.Build == nil {
			continue
		}
		called := slices.Clone(s.Entrypoint[:min(len(s.Entrypoint), 1)])
		if h := s.HealthCheck; h != nil && len(h.Test) > 1 {
			called = append(called, h.Test[1])
		}
		for _, path := range called {
			if !regexp.MustCompile(`(?m)^COPY .* ` + regexp.QuoteMeta(path) + `$`).MatchString(image) {
				t.Errorf("%s: %s is not in the image", s.Name, path)
			}
		}
		list = append(list, s)
	}
	if len(list) < 6 {
		t.Fatalf("only %d roles: looked in the wrong place", len(list))
	}
	return list
}

func TestRolesAreCommands(t *testing.T) {
	t.Parallel()
	for _, s := range roles(t, ours(t)) {
		args := arguments(s)
		if err := command(args); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	for _, args := range [][]string{{"consume", "everything"}, {"produec"}, {"import", "--no-such-flag", "/imports"}, {"consume"}} {
		if words(args) != "consume" && command(args) == nil {
			t.Errorf("%q passes for a command", args)
		}
	}
}

func TestRolesUnderstandTheirSettings(t *testing.T) {
	t.Parallel()
	sec := secretsOf(t)
	patroni := []string{"AGRICHAT_ETCD_ENDPOINTS=http://etcd1:2379,http://etcd2:2379", "AGRICHAT_PATRONI_SCOPE=chat"}
	for _, environ := range [][]string{nil, patroni} {
		for _, s := range roles(t, ours(t, environ...)) {
			c, err := settings(s, sec)
			if err != nil {
				t.Errorf("%s with %q: %v", s.Name, environ, err)
				continue
			}
			if writes := !c.Postgres.Embedded(); writes && c.Etcd.Followed() != (environ != nil) {
				t.Errorf("%s with %q: it follows a leader: %t", s.Name, environ, c.Etcd.Followed())
			}
			reaches(t, ours(t), s, c)
			for _, src := range c.Sources {
				decode(t, s.Name, src)
			}
		}
	}
}

// reaches checks that the servers of a role are services beside it.
func reaches(t *testing.T, p *types.Project, s types.ServiceConfig, c config.Config) {
	t.Helper()
	for _, address := range append(slices.Clone(c.NATS.URLs), c.Postgres.DSN, c.ClickHouse.URL) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if address == "" {
			continue
		}
		shared := 0
		for name := range p.Services[u.Hostname()].Networks {
			if _, ok := s.Networks[name]; ok {
				shared++
			}
		}
		if shared == 0 {
			t.Errorf("%s cannot reach %s", s.Name, u.Host)
		}
	}
}

// decode reads a source's own keys, as its connector does.
func decode(t *testing.T, service string, src config.Source) {
	t.Helper()
	i := slices.IndexFunc(all.Definitions(), func(d producers.Definition) bool { return string(d.Name) == src.Kind })
	if i < 0 {
		t.Fatalf("%s: no connector of kind %s", service, src.Kind)
	}
	if _, err := all.Definitions()[i].Live(src.Decode); err != nil {
		t.Errorf("%s: source %s: %v", service, src.Name, err)
	}
}

// TestSettingsFind breaks the settings of a role that is in order.
func TestSettingsFind(t *testing.T) {
	t.Parallel()
	sec := secretsOf(t)
	for _, tc := range []struct{ name, value, want string }{
		{"AGRICHAT_NATS_URL", "nats://nats:4222", "AGRICHAT_NATS_URLS"},
		{"AGRICHAT_NATS_URLS", "http://nats:4222", "must begin with nats://"},
		{"AGRICHAT_NATS_URLS", "", "needs nats.urls"},
		{"AGRICHAT_NATS_USER", "", "no nats.user"},
		{"AGRICHAT_POSTGRES_DSN_FILE", "/run/secrets/gone", "/run/secrets/gone"},
		{"AGRICHAT_POSTGRES_DSN_FILE", "", "needs postgres.dsn"},
		{"AGRICHAT_LISTEN_HTTP", "0.0.0.0:80", "needs listen.http"},
		{"AGRICHAT_ETCD_ENDPOINTS", "http://etcd1:2379", "patroni.scope"},
		{"AGRICHAT_DATA", "", "data"},
	} {
		t.Run(tc.name+" "+tc.value, func(t *testing.T) {
			t.Parallel()
			s := ours(t).Services["normalise"]
			s.Environment[tc.name] = &tc.value
			if _, err := settings(s, sec); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}
