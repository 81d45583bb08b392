package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, in Input) Config {
	t.Helper()
	in.Environ = append([]string{"HOME=/home/someone"}, in.Environ...)
	c, err := Load(in)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	return c
}

func TestNothingGivenIsEmbedded(t *testing.T) {
	c := load(t, Input{})
	want := Default()
	want.Data = "/home/someone/.local/share/agrichat"
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Source{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !c.NATS.Embedded() || !c.Postgres.Embedded() || !c.ClickHouse.Embedded() {
		t.Error("not all servers are embedded")
	}
}

func TestNoHome(t *testing.T) {
	if _, err := Load(Input{}); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("got %v", err)
	}
	c, err := Load(Input{Environ: []string{"AGRICHAT_DATA=here"}})
	if err != nil || !filepath.IsAbs(c.Data) || filepath.Base(c.Data) != "here" {
		t.Errorf("%q, %v", c.Data, err)
	}
}

func TestUsersFolders(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "agrichat"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "agrichat", "agrichat.yaml"), []byte("log: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, Input{Environ: []string{"XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=/srv/data"}})
	if c.Log.Level != "warn" || c.Data != "/srv/data/agrichat" {
		t.Errorf("level %q, data %q", c.Log.Level, c.Data)
	}
}

func TestEveryKeyFromTheFile(t *testing.T) {
	c := load(t, Input{File: "testdata/full.yaml", Kinds: []string{"irc"}})
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Data: here + "/store", Engines: "/home/someone/engines",
		NATS: NATS{
			URLs: []string{"tls://n1.example:4222", "tls://user:pa%40ss@n2.example:4222"}, User: "agrichat",
			Password: "from-a-file", PasswordFile: here + "/secret.txt", Replicas: 3, ChatMaxBytes: 512 << 30, FactsMaxBytes: 40e9, BundleEvents: 50,
		},
		Postgres: Postgres{
			DSN:      "postgres://agrichat:hunter2@pg1.example:5432,pg2.example:5432/agrichat?sslmode=verify-full&sslpassword=hunter3",
			MaxConns: 20,
		},
		ClickHouse: ClickHouse{URL: "clickhouse://default:hunter4@ch1.example:9440?secure=true"},
		Etcd: Etcd{
			Endpoints: []string{"https://e1.example:2379", "https://e2.example:2379"}, User: "agrichat", Password: "from-a-file",
			PasswordFile: here + "/secret.txt", CAFile: here + "/secret.txt", CertFile: here + "/secret.txt", KeyFile: here + "/secret.txt",
		},
		Patroni: Patroni{Namespace: "/db/", Scope: "chats"},
		Listen:  Listen{HTTP: "0.0.0.0:8642"},
		Import: Import{
			Account: "mine", Namespace: "home", Channel: "#Go", Zone: "Europe/Moscow", Charset: "windows-1251", DateOrder: "mdy", Batch: 250,
		},
		Normalise: Consumer{Workers: 4, Batch: 500},
		Aggregate: Consumer{Workers: 2, Batch: 4000},
		Log:       Log{Level: "debug", Format: "json"},
		Sources:   []Source{{Name: "libera", Kind: "irc"}, {Name: "other", Kind: "irc"}},
	}
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Source{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if c.Import.Location() == nil || (Import{}).Location() != nil {
		t.Error("the zone is not the named one")
	}
}

func TestFixtureGivesEveryKey(t *testing.T) {
	l := newLoader(Input{File: "testdata/full.yaml"})
	if err := l.file(); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys() {
		alternative := map[string]bool{"nats.password": true, "nats.creds_file": true, "postgres.dsn_file": true, "clickhouse.url_file": true,
			"etcd.password": true}
		if _, ok := l.given[k.path]; !ok && !alternative[k.path] {
			t.Errorf("testdata/full.yaml does not give %s", k.path)
		}
	}
}

func TestVariablesAreDistinct(t *testing.T) {
	seen := map[string]string{fileVariable: "the file"}
	for _, k := range keys() {
		if other, twice := seen[k.variable()]; twice {
			t.Errorf("%s and %s share %s", k.path, other, k.variable())
		}
		seen[k.variable()] = k.path
	}
}

func TestPrecedence(t *testing.T) {
	file := Input{File: "testdata/full.yaml"}
	env := file
	env.Environ = []string{"AGRICHAT_NORMALISE_BATCH=77", "AGRICHAT_LOG_LEVEL=error", "AGRICHAT_NATS_URLS=nats://a:1, nats://b:2"}
	flags := env
	flags.Flags = []Flag{{Name: "--log-level", Key: "log.level", Value: "warn"}}
	for name, tt := range map[string]struct {
		in    Input
		batch int
		level string
		urls  int
	}{
		"file over defaults": {file, 500, "debug", 2},
		"variables over it":  {env, 77, "error", 2},
		"flags over all":     {flags, 77, "warn", 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, tt.in)
			if c.Normalise.Batch != tt.batch || c.Log.Level != tt.level || len(c.NATS.URLs) != tt.urls {
				t.Errorf("batch %d, level %s, urls %v", c.Normalise.Batch, c.Log.Level, c.NATS.URLs)
			}
			if c.Normalise.Workers != 4 {
				t.Errorf("the neighbour of a covered key changed: %d", c.Normalise.Workers)
			}
		})
	}
}

// The embedded servers are never more than one variable away, whatever the file says.
func TestEmptyVariableLeadsBackToEmbedded(t *testing.T) {
	c := load(t, Input{File: "testdata/full.yaml", Environ: []string{
		"AGRICHAT_NATS_URLS=", "AGRICHAT_POSTGRES_DSN=", "AGRICHAT_CLICKHOUSE_URL=", "AGRICHAT_ETCD_ENDPOINTS=", "AGRICHAT_NORMALISE_BATCH=",
	}})
	if !c.NATS.Embedded() || !c.Postgres.Embedded() || !c.ClickHouse.Embedded() {
		t.Error("not all servers are embedded")
	}
	if c.Normalise.Batch != 500 {
		t.Errorf("an empty variable changed a number to %d", c.Normalise.Batch)
	}
}

func TestFileNamedByVariable(t *testing.T) {
	c := load(t, Input{Environ: []string{"AGRICHAT_CONFIG=testdata/full.yaml"}})
	if c.NATS.Replicas != 3 {
		t.Errorf("replicas %d", c.NATS.Replicas)
	}
	if _, err := Load(Input{File: "testdata/none.yaml"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is not there: %v", err)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "dsn")
	if err := os.WriteFile(name, []byte("postgres://u:p@h:5432/d\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, Input{File: "testdata/full.yaml", Environ: []string{"AGRICHAT_POSTGRES_DSN_FILE=" + name}})
	if c.Postgres.DSN != "postgres://u:p@h:5432/d" {
		t.Errorf("dsn %q: the variable's file must cover the file's value", c.Postgres.DSN)
	}
	c = load(t, Input{File: "testdata/full.yaml", Environ: []string{"AGRICHAT_NATS_PASSWORD=direct"}})
	if c.NATS.Password != "direct" || c.NATS.PasswordFile != "" {
		t.Errorf("password %q from %q", c.NATS.Password, c.NATS.PasswordFile)
	}
}

// Every fixture's whole error text is compared, so that what a person reads is looked at when it changes.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("fixtures: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(Input{File: file, Environ: []string{"HOME=/h"}, Kinds: []string{"irc"}})
			if err == nil {
				t.Fatal("accepted")
			}
			here, _ := filepath.Abs(".")
			got := strings.ReplaceAll(err.Error(), here+"/", "") + "\n"
			want, readErr := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
			if readErr != nil {
				t.Errorf("reading the fixture: %v", readErr)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if strings.Contains(got, "hunter") {
				t.Error("the message tells a password")
			}
		})
	}
}

func TestBadVariablesAndFlags(t *testing.T) {
	_, err := Load(Input{
		Environ: []string{"HOME=/h", "AGRICHAT_NATS_URL=x", "AGRICHAT_IMPORT_BATCH=many", "AGRICHAT_SPARE=1", "AGRICHAT_LOG_LEVEL=loud"},
		Flags:   []Flag{{Name: "--zone", Key: "import.zone", Value: "Nowhere"}, {Name: "--x", Key: "import.zoo", Value: "1"}},
		Spare:   []string{"AGRICHAT_SPARE"},
	})
	want := `the configuration has 5 mistakes:
  AGRICHAT_IMPORT_BATCH: import.batch: "many" is not a whole number
  AGRICHAT_LOG_LEVEL: log.level: "loud" is not known; choose one of debug, info, warn, error
  AGRICHAT_NATS_URL: no such variable; did you mean AGRICHAT_NATS_URLS?
  --x: import.zoo: no such key; did you mean import.zone?
  --zone: import.zone: "Nowhere" is not a zone; write it like Europe/Moscow or UTC`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var one Mistake
	if !errors.As(err, &one) {
		t.Error("the mistakes cannot be taken apart")
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	c := load(t, Input{File: "testdata/full.yaml"})
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", c, "source", c.Sources[0])
	pointer := &c
	for name, text := range map[string]string{
		"String": c.String(), "JSON": string(asJSON), "log": logged.String(), "%+v": fmt.Sprintf("%+v", pointer),
		"Redacted": c.Redacted().String(), "source": fmt.Sprint(c.Sources),
	} {
		if strings.Contains(text, "hunter") || strings.Contains(text, "from-a-file") || strings.Contains(text, "pa%40ss") {
			t.Errorf("%s tells a secret:\n%s", name, text)
		}
	}
	for _, kept := range []string{"pg1.example:5432,pg2.example:5432", "me:xxxxx@irc.example", "512GiB", "kind: irc", "secret.txt"} {
		if !strings.Contains(c.String(), kept) {
			t.Errorf("%s is lost:\n%s", kept, c)
		}
	}
	if c.Postgres.DSN == c.Redacted().Postgres.DSN {
		t.Error("redacting changed the original, or nothing")
	}
}

// What `agrichat config` prints is a configuration itself.
func TestPrintedIsReadAgain(t *testing.T) {
	first := load(t, Input{File: "testdata/full.yaml"})
	name := filepath.Join(t.TempDir(), "again.yaml")
	if err := os.WriteFile(name, []byte(first.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), load(t, Input{File: name}).String()); diff != "" {
		t.Errorf("-first +again:\n%s", diff)
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://u:p@h:1/d":             "postgres://u:xxxxx@h:1/d",
		"postgres://u@h:1/d":               "postgres://u@h:1/d",
		"postgres://u:p/w@x@h:1/d":         "postgres://u:xxxxx@h:1/d",
		"postgres://h:1/d?password=p&a=b":  "postgres://h:1/d?password=xxxxx&a=b",
		"nats://s3cret@h:1":                "nats://xxxxx@h:1",
		"nats://h:1":                       "nats://h:1",
		"host=h password='a b' user=u":     "host=h password=xxxxx user=u",
		`host=h password = 'it\'s' user=u`: "host=h password = xxxxx user=u",
		"host=h password='unended user=u":  "host=h password=xxxxx",
		"plain text":                       "plain text",
		"https://h/?api_key=p":             "https://h/?api_key=xxxxx",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPostgresDSN(t *testing.T) {
	for dsn, wrong := range map[string]string{
		"postgres://u:p@a:5432,b:5433/d":               "",
		"postgresql://a:5432":                          "",
		"postgres:///d?host=/run/postgresql":           "",
		"postgres:///d?host=a,b&port=1,2":              "",
		"postgres://[::1]:5432/d":                      "",
		"host=a,b port=1,2 password='x y'":             "",
		"host=/run/postgresql dbname=d":                "",
		"postgres://u@a,b:5432/d":                      `host "a" has no port`,
		"postgres://u@a:70000/d":                       `host "a" has no port`,
		"postgres:///d":                                "names no host",
		"host=a,b port=1":                              `host "b" has no port`,
		"host=a port=x":                                `"x" is not a port`,
		"host=a port=1 password='x":                    "a quote does not end",
		"mysql://a:1":                                  "must begin with postgres://",
		"localhost":                                    "is neither a URL",
		"postgres://u:p@ss@a:5432/d":                   "%40",
		"postgres://u:a/b@a:5432/d":                    "%2F",
		"postgres://u:100%@a:5432/d":                   "%25",
		"postgres:///d?host=%zz":                       "cannot be read",
		"postgres://a:5432/d?application_name=me@home": "",
		"postgres://user:hunter2":                      `host "user" has no port`,
	} {
		got := checkPostgres(dsn)
		if (got == "") != (wrong == "") || !strings.Contains(got, wrong) {
			t.Errorf("%s: %q, want %q", dsn, got, wrong)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{
		"20GB": 20e9, "512MiB": 512 << 20, "1.5 gb": 15e8, "1000": 1000, "0": 0, "3B": 3, "2TiB": 2 << 40,
	} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%q printed as %s is read as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "GB", "-1", "1XB", "NaN", "1e300TB", "9e18GB", "5 5"} {
		if n, err := ParseSize(text); err == nil {
			t.Errorf("%q is read as %d", text, n)
		}
	}
}

type connector struct {
	Server   string   `yaml:"server"`
	Password string   `yaml:"password"`
	Channels []string `yaml:"channels"`
	SASL     struct {
		User     string `yaml:"user"`
		Password string `yaml:"password"`
	} `yaml:"sasl"`
	Wait  time.Duration `yaml:"wait"`
	Limit Size          `yaml:"limit"`
	Count int           `yaml:"count"`
}

func TestSourceDecodes(t *testing.T) {
	s := load(t, Input{File: "testdata/full.yaml"}).Sources[0]
	var got connector
	if err := s.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := connector{Server: "ircs://me:hunter5@irc.example:6697", Password: "from-a-file", Channels: []string{"#go", "#agri"}}
	want.SASL.User, want.SASL.Password = "me", "hunter6"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := s.Decode(&got); err != nil {
		t.Errorf("decoding again: %v", err)
	}
}

func TestSourceTellsAllMistakes(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"keys": {
			"name: a\nkind: irc\nsever: x\nsasl:\n  usr: y\npassword_file: /none/such\nserver: b\nserver: c\n",
			`the configuration has 4 mistakes:
  sample:3: a.sever: no such key; did you mean server?
  sample:5: a.sasl.usr: no such key; did you mean user?
  sample:6: a.password_file: reading the secret: open /none/such: no such file or directory
  sample:8: a.server: given twice, first in line 7`,
		},
		"values": {
			"name: a\nkind: irc\ncount: many\nlimit: 3 lorries\nchannels: 7\nsasl: x\n",
			`the configuration has 4 mistakes:
  sample:3: a.count: here must be a whole number that is not too large
  sample:4: a.limit: "3 lorries" is not a size; write it like 20GB, 512MiB or plain bytes
  sample:5: a.channels: here must be a list
  sample:6: a.sasl: here must be keys and values`,
		},
		"duration and size": {"name: a\nkind: irc\nwait: 5s\nlimit: 2MB\n", "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSource([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var c connector
			if diff := cmp.Diff(tt.want, fmt.Sprint(s.Decode(&c))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAliases(t *testing.T) {
	s, err := ParseSource([]byte("name: a\nkind: irc\nserver: &s me\nchannels: [*s, *s]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var c connector
	if err := s.Decode(&c); err != nil || len(c.Channels) != 2 || c.Channels[1] != "me" {
		t.Errorf("%v, %v", c.Channels, err)
	}
	bomb := "name: a\nkind: irc\nx: &a [1,1,1,1,1,1,1,1,1,1]\n"
	for i := range 8 {
		bomb += fmt.Sprintf("y%d: &%c [%s*%[4]c]\n", i, 'b'+i, strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), 'a'+i)
	}
	if _, err := ParseSource([]byte(bomb)); err == nil {
		t.Error("aliases of aliases were taken")
	}
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Input{File: name, Environ: []string{"HOME=/h"}})
		if err != nil {
			return
		}
		_ = c.String()
		for _, s := range c.Sources {
			_ = s.Decode(&connector{})
		}
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("pa'ss", "h")
	f.Add("a@b/c?d#e:f", "h")
	f.Fuzz(func(t *testing.T, password, _ string) {
		if len(password) < 6 || strings.Contains("postgres://user:xxxxx@host:5432/db", password) {
			return
		}
		if got := Redact("postgres://user:" + password + "@host:5432/db"); strings.Contains(got, password) {
			t.Errorf("%q tells %q", got, password)
		}
	})
}
