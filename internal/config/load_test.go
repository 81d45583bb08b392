package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestLoad_EveryKey holds that each key, by its variable, sets its own field and no other, as its type demands, and that a flag
// covers the variable.
func TestLoad_EveryKey(t *testing.T) {
	// One value of each type that no check refuses, and which is no default.
	special := map[string]string{
		"data": "/d", "engines": "/e", "nats.urls": "nats://h:4222", "postgres.dsn": "postgres://h:5432/d", "clickhouse.url": "http://h:8123",
		"listen.http": "127.0.0.1:1", "import.zone": "UTC", "import.charset": "koi8-r", "import.date_order": "dmy", "log.level": "debug",
		"log.format": "json", "nats.replicas": "2", "nats.password": "p", "etcd.password": "p", "patroni.namespace": "/n/",
	}
	needs := map[string][]string{ // others that a key is refused without
		"nats.password":  {"AGRICHAT_NATS_USER=u"},
		"etcd.endpoints": nil, "etcd.password": nil, "etcd.user": nil,
	}
	of := func(k key) string {
		switch v := special[k.path]; {
		case v != "":
			return v
		case k.typ == reflect.TypeFor[Size]():
			return "7MB"
		case k.typ.Kind() == reflect.Int:
			return "7"
		}
		return "x"
	}
	for _, k := range keys() {
		if strings.HasSuffix(k.path, "_file") || k.path == "etcd.endpoints" {
			continue // they name files and servers; other tests have them
		}
		t.Run(k.path, func(t *testing.T) {
			env := append([]string{"HOME=/h", k.variable() + "=" + of(k)}, needs[k.path]...)
			c := load(t, Input{Environ: env})
			got := reflect.ValueOf(c).FieldByIndex(k.index).Interface()
			if want, err := parse(of(k), k.typ); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("the field has %v, want %v, %v", got, want, err)
			}
			reflect.ValueOf(&c).Elem().FieldByIndex(k.index).SetZero()
			base := load(t, Input{Environ: append([]string{"HOME=/h"}, needs[k.path]...)})
			reflect.ValueOf(&base).Elem().FieldByIndex(k.index).SetZero()
			if diff := cmp.Diff(base, c, cmpopts.IgnoreUnexported(Source{})); diff != "" {
				t.Errorf("other fields changed:\n%s", diff)
			}
			covered := "AGRICHAT_" + strings.TrimPrefix(k.variable(), "AGRICHAT_") + "=" + of(k)
			flag := Flag{Name: "--x", Key: k.path, Value: of(k)}
			if d := load(t, Input{Environ: append(env, covered), Flags: []Flag{flag}}); d.String() == base.String() && k.path != "data" {
				t.Errorf("the flag sets nothing")
			}
		})
	}
}

// TestLoad_Default holds that an empty environment gives the defaults, in the user's own folder.
func TestLoad_Default(t *testing.T) {
	want := Default()
	want.Data = "/h/.local/share/agrichat"
	if diff := cmp.Diff(want, load(t, Input{Environ: []string{"HOME=/h"}}), cmpopts.IgnoreUnexported(Source{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want.Data = "/x/agrichat"
	if got := load(t, Input{Environ: []string{"HOME=/h", "XDG_DATA_HOME=/x"}}); got.Data != want.Data {
		t.Errorf("data %q, want %q", got.Data, want.Data)
	}
	if _, err := Load(Input{}); err == nil || !strings.Contains(err.Error(), "--data, AGRICHAT_DATA") {
		t.Errorf("without a home: %v", err)
	}
}

// TestLoad_Paths covers where relative paths start: a file's at its own folder, a variable's and a flag's at the working folder.
func TestLoad_Paths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(file, []byte("data: d\nengines: ~/e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, Input{File: file, Environ: []string{"HOME=/h"}})
	if c.Data != filepath.Join(dir, "d") || c.Engines != "/h/e" {
		t.Errorf("in the file: data %q, engines %q", c.Data, c.Engines)
	}
	c = load(t, Input{File: file, Environ: []string{"HOME=/h", "AGRICHAT_DATA=d"}})
	if c.Data != filepath.Join(here, "d") {
		t.Errorf("in a variable: data %q", c.Data)
	}
	c = load(t, Input{File: file, Environ: []string{"HOME=/h", "AGRICHAT_DATA=d"}, Flags: []Flag{{"--data", "data", "../f"}}})
	if c.Data != filepath.Join(filepath.Dir(here), "f") {
		t.Errorf("in a flag: data %q", c.Data)
	}
}

// TestLoad_CoveredError holds that an error in a lower layer is reported although a higher one covers it.
func TestLoad_CoveredError(t *testing.T) {
	_, err := Load(Input{Environ: []string{"HOME=/h", "AGRICHAT_IMPORT_BATCH=many"}, Flags: []Flag{{"--batch", "import.batch", "5"}}})
	if err == nil || !strings.Contains(err.Error(), `AGRICHAT_IMPORT_BATCH: import.batch: "many" is not a whole number`) {
		t.Errorf("%v", err)
	}
}

// TestLoad_Secrets covers a secret that is given twice, and files that cannot be read or are empty.
func TestLoad_Secrets(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "\n", "secret": "s3cret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct{ env, want string }{
		"twice":   {"AGRICHAT_NATS_PASSWORD=a", "nats.password_file: nats.password is given too; give one of them"},
		"missing": {"AGRICHAT_NATS_PASSWORD_FILE=" + filepath.Join(dir, "none"), "no such file"},
		"empty":   {"AGRICHAT_NATS_PASSWORD_FILE=" + filepath.Join(dir, "empty"), "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			env := []string{"HOME=/h", "AGRICHAT_NATS_USER=u", "AGRICHAT_NATS_PASSWORD_FILE=" + filepath.Join(dir, "secret"), tt.env}
			if _, err := Load(Input{Environ: env}); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestMeant(t *testing.T) {
	known := []string{"nats.urls", "nats.user", "log.level"}
	for name, want := range map[string]string{
		"nats.url": "; did you mean nats.urls?", "NATS.USER": "; did you mean nats.user?", "log.levle": "; did you mean log.level?",
		"postgres": "", "": "",
	} {
		if got := meant(name, known); got != want {
			t.Errorf("meant(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"a", ""}: 1, {"", "ab"}: 2, {"kitten", "sitting"}: 3, {"ABC", "abc"}: 0, {"зона", "зоны"}: 1, {"flaw", "lawn"}: 2,
	} {
		if got := distance(pair[0], pair[1]); got != want {
			t.Errorf("distance(%q, %q) = %d, want %d", pair[0], pair[1], got, want)
		}
	}
}
