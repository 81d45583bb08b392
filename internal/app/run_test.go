package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/app/datadir"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/supervise"
	"github.com/agrichat/agrichat/internal/testenv"
)

// environment is one with servers of the test, a data directory of its own, and more variables.
func environment(t *testing.T, variables ...string) Environment {
	t.Helper()
	environ := append([]string{"HOME=" + t.TempDir(), "AGRICHAT_DATA=" + filepath.Join(t.TempDir(), "data"), "AGRICHAT_LISTEN_HTTP=127.0.0.1:0",
		"AGRICHAT_NATS_URLS=" + testenv.NATS(t).URL(), "AGRICHAT_POSTGRES_DSN=" + testenv.Postgres(t), "AGRICHAT_CLICKHOUSE_URL=" + testenv.ClickHouse(t),
		"AGRICHAT_NATS_CHAT_MAX_BYTES=64MB", "AGRICHAT_NATS_FACTS_MAX_BYTES=64MB"}, variables...)
	c, err := LoadConfig("", environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Environment{Config: c, Log: slog.New(slog.DiscardHandler), Environ: environ}
}

func TestRun(t *testing.T) {
	t.Parallel()
	t.Run("opens what is required", func(t *testing.T) {
		t.Parallel()
		env := environment(t)
		err := Run(t.Context(), env, Options{Requirements: AllStores(), Create: true}, func(ctx context.Context, a *App) error {
			if b, pool := a.opened(); b == nil || pool == nil {
				t.Error("a connection is not open")
			}
			if a.Attached() || a.OwnsNATS() {
				t.Error("it runs servers, or attaches to some")
			}
			postgres, clickhouse, err := a.Schemas(ctx)
			if postgres.Version == 0 || clickhouse.Version == 0 {
				t.Errorf("the schemas are %+v and %+v", postgres, clickhouse)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(env.Config.Data); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the data directory was touched: %v", err)
		}
	})
	t.Run("creates nothing unless asked to", func(t *testing.T) {
		t.Parallel()
		err := Run(t.Context(), environment(t), Options{Requirements: AllStores()}, func(context.Context, *App) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "agrichat migrate") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("returns the error of the work", func(t *testing.T) {
		t.Parallel()
		odd := errors.New("odd")
		err := Run(t.Context(), environment(t), Options{}, func(context.Context, *App) error { return odd })
		if !errors.Is(err, odd) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("stores and aggregates while it runs", func(t *testing.T) {
		t.Parallel()
		err := Run(t.Context(), environment(t), Options{Requirements: AllStores(), Create: true, Consume: true}, func(ctx context.Context, a *App) error {
			st, err := a.Status(ctx)
			if err != nil {
				return err
			}
			if st.Up || len(st.Consumers) < 2 || st.Missing != "" || st.Gate.State != "open" {
				t.Errorf("the status is %+v", st)
			}
			r, err := a.Verify(ctx, 0, 0, Corrections{})
			if err == nil && !r.Equal {
				t.Errorf("the stores differ: %+v", r)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestServe(t *testing.T) {
	t.Parallel()
	t.Run("roles with health", func(t *testing.T) {
		t.Parallel()
		o := Options{Requirements: AllStores(), Exclusive: true, Create: true, Lasting: true}
		env := environment(t)
		err := Serve(t.Context(), env, o, Roles{Consumers: AllConsumers(), HTTP: true}, func(ctx context.Context, a *App) error {
			e, found, err := datadir.Read(env.Config.Data)
			if err != nil || !found || !e.Lasting || !e.Consumes || e.HTTP == "" {
				t.Errorf("the endpoints are %+v, %t, %v", e, found, err)
			}
			if checks, err := readyz(ctx, a.Endpoints().HTTP); err != nil || len(checks) == 0 {
				t.Errorf("the checks are %+v, %v", checks, err)
			}
			second := Run(ctx, env, Options{Exclusive: true}, func(context.Context, *App) error { return nil })
			if !errors.Is(second, datadir.ErrLocked) {
				t.Errorf("a second owner: %v", second)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, found, err := datadir.Read(env.Config.Data); found || err != nil {
			t.Errorf("endpoints without an owner: %v", err)
		}
	})
	t.Run("a source that is not configured", func(t *testing.T) {
		t.Parallel()
		env := environment(t)
		err := Serve(t.Context(), env, Options{Exclusive: true}, Roles{Sources: true, Named: []string{"libera"}}, func(context.Context, *App) error { return nil })
		var usage UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), "libera") {
			t.Errorf("got %v", err)
		}
		l, err := datadir.Acquire(env.Config.Data)
		if err != nil {
			t.Fatalf("the directory is still locked: %v", err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSelectSources(t *testing.T) {
	t.Parallel()
	sources := []config.Source{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for name, tt := range map[string]struct {
		names, want []string
		err         string
	}{
		"all":         {nil, []string{"a", "b", "c"}, ""},
		"some":        {[]string{"c", "a"}, []string{"a", "c"}, ""},
		"an unknown":  {[]string{"a", "x", "y"}, nil, "x, y"},
		"named twice": {[]string{"b", "b"}, []string{"b"}, ""},
	} {
		got, err := SelectSources(sources, tt.names)
		var names []string
		for _, s := range got {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, tt.want) || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v", name, names, err)
		}
	}
}

func TestReadiness_wait(t *testing.T) {
	t.Parallel()
	r := newReadiness([]supervise.Component{{Name: "a"}, {Name: "b"}})
	for _, s := range []supervise.Status{{Name: "a", State: supervise.Running}, {Name: "a", State: supervise.Running}, {Name: "b", State: supervise.Starting}} {
		r.observe(s)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errOwnerEnded)
	if err := r.wait(ctx); !errors.Is(err, errOwnerEnded) {
		t.Errorf("before all were ready: %v", err)
	}
	r.observe(supervise.Status{Name: "b", State: supervise.Finished})
	if err := r.wait(t.Context()); err != nil {
		t.Errorf("when all were ready: %v", err)
	}
	if err := newReadiness(nil).wait(t.Context()); err != nil {
		t.Errorf("without components: %v", err)
	}
}
