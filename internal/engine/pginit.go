package engine

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/agrichat/agrichat/internal/fault"
)

//go:embed sql/create_database.sql
var createDatabase string

//go:embed sql/find_database.sql
var findDatabase string

// newData is where initdb works; the data folder exists under its own name only when it is whole.
const newData = "data.new"

func (p *Postgres) initialise(ctx context.Context, o owner) error {
	if of, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION")); err == nil {
		return p.checkMajor(strings.TrimSpace(string(of)))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for the data of PostgreSQL: %w", err)
	}
	work := filepath.Join(p.cfg.Dir, newData)
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("clearing an interrupted preparation of PostgreSQL: %w", err)
	}
	if err := p.initdb(ctx, o, work); err != nil {
		return err
	}
	if err := os.Rename(work, p.data()); err != nil {
		return fmt.Errorf("putting the new data of PostgreSQL in its place: %w", err)
	}
	return nil
}

// checkMajor refuses the data of another major version, which the server cannot read.
func (p *Postgres) checkMajor(of string) error {
	major, err := postgresMajor()
	if err != nil || of == major {
		return err
	}
	return fault.AsFatal(fmt.Errorf("the data in %s were made by PostgreSQL %s, and this program runs PostgreSQL %s, which cannot read them: "+
		"run the program that made them; or, since every event is on the stream CHAT, keep NATS as it is, move the folder %s aside, "+
		"run `agrichat up`, which fills a new one from the stream, and then `agrichat verify`", p.data(), of, major, p.cfg.Dir))
}

// initdb syncs what it wrote before it ends.
func (p *Postgres) initdb(ctx context.Context, o owner, work string) error {
	password, err := p.passwordFile(o)
	if err != nil {
		return err
	}
	defer os.Remove(password)
	// The builtin provider sorts by code point and knows upper and lower case of every script, and depends neither on the
	// locales of the machine nor on a version of ICU: an index stays valid wherever the folder is carried.
	cmd := exec.CommandContext(ctx, p.cfg.Binaries.initdb(), "--pgdata="+work, "--username="+Role, "--pwfile="+password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
		"--data-checksums", "--no-instructions")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env, cmd.Dir, cmd.SysProcAttr = plainEnv("LC_ALL=C"), "/", o.attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = pgGrace
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("preparing the data of PostgreSQL with initdb: %w: %s", err, lastLine(out.String()))
	}
	return nil
}

// passwordFile exists only while initdb reads it: arguments and the environment can be read by others.
func (p *Postgres) passwordFile(o owner) (string, error) {
	name := filepath.Join(p.cfg.Dir, "password.new")
	if err := writeFile(name, []byte(p.kept.Password)); err != nil {
		return "", err
	}
	return name, o.give(name)
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// pgSettings suit the bulk reading of archives on a laptop, with nothing taken from durability. 256 MB of buffers hold the
// hot part of the indexes of some ten million messages; a checkpoint only every 15 minutes or 4 GB keeps full-page images
// from doubling the log.
func pgSettings() map[string]string {
	return map[string]string{
		"listen_addresses":             loopback,
		"unix_socket_directories":      "", // their paths may not be longer than 107 bytes
		"password_encryption":          "scram-sha-256",
		"max_connections":              "60",
		"fsync":                        "on",
		"synchronous_commit":           "on",
		"full_page_writes":             "on",
		"shared_buffers":               "256MB",
		"work_mem":                     "16MB",
		"maintenance_work_mem":         "128MB",
		"effective_cache_size":         "1GB",
		"random_page_cost":             "1.1",
		"wal_buffers":                  "16MB",
		"wal_compression":              "off", // this build knows only pglz, which costs more than the disk it saves
		"max_wal_size":                 "4GB",
		"min_wal_size":                 "256MB",
		"checkpoint_timeout":           "15min",
		"checkpoint_completion_target": "0.9",
		"jit":                          "off", // it costs more than it brings in statements of a few milliseconds
		"timezone":                     "UTC",
		"log_timezone":                 "UTC",
		"log_checkpoints":              "off",
		"log_line_prefix":              "",
		"cluster_name":                 "agrichat",
	}
}

// writeSettings writes postgresql.conf whole at every start, so that a newer program's settings reach an older folder.
// What a person sets with ALTER SYSTEM lies in another file, which the server reads afterwards.
func (p *Postgres) writeSettings(o owner) error {
	settings := pgSettings()
	maps.Copy(settings, p.cfg.Settings)
	settings["port"] = strconv.Itoa(p.kept.Port)
	var b strings.Builder
	b.WriteString("# Written by agrichat at every start; use ALTER SYSTEM, or the configuration of agrichat.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", ` `).Replace(settings[name]))
	}
	name := filepath.Join(p.data(), "postgresql.conf")
	if err := writeFile(name, []byte(b.String())); err != nil {
		return err
	}
	return o.give(name)
}
