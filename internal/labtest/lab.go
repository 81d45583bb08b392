package labtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/testenv"
)

// Options say where a lab stands and how it behaves. The zero value is good.
type Options struct {
	Dir  string // AGRICHAT_LAB_DIR, else /var/tmp/agrichat-lab
	Root string // the Debian root; AGRICHAT_LAB_ROOT, else where .ci/lab makes it
	// Strict lets commits wait for a synchronous standby, and without one for ever.
	Strict bool
	// FaultPoints builds the program with the points at which it can be made to die.
	FaultPoints bool
	// Stay leaves the lab running when this process ends.
	Stay bool
}

// Lab is a running lab. Its methods may be called from any goroutine; who changes one host from two gets what he asked for in
// any order.
type Lab struct {
	Options
	Module  string // the folder of go.mod
	Secrets Secrets
	hosts   []*Host
	holds   []*os.File     // while they are open the hosts live
	ended   sync.WaitGroup // of the first processes that this one started
}

// Secrets are new for each lab.
type Secrets struct{ API, Superuser, Replication, Rewind, Record, Bus, Route, System, Figures string }

// ErrUnfit says that a lab cannot stand on this machine.
var ErrUnfit = errors.New("a lab needs Linux and root")

// stateFile is what Attach needs to know.
const stateFile = "lab.json"

// Up brings up the servers: etcd, Patroni with a leader and two standbys, NATS. What an earlier lab left is removed; one that
// still runs is not touched, and an error. The roles of the pipeline are started by StartRoles.
func Up(ctx context.Context, o Options) (*Lab, error) {
	l, err := place(o)
	if err != nil {
		return nil, err
	}
	if l.alive() {
		return nil, fmt.Errorf("bringing up a lab: one runs already in %s; end it with make lab-down", l.Dir)
	}
	if err := l.Down(); err != nil {
		return nil, fmt.Errorf("removing what an earlier lab left: %w", err)
	}
	if err := l.raise(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bringing up a lab: %w\n%s", err, l.Account()), l.Down())
	}
	return l, nil
}

// Attach returns the lab that another process has brought up and left.
func Attach(o Options) (*Lab, error) {
	l, err := place(o)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(l.Dir, stateFile))
	if err != nil {
		return nil, fmt.Errorf("looking for a lab (make lab brings one up): %w", err)
	}
	kept := l.Options
	if err := json.Unmarshal(data, l); err != nil {
		return nil, fmt.Errorf("reading what is known of the lab: %w", err)
	}
	l.Dir = kept.Dir
	return l, nil
}

// Remove ends whatever lab there is and removes all of it.
func Remove(o Options) error {
	l, err := place(o)
	if err != nil {
		return err
	}
	return l.Down()
}

// place settles what is not given. It changes nothing.
func place(o Options) (*Lab, error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, ErrUnfit
	}
	module, err := testenv.Root()
	if err != nil {
		return nil, err
	}
	o.Dir = first(o.Dir, os.Getenv("AGRICHAT_LAB_DIR"), "/var/tmp/agrichat-lab")
	o.Root = first(o.Root, os.Getenv("AGRICHAT_LAB_ROOT"), "/var/cache/agrichat/lab-root")
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("placing the lab: %w", err)
	}
	return &Lab{Options: o, Module: module, hosts: allHosts(o.Dir)}, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func secret() string {
	b := make([]byte, 12)
	rand.Read(b) // never fails: the runtime ends the process instead
	return hex.EncodeToString(b)
}

// raise makes everything, in the order in which one needs the other.
func (l *Lab) raise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(l.Root, "usr/bin/patroni")); err != nil {
		return fmt.Errorf("looking for the servers (.ci/lab installs them): %w", err)
	}
	for _, s := range []*string{&l.Secrets.API, &l.Secrets.Superuser, &l.Secrets.Replication, &l.Secrets.Rewind, &l.Secrets.Record,
		&l.Secrets.Bus, &l.Secrets.Route, &l.Secrets.System, &l.Secrets.Figures} {
		*s = secret()
	}
	if err := os.MkdirAll(filepath.Join(l.Dir, "bin"), 0o755); err != nil {
		return fmt.Errorf("making the lab's folder: %w", err)
	}
	if err := l.save(); err != nil {
		return err
	}
	if err := l.build(ctx, "nats-server", "github.com/nats-io/nats-server/v2"); err != nil {
		return err
	}
	if err := l.connect(ctx); err != nil {
		return err
	}
	if err := l.boot(ctx); err != nil {
		return err
	}
	for _, kind := range []Kind{Etcd, NATS, Postgres} {
		for _, h := range l.Hosts(kind) {
			if err := l.serve(ctx, h); err != nil {
				return err
			}
		}
	}
	return l.WaitHealthy(ctx)
}

func (l *Lab) save() error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("keeping what is known of the lab: %w", err)
	}
	if err := os.WriteFile(filepath.Join(l.Dir, stateFile), data, 0o600); err != nil {
		return fmt.Errorf("keeping what is known of the lab: %w", err)
	}
	return nil
}

func (l *Lab) build(ctx context.Context, name, pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", filepath.Join(l.Dir, "bin", name)}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = l.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}

// Host returns the host with a name, with or without its beginning agri-; nil if there is none.
func (l *Lab) Host(name string) *Host {
	for _, h := range l.hosts {
		if h.Name == name || h.Name == prefix+name {
			return h
		}
	}
	return nil
}

// Hosts returns those of some kinds; all if none is named.
func (l *Lab) Hosts(kinds ...Kind) []*Host {
	var list []*Host
	for _, h := range l.hosts {
		if len(kinds) == 0 {
			list = append(list, h)
		}
		for _, k := range kinds {
			if h.Kind == k {
				list = append(list, h)
			}
		}
	}
	return list
}

// each does something on all given hosts at once.
func each(ctx context.Context, hosts []*Host, do func(context.Context, *Host) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, h := range hosts {
		g.Go(func() error { return do(ctx, h) })
	}
	return g.Wait()
}

// run executes a program of this machine.
func run(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// until asks again and again until there is no error, and tells the last one if ctx ends first.
func until(ctx context.Context, every time.Duration, what string, check func(context.Context) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w: %w", what, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// limited gives a context an end if it has none.
func limited(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}
