package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Input is what a configuration is made of.
type Input struct {
	// File is named by the user and must be there. If empty, AGRICHAT_CONFIG names it; otherwise
	// $XDG_CONFIG_HOME/agrichat/agrichat.yaml (~/.config) is read if it exists.
	File    string
	Environ []string // as os.Environ gives it
	Flags   []Flag   // only those that the user gave
	// Spare are variables that begin with AGRICHAT_ and are read by others.
	Spare []string
	// Kinds are the live sources there are; empty: any is taken.
	Kinds []string
}

// Flag is a flag of the command line that sets a key.
type Flag struct {
	Name  string // as the user writes it: --zone
	Key   string // import.zone
	Value string
}

// variables that are no keys.
const (
	fileVariable = envPrefix + "CONFIG"
	fileName     = "agrichat.yaml"
	appFolder    = "agrichat"
)

// Load reads everything and checks it. The error is of type Mistakes unless the file cannot be read.
func Load(in Input) (Config, error) {
	l := newLoader(in)
	if err := l.file(); err != nil {
		return Config{}, err
	}
	l.environment()
	l.flags()
	return l.finish()
}

// loader collects the layers.
type loader struct {
	Input
	env      map[string]string
	keys     keySet
	values   map[string]any   // by key, of the highest layer that gives it
	given    map[string]place // where that was
	sources  []Source
	mistakes Mistakes
}

func newLoader(in Input) *loader {
	l := &loader{
		Input: in, env: map[string]string{}, keys: newKeySet(), values: map[string]any{}, given: map[string]place{},
	}
	for _, entry := range in.Environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			l.env[name] = value
		}
	}
	return l
}

// put takes one value of a layer; layers are read from the lowest to the highest. An error in it is reported even if a higher
// layer covers it.
func (l *loader) put(path string, at place, text string) {
	value, err := parse(text, l.keys.byPath[path].typ)
	if err != nil {
		l.mistakes.add(at, "%s: %v", path, err)
		return
	}
	l.values[path], l.given[path] = value, at
}

// open reads the file that is configured, or none.
func (l *loader) open() (name string, data []byte, err error) {
	name = l.File
	if name == "" {
		name = l.env[fileVariable]
	}
	named := name != ""
	if !named {
		name = filepath.Join(l.base("XDG_CONFIG_HOME", ".config"), appFolder, fileName)
	}
	data, err = os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return name, data, nil
}

// base is one of the user's own folders, by the rules that desktops share.
func (l *loader) base(variable, fallback string) string {
	if dir := l.env[variable]; filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(l.env["HOME"], filepath.FromSlash(fallback))
}

// environment lays the variables over the file. An empty variable empties a text or a list (so that one variable leads back
// to an embedded server), and is as good as none for a number.
func (l *loader) environment() {
	names := map[string]string{}
	for path, k := range l.keys.byPath {
		names[k.variable()] = path
	}
	known := append(slices.Sorted(maps.Keys(names)), fileVariable)
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !strings.HasPrefix(name, envPrefix) || name == fileVariable || slices.Contains(l.Spare, name) {
			continue
		}
		at := place{layer: layerEnv, name: name}
		path, ok := names[name]
		switch {
		case !ok:
			l.mistakes.add(at, "no such variable%s", meant(name, known))
		case l.env[name] != "" || canBeEmpty(l.keys.byPath[path].typ):
			l.put(path, at, l.env[name])
		}
	}
}

func canBeEmpty(t reflect.Type) bool { return t.Kind() == reflect.String || t.Kind() == reflect.Slice }

func (l *loader) flags() {
	for _, f := range l.Flags {
		at := place{layer: layerFlag, name: f.Name}
		if _, ok := l.keys.byPath[f.Key]; !ok {
			l.mistakes.add(at, "%s: no such key%s", f.Key, meant(f.Key, l.keys.order))
			continue
		}
		l.put(f.Key, at, f.Value)
	}
}

// finish lays the values over the defaults, reads the files of secrets, and checks all values.
func (l *loader) finish() (Config, error) {
	c := Default()
	for path, v := range l.values {
		reflect.ValueOf(&c).Elem().FieldByIndex(l.keys.byPath[path].index).Set(reflect.ValueOf(v))
	}
	c.Sources = l.sources
	l.paths(&c)
	l.secrets(&c)
	l.check(&c)
	if err := l.mistakes.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// paths makes every path absolute.
func (l *loader) paths(c *Config) {
	if c.Data == "" {
		if l.env["HOME"] == "" && l.env["XDG_DATA_HOME"] == "" {
			l.mistakes.add(place{}, "data: without HOME there is no usual folder; name one (--data, AGRICHAT_DATA)")
		}
		c.Data = filepath.Join(l.base("XDG_DATA_HOME", ".local/share"), appFolder)
	}
	for path, p := range map[string]*string{
		"data": &c.Data, "engines": &c.Engines, "nats.password_file": &c.NATS.PasswordFile,
		"nats.creds_file": &c.NATS.CredsFile, "postgres.dsn_file": &c.Postgres.DSNFile,
		"clickhouse.url_file": &c.ClickHouse.URLFile, "etcd.password_file": &c.Etcd.PasswordFile, "etcd.ca_file": &c.Etcd.CAFile,
		"etcd.cert_file": &c.Etcd.CertFile, "etcd.key_file": &c.Etcd.KeyFile,
	} {
		abs, err := absolute(*p, l.given[path].base, l.env["HOME"])
		if err != nil {
			l.mistakes.add(l.given[path], "%s: %v", path, err)
		}
		*p = abs
	}
}

func absolute(path, base, home string) (string, error) {
	if path == "" {
		return "", nil
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(base, path)
	}
	return filepath.Abs(path)
}

// secrets reads the files that hold them. A secret given twice at one layer is a mistake; a higher layer covers both forms.
func (l *loader) secrets(c *Config) {
	for path, s := range map[string]struct{ value, file *string }{
		"nats.password":  {&c.NATS.Password, &c.NATS.PasswordFile},
		"postgres.dsn":   {&c.Postgres.DSN, &c.Postgres.DSNFile},
		"clickhouse.url": {&c.ClickHouse.URL, &c.ClickHouse.URLFile},
		"etcd.password":  {&c.Etcd.Password, &c.Etcd.PasswordFile},
	} {
		value, file := l.given[path], l.given[path+"_file"]
		switch {
		case *s.file == "" || value.layer > file.layer:
			*s.file = ""
		case *s.value != "" && value.layer == file.layer:
			l.mistakes.add(file, "%s_file: %s is given too; give one of them", path, path)
		default:
			text, err := secret(*s.file)
			if err != nil {
				l.mistakes.add(file, "%s_file: %v", path, err)
			}
			*s.value = text
		}
	}
}

// secret reads a file, less the line end that editors leave.
func secret(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("reading the secret: %s is empty", name)
	}
	return text, nil
}
