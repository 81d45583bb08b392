package labtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/agrichat/agrichat/internal/engine"
)

// clickHouse is the name of its process.
const clickHouse = "clickhouse"

// StartRoles builds the program and starts ClickHouse and the roles of some hosts; of all, if none is named. It returns when
// they are ready. Without a change of the program the building takes a second.
func (l *Lab) StartRoles(ctx context.Context, hosts ...*Host) error {
	ctx, cancel := limited(ctx, 3*time.Minute)
	defer cancel()
	if err := l.buildProgram(ctx); err != nil {
		return err
	}
	if !l.Running(l.Hosts(Figures)[0], clickHouse) {
		if err := l.startClickHouse(ctx); err != nil {
			return err
		}
	}
	if len(hosts) == 0 {
		hosts = l.Hosts(Controller, Worker, Figures)
	}
	for _, h := range hosts {
		if err := l.StartRole(ctx, h); err != nil {
			return err
		}
	}
	return each(ctx, hosts, l.AwaitRole)
}

func (l *Lab) buildProgram(ctx context.Context) error {
	if l.FaultPoints {
		return l.build(ctx, "agrichat", ".", "-tags", "faultpoints")
	}
	return l.build(ctx, "agrichat", ".")
}

// Role is what a host does in the pipeline, and the name of its process; empty for servers.
func (h *Host) Role() string {
	switch h.Kind {
	case Worker:
		return "normalise"
	case Controller:
		return "control"
	case Figures:
		return "aggregate"
	}
	return ""
}

// StartRole starts the role of a host, with variables beside those that every role has. It does not wait until it is ready.
func (l *Lab) StartRole(ctx context.Context, h *Host, env ...string) error {
	all := append(l.Env(), "HOME="+h.inside("data"), "AGRICHAT_DATA="+h.inside("data", "agrichat"),
		"AGRICHAT_LISTEN_HTTP="+h.Address+":"+rolePort, "AGRICHAT_LOG_FORMAT=json")
	return l.Start(ctx, h, h.Role(), append(all, env...), l.program(), "consume", h.Role())
}

func (l *Lab) program() string { return filepath.Join(l.Dir, "bin", "agrichat") }

// AwaitRole waits until the role of a host is ready.
func (l *Lab) AwaitRole(ctx context.Context, h *Host) error {
	ctx, cancel := limited(ctx, time.Minute)
	defer cancel()
	gone := error(nil)
	err := until(ctx, 50*time.Millisecond, h.Role()+" is ready on "+h.Name, func(ctx context.Context) error {
		if !l.Running(h, h.Role()) {
			gone = fmt.Errorf("%s on %s has ended:\n%s", h.Role(), h.Name, tail(h.Log(h.Role())))
			return nil
		}
		return ask(ctx, http.MethodGet, l.RoleURL(h)+"/readyz", "", nil, nil)
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(h.Log(h.Role())))
	}
	return gone
}

// startClickHouse starts the engine as agrichat starts it, but where all hosts reach it. It is told by its input what to
// serve, and ends when that ends.
func (l *Lab) startClickHouse(ctx context.Context) error {
	h := l.Hosts(Figures)[0]
	dir := first(os.Getenv("AGRICHAT_ENGINES"), filepath.Join(l.Module, ".engines"))
	bin, err := engine.Locate(dir)
	if err != nil {
		return err
	}
	told, err := json.Marshal(map[string]any{
		"library": bin.ClickHouse, "path": h.inside("data", "clickhouse", "data"), "host": h.Address, "port": clickHousePort,
		"user": role, "password": l.Secrets.Figures, "memory": 1 << 30,
	})
	if err != nil {
		return fmt.Errorf("telling ClickHouse what to serve: %w", err)
	}
	name := filepath.Join(h.dir, "conf", "clickhouse.json")
	if err := give(name, string(told)+"\n", h.dir, 0o400); err != nil {
		return err
	}
	script := `mkdir -p "$3"; exec "$1" engine clickhouse < <(cat "$2"; exec sleep infinity)`
	err = l.Start(ctx, h, clickHouse, []string{"LC_ALL=C", "TZ=UTC", "HOME=" + h.inside("data")},
		"bash", "-c", script, clickHouse, l.program(), h.inside("conf", "clickhouse.json"), h.inside("data", "clickhouse", "data"))
	if err != nil {
		return err
	}
	return until(ctx, 50*time.Millisecond, "ClickHouse answers", func(ctx context.Context) error {
		if !l.Running(h, clickHouse) {
			return fmt.Errorf("it has ended:\n%s", tail(h.Log(clickHouse)))
		}
		return ask(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/ping", h.Address, clickHousePort), "", nil, nil)
	})
}

// Restart starts again what a host is for and what does not run: its server, or its role, and ClickHouse. It does not wait
// until a server is healthy.
func (l *Lab) Restart(ctx context.Context, h *Host) error {
	if h.Role() == "" {
		return l.serve(ctx, h)
	}
	if h.Kind == Figures && !l.Running(h, clickHouse) {
		if err := l.startClickHouse(ctx); err != nil {
			return err
		}
	}
	if l.Running(h, h.Role()) {
		return nil
	}
	return l.StartRole(ctx, h)
}
