package deploytest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/obs"
)

// TestReady runs the health check of the image against what the roles serve.
func TestReady(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash, which the image has")
	}
	health := obs.NewHealth()
	mux := http.NewServeMux()
	obs.Mount(mux, health, obs.NewRegistry(obs.ReadBuild()))
	server := httptest.NewServer(mux)
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	part := health.Check("part")
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"waiting", func() { part.Waiting("for a leader") }, 1},
		{"ready", part.OK, 0},
		{"failing", func() { part.Failing("no disk") }, 1},
		{"gone", server.Close, 1},
	} {
		step.do()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		out, err := exec.CommandContext(ctx, filepath.Join(root(t), "deploy/docker/ready"), port).CombinedOutput()
		cancel()
		status := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if status != step.want {
			t.Errorf("%s: exit status %d, want %d: %s", step.name, status, step.want, out)
		}
	}
}
