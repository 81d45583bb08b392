package testenv

import (
	"path/filepath"
	"testing"

	"github.com/agrichat/agrichat/internal/engine"
)

// Server is one that a test stops and starts, to do something to its folder in between.
type Server struct {
	URL     string
	server  runner
	running *running // nil: stopped
}

// Restartable returns a NATS and a PostgreSQL of the test's own, running in the folders nats and postgres of dir, until the test ends.
func Restartable(t testing.TB, dir string) map[string]*Server {
	t.Helper()
	n, err := engine.NewNATS(engine.NATSConfig{Dir: filepath.Join(dir, "nats"), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewPostgres(config(Binaries(t), filepath.Join(dir, "postgres")))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*Server{"nats": {URL: n.URL(), server: n}, "postgres": {URL: p.DSN(), server: p}}
	for _, s := range all {
		s.Start(t)
		t.Cleanup(func() { s.Stop(t) })
	}
	return all
}

// Start returns when the server answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	r, err := runServer(s.server)
	if err != nil {
		t.Fatal(err)
	}
	s.running = r
}

// Stop returns when the server has ended; it does nothing where it has not been started.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running == nil {
		return
	}
	if err := s.running.stop(); err != nil {
		t.Error(err)
	}
	s.running = nil
}
