package deploytest

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// load reads a compose file as compose does: every profile, and of the environment only what is given.
func load(dir, content string, environ ...string) (*types.Project, error) {
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml"), Content: []byte(content)}},
		Environment: types.NewMapping(environ),
	}, loader.WithProfiles([]string{"*"}), func(o *loader.Options) { o.SetProjectName("agrichat", true) })
}

// ours is the compose file of the repository.
func ours(t *testing.T, environ ...string) *types.Project {
	t.Helper()
	p, err := load(root(t), read(t, "docker-compose.yml"), environ...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeKeepsTheRules(t *testing.T) {
	t.Parallel()
	p := ours(t)
	for _, f := range check(p, secretsOf(t).names) {
		t.Error(f)
	}
	want := []string{"aggregate", "agrichat", "clickhouse", "control", "import", "nats", "normalise", "postgres", "produce"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(p.ServiceNames()))); diff != "" {
		t.Errorf("services that nobody has thought about, or that are gone (-want +got):\n%s", diff)
	}
}

// sample is a compose file that keeps all rules.
const sample = `
services:
  db:
    image: postgres:18.6-trixie
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    stop_grace_period: 120s
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    ports: ["127.0.0.1:5432:5432"]
    environment: {POSTGRES_PASSWORD_FILE: /run/secrets/word}
    secrets: [word]
    volumes: ["data:/data", "./here.conf:/etc/here.conf:ro"]
    healthcheck: {test: [CMD, "true"], interval: 5s, timeout: 3s, retries: 3}
    deploy: {resources: {limits: {cpus: "1", memory: 1g, pids: 100}}}
  role:
    image: alpine:3.22
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    restart: "no"
    stop_grace_period: 120s
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    healthcheck: {disable: true}
    deploy: {resources: {limits: {cpus: "1", memory: 1g, pids: 100}}}
    depends_on: {db: {condition: service_healthy}}
volumes: {data: {}}
secrets: {word: {file: deploy/compose/secrets/word}}
`

func TestRulesFind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, from, to, want string }{
		{"nothing", "", "", ""},
		{"a moving tag", "postgres:18.6-trixie", "postgres:latest", "postgres:latest: the version must be exact"},
		{"a tag of a line", "postgres:18.6-trixie", "postgres:18", "the version must be exact"},
		{"no tag", "postgres:18.6-trixie", "postgres", "the version must be exact"},
		{"a tag by variable", "postgres:18.6-trixie", "postgres:${V:-trixie}", "the version must be exact"},
		{"an image of nothing", "image: alpine:3.22", "build: {context: ., dockerfile: gone}\n    pull_policy: build", "gone"},
		{"somebody else's image", "image: alpine:3.22", "image: ours\n    build: {context: ., dockerfile: here.conf}", "somebody else's"},
		{"a port for everybody", "127.0.0.1:5432:5432", "5432:5432", "port 5432 is open to other machines"},
		{"a port for a network", "127.0.0.1:5432:5432", "10.0.0.1:5432:5432", "port 5432 is open to other machines"},
		{"the host's network", "secrets: [word]", "network_mode: host\n    secrets: [word]", "network_mode host"},
		{"no health check", `healthcheck: {test: [CMD, "true"], interval: 5s, timeout: 3s, retries: 3}`, "", "no health check"},
		{"a health check for ever", "interval: 5s, timeout: 3s", "interval: 5s", "health check without timeout"},
		{"health off where it lasts", `restart: "no"`, "restart: always", "role: no health check"},
		{"no restart", "restart: unless-stopped\n", "\n", "no restart policy"},
		{"writable", "read_only: true\n    cap_drop: [ALL]", "cap_drop: [ALL]", "its files can be changed"},
		{"capabilities", "cap_drop: [ALL]\n", "\n", "cap_drop"},
		{"one capability back", "cap_drop: [ALL]\n", "cap_drop: [ALL]\n    cap_add: [SYS_ADMIN]\n", "cap_add"},
		{"privileged", "cap_drop: [ALL]\n", "cap_drop: [ALL]\n    privileged: true\n", "privileged"},
		{"new privileges", `security_opt: ["no-new-privileges:true"]`, "", "no-new-privileges"},
		{"no memory limit", "memory: 1g, ", "", "memory"},
		{"no processor limit", `cpus: "1", `, "", "cpus"},
		{"no limit of processes", ", pids: 100", "", "pids"},
		{"no limits", `deploy: {resources: {limits: {cpus: "1", memory: 1g, pids: 100}}}`, "", "memory"},
		{"a short stop", "stop_grace_period: 120s", "stop_grace_period: 10s", "stop_grace_period"},
		{"endless logs", ", options: {max-size: 10m, max-file: \"3\"}", "", "log"},
		{"a password", "POSTGRES_PASSWORD_FILE: /run/secrets/word", "POSTGRES_PASSWORD: open", "POSTGRES_PASSWORD holds a secret"},
		{"a password in a URL", "POSTGRES_PASSWORD_FILE: /run/secrets/word", "WHERE: nats://a:b@nats:4222", "WHERE holds a secret"},
		{"a password in a command", "secrets: [word]", "command: [run, 'postgres://a:b@h/d']\n    secrets: [word]", "command holds a secret"},
		{"a secret of somebody else", "POSTGRES_PASSWORD_FILE: /run/secrets/word", "POSTGRES_PASSWORD_FILE: /run/secrets/other", "is not given /run/secrets/other"},
		{"a secret nobody makes", "deploy/compose/secrets/word", "deploy/compose/secrets/nobodys", "nobodys is not made by deploy/compose/init"},
		{"a secret in the repository", "{file: deploy/compose/secrets/word}", "{file: here.conf}", "is not made by deploy/compose/init"},
		{"a secret from a variable", "{file: deploy/compose/secrets/word}", "{environment: WORD}", "is not made by deploy/compose/init"},
		{"a file that is not there", "./here.conf", "./gone.conf", "gone.conf"},
		{"a file that it may change", "/etc/here.conf:ro", "/etc/here.conf", "may be written"},
		{"the engine's socket", "./here.conf:/etc/here.conf:ro", "/var/run/docker.sock:/var/run/docker.sock:ro", "outside the repository"},
		{"a start before the server's", "{db: {condition: service_healthy}}", "[db]", "waits for db"},
		{"a nameless volume", "data:/data", "/data", "no name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "here.conf"), "")
			text := strings.Replace(sample, tc.from, tc.to, 1)
			if tc.name == "health off where it lasts" {
				text = strings.Replace(sample, tc.from, tc.to, -1)
			}
			if tc.from != "" && text == sample {
				t.Fatalf("%q is not in the sample", tc.from)
			}
			p, err := load(dir, text)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(p, []string{"word"}), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q in it", got, tc.want)
			}
		})
	}
}

// TestLoaderIsStrict: a misspelt key must not pass as an absent one.
func TestLoaderIsStrict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ from, to, want string }{
		{"healthcheck:", "healtcheck:", "healtcheck"},
		{"secrets: [word]", "secrets: [sword]", "sword"},
		{"{db: {condition", "{bd: {condition", "bd"},
		{"condition: service_healthy", "condition: healthy", "condition"},
		{"data:/data", "date:/data", "date"},
	} {
		_, err := load(t.TempDir(), strings.Replace(sample, tc.from, tc.to, 1))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s for %s: error %v, want %q in it", tc.to, tc.from, err, tc.want)
		}
	}
}
