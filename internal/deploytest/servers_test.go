package deploytest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/schemas/postgres"
)

// place puts what a container is given below dir, at the paths that it has in the container.
func place(t *testing.T, dir string, s types.ServiceConfig, sec secrets) {
	t.Helper()
	put := func(at, from string) {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		at = filepath.Join(dir, at)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, at, string(b))
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind {
			put(v.Target, v.Source)
		}
	}
	for _, g := range s.Secrets {
		put(target(g), filepath.Join(sec.dir, g.Source))
	}
}

// keeps says whether a container has a volume of its own at a path.
func keeps(s types.ServiceConfig, path string) bool {
	return slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeVolume && v.Target == path
	})
}

// TestNATS starts the bus by its own file, found where its container has it, and makes the streams that the default
// configuration wants.
func TestNATS(t *testing.T) {
	t.Parallel()
	sec, dir, service := secretsOf(t), t.TempDir(), ours(t).Services["nats"]
	place(t, dir, service, sec)
	opts, err := server.ProcessConfigFile(filepath.Join(dir, service.Command[len(service.Command)-1]))
	if err != nil {
		t.Fatal(err)
	}
	if !opts.SyncAlways || !keeps(service, opts.StoreDir) || opts.Port != 4222 {
		t.Errorf("sync always %t, store %s, port %d", opts.SyncAlways, opts.StoreDir, opts.Port)
	}
	if opts.MaxPayload != 8<<20 || opts.MaxPending != 64<<20 {
		t.Errorf("messages of %d, %d pending: the embedded server takes others", opts.MaxPayload, opts.MaxPending)
	}
	if opts.HTTPHost != "127.0.0.1" || opts.HTTPPort != 8222 {
		t.Errorf("monitoring, which asks nobody who they are, at %s:%d", opts.HTTPHost, opts.HTTPPort)
	}
	opts.Host, opts.Port, opts.HTTPPort, opts.StoreDir, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, 0, filepath.Join(dir, "data"), true
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("it does not answer")
	}
	n := config.Default().NATS
	c := bus.Config{URLs: []string{s.ClientURL()}, User: "agrichat", Password: sec.files["nats_password"], Replicas: n.Replicas,
		ChatBytes: int64(n.ChatMaxBytes), FactsBytes: int64(n.FactsMaxBytes)}
	b, err := bus.Connect(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Password = sec.files["postgres_password"]
	if other, err := bus.Connect(t.Context(), c); err == nil {
		other.Close()
		t.Error("it lets anybody in")
	}
}

// TestPostgres runs what the image runs once, and brings the schema up as a role that is no superuser.
func TestPostgres(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(testenv.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	pool := testenv.Pool(t, dsn.String())
	// The test server has a role of that name already.
	name, password := fmt.Sprintf("compose%d", os.Getpid()), secretsOf(t).files["postgres_password"]
	text := strings.ReplaceAll(read(t, "deploy/compose/postgres/10-agrichat.sql"), "agrichat", name)
	if !strings.Contains(text, "\\set password `cat /run/secrets/postgres_password`\n") {
		t.Error("the password is not that of the role's secret")
	}
	text = regexp.MustCompile(`(?m)^(--|\\set).*\n`).ReplaceAllString(strings.ReplaceAll(text, ":'password'", "'"+password+"'"), "")
	for statement := range strings.SplitSeq(strings.TrimSpace(text), ";\n") {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() { // the pool of the role is closed by then
		for _, drop := range []string{"DROP DATABASE " + name, "DROP ROLE " + name} {
			if _, err := pool.Exec(context.Background(), drop); err != nil {
				t.Error(err)
			}
		}
	})
	dsn.User, dsn.Path = url.UserPassword(name, password), "/"+name
	own, err := pg.Open(t.Context(), pg.Config{DSN: dsn.String(), MaxConns: 4, Name: "compose"})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := pg.Migrate(t.Context(), own, postgres.Migrations); err != nil {
		t.Error(err)
	}
	var super bool
	if err := own.QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil || super {
		t.Errorf("superuser %t, %v", super, err)
	}
}

// TestClickHouse: no server reads its files here, so they are held against each other: the user has the password of the
// address that our roles get, by a name that both files know, from a secret that the container is given.
func TestClickHouse(t *testing.T) {
	t.Parallel()
	sec := secretsOf(t)
	users, log := read(t, "deploy/compose/clickhouse/users.xml"), read(t, "deploy/compose/clickhouse/config.xml")
	for name, text := range map[string]string{"users.xml": users, "config.xml": log, "the secret": sec.files["clickhouse_users.xml"]} {
		if err := wellFormed(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var u struct {
		From  string `xml:"include_from"`
		Users struct {
			Default *struct {
				Remove string `xml:"remove,attr"`
			} `xml:"default"`
			Agrichat *struct {
				Digest struct {
					Incl string `xml:"incl,attr"`
				} `xml:"password_sha256_hex"`
			} `xml:"agrichat"`
		} `xml:"users"`
	}
	if err := xml.Unmarshal([]byte(users), &u); err != nil {
		t.Fatal(err)
	}
	if u.Users.Default == nil || u.Users.Default.Remove == "" || u.Users.Agrichat == nil {
		t.Fatalf("users %+v: the one without a password must go, ours must be there", u.Users)
	}
	if !slices.Contains(given(ours(t).Services["clickhouse"]), u.From) {
		t.Errorf("the container is not given %s", u.From)
	}
	address, err := url.Parse(sec.files["clickhouse_url"])
	if err != nil {
		t.Fatal(err)
	}
	password, _ := address.User.Password()
	digest := sha256.Sum256([]byte(password))
	tag := u.Users.Agrichat.Digest.Incl
	want := fmt.Sprintf("<%s>%s</%s>", tag, hex.EncodeToString(digest[:]), tag)
	if address.User.Username() != "agrichat" || !strings.Contains(sec.files["clickhouse_users.xml"], want) {
		t.Errorf("user %s, and the secret is not %s", address.User.Username(), want)
	}
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestImagesFindTheirFiles: the images look for files, and keep data, at paths of their own, which only they could tell.
func TestImagesFindTheirFiles(t *testing.T) {
	t.Parallel()
	p := ours(t)
	for _, tc := range []struct{ service, data, from, to string }{
		{"nats", "/data", "nats/nats-server.conf", "/etc/nats/nats-server.conf"},
		{"postgres", "/var/lib/postgresql", "postgres/10-agrichat.sql", "/docker-entrypoint-initdb.d/10-agrichat.sql"}, // since 18
		{"clickhouse", "/var/lib/clickhouse", "clickhouse/users.xml", "/etc/clickhouse-server/users.d/agrichat.xml"},
		{"clickhouse", "/var/lib/clickhouse", "clickhouse/config.xml", "/etc/clickhouse-server/config.d/agrichat.xml"},
	} {
		s := p.Services[tc.service]
		if !keeps(s, tc.data) {
			t.Errorf("%s keeps nothing at %s: it would forget everything", tc.service, tc.data)
		}
		from := filepath.Join(root(t), "deploy/compose", tc.from)
		if !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Source == from && v.Target == tc.to }) {
			t.Errorf("%s does not find %s at %s", tc.service, tc.from, tc.to)
		}
	}
}

// TestServersAreApart: nothing outside is reached by the servers, or reaches them.
func TestServersAreApart(t *testing.T) {
	t.Parallel()
	p := ours(t)
	for _, s := range p.Services {
		if s.Build != nil {
			continue
		}
		for name := range s.Networks {
			if !p.Networks[name].Internal {
				t.Errorf("%s is in the network %s, which leads outside", s.Name, name)
			}
		}
		if len(s.Networks) == 0 || len(s.Ports) > 0 {
			t.Errorf("%s has networks %v, ports %v", s.Name, s.Networks, s.Ports)
		}
	}
}

// TestImagesAreWhatIsTested: the servers in the compose file are of the lines that the tests run against.
func TestImagesAreWhatIsTested(t *testing.T) {
	t.Parallel()
	p := ours(t)
	for _, tc := range []struct{ service, file, pattern string }{
		{"nats", "go.mod", `nats-server/v2 v(\d+\.\d+)\.`},
		{"postgres", "internal/engine/npm/package.json", `linux-x64": "(\d+)\.`},
		{"clickhouse", "internal/engine/npm/package.json", `lib-linux-x64-gnu": "(\d+\.\d+)\.`},
	} {
		m := regexp.MustCompile(tc.pattern).FindStringSubmatch(read(t, tc.file))
		if m == nil {
			t.Errorf("%s: %s does not say what is tested", tc.service, tc.file)
			continue
		}
		if image := p.Services[tc.service].Image; !strings.Contains(image, ":"+m[1]+".") {
			t.Errorf("%s, but the tests run against %s", image, m[1])
		}
	}
}
